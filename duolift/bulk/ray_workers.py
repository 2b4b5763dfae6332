"""Share files out to the actors of Ray Data, each of which loads the lifter once."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from duolift.bulk.file_lifter import FileLifter, Outcome
from duolift.errors import InputError, install

PORTIONS_PER_WORKER = 64
"""Files come to every worker in this many portions, or one by one where there are fewer: small enough that no worker
waits long for the last one."""


def lift_by_ray(names: Sequence[str], folders: tuple[Path, Path, Path], workers: int, gpus: float) -> Iterator[Outcome]:
    """Lift files by Ray's actors.

    Args:
        names: of the files, relative to the folders.
        folders: the lifter's file, the folder of keypoints and that of people.
        workers: number of actors, each with a core.
        gpus: of every actor.

    Yields:
        the outcome of every file, as it comes.

    Raises:
        InputError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError(f"workers need Ray; expected: {install('ray')}") from error
    if not ray.is_initialized():
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    files = ray.data.from_items(
        [{"file": name} for name in names], override_num_blocks=min(len(names), PORTIONS_PER_WORKER * workers)
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    lifted = files.map_batches(
        FileLifter,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        num_gpus=gpus or None,
        fn_constructor_args=(*folders, 1),
    )
    for row in lifted.iter_rows():
        yield Outcome(**{field.name: row[field.name] for field in fields(Outcome)})
