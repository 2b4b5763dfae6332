"""Everything that reads files from outside: the reader, valid files as seeds, and how these are mutated.

A reader takes a file's bytes. It may raise InputError and nothing else. What it yields is read to the end.
"""

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from datamodules.sources import chi3d, mupots, panoptic, somof
from datamodules.sources.h36m import reader as h36m
from datamodules.sources.mocap import reader as mocap
from datamodules.sources.mpi_inf_3dhp import reader as mpi_inf_3dhp
from duolift import inputs, outputs
from duolift.body.skeleton import PAPER19
from duolift.bulk.columns import people_of, whole_images
from duolift.calibration.registry import read_calibration
from duolift.files.films import Film
from duolift.inputs.pictures import camera_of_picture
from duolift.outputs.document import from_json
from duolift.outputs.photographs import read_picture
from duolift.predictor import Lifter
from duolift.view.uploads import unpack
from experiments import config
from experiments.checkpoints import stamp_of
from fuzzing import camera_seeds, mutations, seeds
from fuzzing.mutations import Mutation
from fuzzing.people import SIZE

_HELD = tempfile.TemporaryDirectory(prefix="fuzzing-")
FOLDER = Path(_HELD.name)
"""Where this process writes the files that are read."""


@dataclass(frozen=True)
class Reader:
    """What is fuzzed.

    Attributes:
        read: reads a file, given its bytes.
        seeds: valid files.
        changed: mutates a file.
    """

    read: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    changed: Mutation


def of_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A reader of bytes, made of one that takes the path of a file called `name`."""
    path = FOLDER / name

    def written(content: bytes) -> object:
        path.write_bytes(content)
        return read(path)

    return written


def detections(path: Path, file_format: str | None = None) -> object:
    return [*inputs.read(path, inputs.Options(format=file_format, image=(SIZE, SIZE)))]


def in_page(content: bytes) -> object:
    """The scene of a page that has these settings."""
    (path := FOLDER / "scene.html").write_bytes(b'<script id="settings">' + content + b"</script>")
    return outputs.read(path)


def uploaded(content: bytes) -> object:
    """What the page's server makes of a request's body; all that it writes is within one folder."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        (inside := Path(folder) / "inside").mkdir()
        found = unpack(io.BytesIO(content), len(content), inside)
        assert found.resolve().is_relative_to(inside.resolve()) and {*Path(folder).iterdir()} == {inside}
    return found


def colmap(images: bool) -> Callable[[bytes], object]:
    """A reader of a model of COLMAP's of which one file is replaced."""

    def read(content: bytes) -> object:
        (folder := FOLDER / f"colmap {images}").mkdir(exist_ok=True)
        (folder / "cameras.txt").write_bytes(camera_seeds.COLMAP_CAMERAS if images else content)
        (folder / "images.txt").write_bytes(content if images else camera_seeds.COLMAP_IMAGES)
        return read_calibration(folder)

    return read


def rows(path: Path) -> object:
    return [people_of(table, len(PAPER19), path) for table, _ in whole_images(path)]


def arguments(content: bytes) -> object:
    return config.load(content.decode("utf-8", "surrogateescape").split("\n"))


def part_of_tree(part: int) -> Callable[[bytes], object]:
    """A reader of a tree in CHI3D's layout in which one file is replaced: 0 the joints, 1 the camera, 2 info.json."""

    def read(content: bytes) -> object:
        files = [*seeds.take(), seeds.INFO]
        files[part] = content
        return chi3d.read(seeds.write_tree(FOLDER / f"tree {part}", *files), [seeds.SUBJECT])

    return read


def capture(part: int) -> Callable[[bytes], object]:
    """A reader of motion capture of one person: 0 a BVH, 1 the skeleton and 2 the motion of an ASF/AMC."""

    def read(content: bytes) -> object:
        files = {"a.bvh": content} if part == 0 else dict(zip(("a.asf", "a.amc"), seeds.acclaim(), strict=True))
        files |= {"a.asf": content} if part == 1 else {"a.amc": content} if part == 2 else {}
        for name, data in files.items():
            (FOLDER / f"capture {part}").mkdir(exist_ok=True)
            (FOLDER / f"capture {part}" / name).write_bytes(data)
        return mocap.read(FOLDER / f"capture {part}", ["a"])

    return read


