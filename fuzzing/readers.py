"""Everything that reads files from outside: what reads, valid files to begin with, and how they are changed.

A reader takes a file's bytes. It may raise InputError and nothing else; what it gives is looked at to the end.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datamodules import chi3d
from duolift import outputs
from duolift.body.skeleton import PAPER19
from duolift.bulk.columns import people_of, whole_images
from duolift.inputs import files as formats
from duolift.inputs.files import Options
from duolift.inputs.pictures import camera_of_picture
from duolift.outputs.document import from_json
from duolift.predictor import Lifter
from experiments import config
from experiments.checkpoints import stamp_of
from fuzzing import mutations, seeds
from fuzzing.mutations import Mutation

_HELD = tempfile.TemporaryDirectory(prefix="fuzzing-")
FOLDER = Path(_HELD.name)
"""Where a process writes what is read."""


@dataclass(frozen=True)
class Reader:
    """What reads a file, given its bytes; valid files; how they are changed."""

    read: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    changed: Mutation


def of_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A reader of bytes of one of files, which are called `name`."""
    path = FOLDER / name

    def written(content: bytes) -> object:
        path.write_bytes(content)
        return read(path)

    return written


def detections(path: Path, container: str | None = None) -> object:
    return [*formats.read(path, Options(format=container))]


def rows(path: Path) -> object:
    return [people_of(table, len(PAPER19), path) for table, _ in whole_images(path)]


def arguments(content: bytes) -> object:
    return config.load(content.decode("utf-8", "surrogateescape").split("\n"))


def part_of_tree(part: int) -> Callable[[bytes], object]:
    """A tree in CHI3D's layout in which one file is not as it was: the joints, the camera, or what names cameras."""

    def read(content: bytes) -> object:
        files = [*seeds.take(), seeds.INFO]
        files[part] = content
        return chi3d.read(seeds.write_tree(FOLDER / f"tree {part}", *files), [seeds.SUBJECT])

    return read


def parsed_copy(content: bytes) -> object:
    root = seeds.write_tree(FOLDER / "tree", *seeds.take(), seeds.INFO)
    cache = FOLDER / "cache"
    if not cache.exists():
        chi3d.read(root, [seeds.SUBJECT], None, cache)
    for path in cache.iterdir():
        path.write_bytes(content)
    return chi3d.read(root, [seeds.SUBJECT], None, cache)


JSON_CONTAINERS = {
    "openpose": seeds.openpose,
    "coco": seeds.coco,
    "results": seeds.results,
    "alphapose": seeds.alphapose,
    "mmpose": seeds.mmpose,
}


def _any_changed(data: bytes, random: mutations.Random) -> bytes:
    return (mutations.archive_changed if data.startswith(b"PK") else mutations.json_changed)(data, random)


READERS: dict[str, Reader] = {
    "detectors": Reader(of_file("any.json", detections), seeds.detectors, _any_changed),
    **{
        name: Reader(of_file("any.json", partial(detections, container=name)), given, mutations.json_changed)
        for name, given in JSON_CONTAINERS.items()
    },
    "npz": Reader(of_file("any.npz", partial(detections, container="npz")), seeds.arrays, mutations.archive_changed),
    "pictures": Reader(of_file("any.jpg", camera_of_picture), seeds.pictures, mutations.bytes_changed),
    "scene.json": Reader(
        lambda content: from_json(content, "scene.json"), partial(seeds.scenes, ".json"), mutations.json_changed
    ),
    "scene.npz": Reader(of_file("scene.npz", outputs.read), partial(seeds.scenes, ".npz"), mutations.archive_changed),
    "lifter": Reader(of_file("lifter.safetensors", Lifter.load), seeds.lifters, mutations.tensors_changed),
    "checkpoint": Reader(
        of_file("last.ckpt", partial(stamp_of, kind="a lifter")), seeds.checkpoints, mutations.archive_changed
    ),
    "arguments": Reader(arguments, seeds.settings, mutations.settings_changed),
    "settings": Reader(
        of_file("config.yaml", lambda path: config.load_run(path, [])), seeds.experiments, mutations.settings_changed
    ),
    "chi3d joints": Reader(part_of_tree(0), lambda: [seeds.take()[0]], mutations.json_changed),
    "chi3d camera": Reader(part_of_tree(1), lambda: [seeds.take()[1]], mutations.json_changed),
    "chi3d info": Reader(part_of_tree(2), lambda: [seeds.INFO], mutations.json_changed),
    "chi3d cache": Reader(parsed_copy, seeds.caches, mutations.archive_changed),
    "parquet": Reader(of_file("any.parquet", rows), seeds.tables, mutations.table_changed),
}
"""By name."""
