"""A run's data, as its settings say: read, opened for training, and what of it decides a result."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from datamodules.pose_data_module import Extra, PoseDataModule
from datamodules.recordings import LEAST_PEOPLE, Recordings
from datamodules.sources.registry import SOURCES, SYNTHETIC, SYNTHETIC_HOME, Source, open_source
from datamodules.synthetic.writer import SUBJECTS
from datamodules.takes import Takes
from duolift.body.skeleton import skeleton_named
from duolift.errors import InputError
from experiments.processes import number_of
from experiments.settings import CALIBRATED, Config

MANY_TIMES = re.compile(r"([1-9][0-9]{0,3})\*")
"""Before an entry of `data.extra`."""


def read_recordings(config: Config, subjects: Sequence[str]) -> Recordings:
    """The recordings of some subjects of the run's data set; the embedded set is written first where it is missing.

    Raises:
        InputError: the data set has no 3D.
    """
    source, root = measured_source(config), Path(config.data.root)
    source.prepare(root, config.data.synthetic)
    return source.read(root, subjects, config.data.cameras, Path(config.data.cache))


def read_takes(config: Config, subjects: Sequence[str]) -> Takes:
    """The takes of several people, as `read_recordings` reads them.

    Raises:
        InputError: the data set has no 3D, or its people are alone.
    """
    takes = read_recordings(config, subjects)
    if takes.people < LEAST_PEOPLE:
        raise InputError(
            f"{config.data.root}: holds single people; expected {LEAST_PEOPLE} or more together, who are placed in one "
            "scene (of motion capture, data.mocap.people=2 sets people down together)"
        )
    return cast(Takes, takes)


def measured_source(config: Config) -> Source:
    """The run's source. Raises InputError where it has no 3D to compare with."""
    source = source_named(config, config.data.source)
    if not source.measured:
        raise InputError(
            f"data.source={source.name} has no 3D to compare with; expected a data set that has it, such as DATA=chi3d "
            "ROOT=folder (make train-lifter and make pack take this one)"
        )
    return source


def read_embedded(config: Config) -> Takes:
    """All takes of the embedded set, whatever the run's data set is; it is written first where it is missing."""
    root = Path(config.data.root) if config.data.source == SYNTHETIC.name else SYNTHETIC_HOME
    SYNTHETIC.prepare(root, config.data.synthetic)
    return cast(Takes, SYNTHETIC.read(root, SUBJECTS, None, Path(config.data.cache)))


def image_size(config: Config, known: tuple[float, float] | None) -> tuple[float, float]:
    """Width and height of the images, pixels.

    Args:
        known: what the source says, if it does; `data.image` wins over it.

    Raises:
        InputError: neither of them says it.
    """
    if config.data.image is not None:
        return float(config.data.image[0]), float(config.data.image[1])
    if known is None:
        raise InputError(
            f"setting data.image is null, and {config.data.source} does not say how large its images are; "
            "expected width and height in pixels, such as data.image=[1920,1080]"
        )
    return known


def open_data(
    config: Config, bodies: str, batch_size: int, labels: bool = False, partners: bool = False
) -> PoseDataModule:
    """The run's data, read and normalised; the embedded set is written first where it is missing."""
    source, root = source_named(config, config.data.source), Path(config.data.root)
    extra = [extra_source(config, entry) for entry in config.data.extra]
    for some in (Extra(source, root), *extra):
        some.source.prepare(some.root, config.data.synthetic)
    data = PoseDataModule(
        source,
        root,
        skeleton_named(config.data.skeleton),
        train=config.data.train,
        evaluate=config.data.evaluate,
        bodies=bodies,
        c=None if config.data.c == CALIBRATED else float(config.data.c),
        centring=config.data.normalisation,
        batch_size=batch_size,
        held_out=config.data.held_out,
        cameras=config.data.cameras,
        cache=Path(config.data.cache),
        labels=labels,
        extra=extra,
        extra_share=config.data.extra_share,
        partners=partners,
        seed=config.seed,
    )
    data.setup()
    return batched(config, data, batch_size)


def source_named(config: Config, name: str) -> Source:
    """The source of that name, as the run's settings have it. Raises InputError where there is none."""
    source = open_source(name)
    return source.configured(getattr(config.data, name)) if source.configured else source


def extra_source(config: Config, entry: str) -> Extra:
    """What an entry of `data.extra` stands for: a source that makes its own data by name, `source:folder`, or a folder
    of the run's own source; with `20*` before it twenty times over.

    >>> from experiments.config import load
    >>> extra_source(load([]), "20*keypoints:photographs").times
    20
    """
    times = MANY_TIMES.match(entry)
    if times:
        return replace(extra_source(config, entry[times.end() :]), times=int(times[1]))
    named = SOURCES.get(entry)
    if named is not None and named.home is not None:
        return Extra(named, named.home)
    name, _, folder = entry.partition(":")
    if name in SOURCES and folder:
        return Extra(source_named(config, name), Path(folder))
    return Extra(source_named(config, config.data.source), Path(entry))


def batched(config: Config, data: PoseDataModule, size: int) -> PoseDataModule:
    """The data in batches of a size. Raises InputError where they do not make one, or processes cannot share it."""
    if len(data.training_poses) < size:
        found = len(data.training_poses)
        raise InputError(
            f"{config.data.root}: holds {found} training poses; expected at least a batch of {size} "
            "(flows.batch_size and lifting.batch_size make smaller ones)"
        )
    if size % (processes := number_of(config.compute)):
        raise InputError(f"a batch of {size} poses: expected one that {processes} processes share out evenly")
    return data.with_batch_size(size)


def data_settings(config: Config, data: PoseDataModule) -> dict[str, object]:
    """What of the data decides a result: its content and how it is read, not where it lies."""
    read = {
        key: getattr(config.data, key)
        for key in ("train", "evaluate", "cameras", "skeleton", "c", "normalisation", "held_out", "extra_share")
    }
    return {**read, "content": data.fingerprint}