def archive_of(folder: str, name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A reader of a benchmark's folder in which one archive is replaced."""

    def replaced(content: bytes) -> object:
        root = FOLDER / f"{folder} {name}"
        root.mkdir(exist_ok=True)
        for other, data in seeds.benchmark(folder).items():
            (root / other).write_bytes(content if other == name else data)
        return read(root)

    return replaced


def of_company(folder: str, name: str, read: Callable[[Path], object]) -> Reader:
    """What reads a benchmark of several people in which one file is replaced."""

    def replaced(content: bytes) -> object:
        root = FOLDER / f"{folder} {name.replace('/', ' ')}"
        for other, data in seeds.companies(folder).items():
            (root / other).parent.mkdir(parents=True, exist_ok=True)
            (root / other).write_bytes(content if other == name else data)
        return read(root)

    changed = mutations.bytes_changed if name.endswith(".mat") else mutations.json_changed
    return Reader(replaced, lambda: [seeds.companies(folder)[name]], changed)


def panoptic_sequence(root: Path) -> object:
    return panoptic.read(root, [seeds.SEQUENCE], settings=panoptic.PanopticConfig(every=1))


def somof_part(root: Path) -> object:
    return somof.read(root, ["train"], settings=somof.SomofConfig(every=15))


def mmpose_archive(content: bytes) -> object:
    (root := FOLDER / "mmpose").mkdir(exist_ok=True)
    (root / "h36m_test.npz").write_bytes(content)
    return h36m.read(root, ["S9"])


def parsed_copy(content: bytes) -> object:
    root = seeds.write_tree(FOLDER / "tree", *seeds.take(), seeds.INFO)
    cache = FOLDER / "cache"
    if not cache.exists():
        chi3d.read(root, [seeds.SUBJECT], None, cache)
    for path in cache.iterdir():
        path.write_bytes(content)
    return chi3d.read(root, [seeds.SUBJECT], None, cache)


def _any_changed(data: bytes, random: mutations.Random) -> bytes:
    return (mutations.archive_changed if data.startswith(b"PK") else mutations.json_changed)(data, random)


CHANGES: dict[str, Mutation] = {
    ".json": mutations.json_changed,
    ".npz": mutations.archive_changed,
    ".h5": mutations.bytes_changed,
}
"""Suffix -> how such a file is mutated; others are text."""


def detector_reader(name: str, suffix: str) -> Reader:
    """The reader of a file format of detectors."""
    change = CHANGES.get(suffix, mutations.words_changed)
    return Reader(of_file(f"any{suffix}", partial(detections, file_format=name)), seeds.DETECTOR_FILES[name], change)


def film(path: Path) -> None:
    """Decode a film's frames, and look for one of them."""
    opened = Film(path)
    for _ in islice(opened.frames(), 20):
        pass
    opened.frame(1)
    opened.doubts()


READERS: dict[str, Reader] = {
    "detectors": Reader(of_file("any.json", detections), seeds.detectors, _any_changed),
    **{name: detector_reader(name, known.suffix) for name, known in inputs.FILE_FORMATS.items()},
    "pictures": Reader(of_file("any.jpg", camera_of_picture), seeds.pictures, mutations.bytes_changed),
    "films": Reader(of_file("film.mp4", film), seeds.films, mutations.bytes_changed),
    "photographs": Reader(of_file("photograph.jpg", read_picture), seeds.pictures, mutations.bytes_changed),
    "uploads": Reader(uploaded, seeds.uploads, mutations.words_changed),
    "camera.json": Reader(of_file("camera.json", read_calibration), camera_seeds.documents, mutations.json_changed),
    **{
        f"camera{suffix}": Reader(
            of_file(f"camera{suffix}", read_calibration),
            partial(camera_seeds.others, suffix),
            mutations.words_changed,
        )
        for suffix in (".toml", ".yml")
    },
    "colmap cameras": Reader(colmap(False), lambda: [camera_seeds.COLMAP_CAMERAS], mutations.words_changed),
    "colmap images": Reader(colmap(True), lambda: [camera_seeds.COLMAP_IMAGES], mutations.words_changed),
    "scene.json": Reader(
        lambda content: from_json(content, "scene.json"), partial(seeds.scenes, ".json"), mutations.json_changed
    ),
    "scene.html": Reader(in_page, seeds.pages, mutations.json_changed),
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
    "h36m 3d": Reader(
        archive_of("h36m", h36m.POSES_3D, lambda root: h36m.read(root, ["S9"])),
        lambda: [seeds.benchmark("h36m")[h36m.POSES_3D]],
        mutations.archive_changed,
    ),
    "h36m 2d": Reader(
        archive_of("h36m", h36m.POSES_2D.format("gt"), lambda root: h36m.read(root, ["S9"])),
        lambda: [seeds.benchmark("h36m")[h36m.POSES_2D.format("gt")]],
        mutations.archive_changed,
    ),
    "h36m mmpose": Reader(mmpose_archive, seeds.mmpose_archives, mutations.archive_changed),
    "mpi_inf_3dhp train": Reader(
        archive_of("mpi_inf_3dhp", mpi_inf_3dhp.FILES["train"], lambda root: mpi_inf_3dhp.read(root, ["S1"])),
        lambda: [seeds.benchmark("mpi_inf_3dhp")[mpi_inf_3dhp.FILES["train"]]],
        mutations.archive_changed,
    ),
    "mpi_inf_3dhp test": Reader(
        archive_of("mpi_inf_3dhp", mpi_inf_3dhp.FILES["test"], lambda root: mpi_inf_3dhp.read(root, ["TS1"])),
        lambda: [seeds.benchmark("mpi_inf_3dhp")[mpi_inf_3dhp.FILES["test"]]],
        mutations.archive_changed,
    ),
    "panoptic joints": of_company(
        "panoptic", f"{seeds.SEQUENCE}/{panoptic.POSES}/body3DScene_00000000.json", panoptic_sequence
    ),
    "panoptic cameras": of_company(
        "panoptic", f"{seeds.SEQUENCE}/calibration_{seeds.SEQUENCE}.json", panoptic_sequence
    ),
    "mupots": of_company("mupots", "TS1/annot.mat", lambda root: mupots.read(root, ["TS1"])),
    "somof people": of_company("somof", "3dpw_train_out.json", somof_part),
    "somof images": of_company("somof", "3dpw_train_frames_in.json", somof_part),
    "bvh": Reader(capture(0), seeds.bvh, mutations.words_changed),
    "asf": Reader(capture(1), lambda: [seeds.acclaim()[0]], mutations.words_changed),
    "amc": Reader(capture(2), lambda: [seeds.acclaim()[1]], mutations.words_changed),
    "parquet": Reader(of_file("any.parquet", rows), seeds.tables, mutations.table_changed),
}
"""Name -> reader."""
