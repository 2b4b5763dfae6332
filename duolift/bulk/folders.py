"""Lift every file of a folder into another, here or by workers."""

from collections.abc import Iterator
from math import inf
from pathlib import Path

from duolift.bulk.file_lifter import FileLifter, Outcome, digest, is_made
from duolift.bulk.ray_workers import lift_by_ray
from duolift.errors import InputError
from duolift.predictor import SHIPPED, Lifter
from duolift.progress import tracked


def lift_files(
    source: Path,
    target: Path,
    weights: Path | None = None,
    workers: int = 0,
    gpus: float = 0.0,
) -> Iterator[Outcome]:
    """Lift every Parquet file of a folder that is not in the other one yet.

    >>> import tempfile
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> person = {"image": ["0.jpg"], "person": [1], "width": [900], "height": [900]}
    >>> seen = {"keypoints": [[450.0 + 10 * number for number in range(38)]], "confidence": [[1.0] * 19]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = Path(folder, "keypoints")
    ...     source.mkdir()
    ...     pq.write_table(pa.table(person | seen), source / "a.parquet")
    ...     [(outcome.file, outcome.people, outcome.error) for outcome in lift_files(source, Path(folder, "people"))]
    [('a.parquet', 1, '')]

    Args:
        source, target: folders that every machine sees by the same path.
        weights: the lifter's file; None takes the one that comes with the package.
        workers: number of Ray actors, each with a core, on the cluster that `RAY_ADDRESS` names, or else on this
            machine; 0 lifts here, without Ray.
        gpus: of every worker; with 0.5, two share one.

    Yields:
        the outcome of every file, as it comes.

    Raises:
        InputError: no files, no lifter, files that another lifter has made, a library that is missing, or numbers of
            workers and GPUs that are negative or no numbers.
    """
    if workers < 0:
        raise InputError(f"workers is {workers}; expected their number, or 0 to lift without Ray")
    if not 0 <= gpus < inf:
        raise InputError(f"gpus is {gpus}; expected the number of GPUs of a worker, 0 or above")
    source, target = Path(source).resolve(), Path(target).resolve()
    weights = SHIPPED if weights is None else Path(weights).resolve()
    Lifter.load(weights)
    made_by = digest(weights)
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*.parquet"))
    if not names:
        raise InputError(f"{source}: holds no files; expected *.parquet")
    missing = [name for name in names if not is_made(target / name, made_by)]
    if not missing:
        return
    if workers:
        outcomes = lift_by_ray(missing, (weights, source, target), min(workers, len(missing)), gpus)
    else:
        outcomes = map(FileLifter(weights, source, target).lift, missing)
    yield from tracked(outcomes, "files", len(missing))
