"""What `duolift detector` prints."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from duolift.detectors.cache import cache_folder
from duolift.detectors.install import copies_of, install_models, missing
from duolift.detectors.models import Model
from duolift.detectors.registry import DEFAULT_DETECTOR, DETECTORS, LIVE_DETECTOR, kind_named
from duolift.errors import InputError


def megabytes(size: int) -> str:
    """Bytes as people read them.

    >>> megabytes(8_988_765)
    '9.0 MB'
    """
    return f"{size / 1e6:.1f} MB"


def overview() -> Iterator[str]:
    """A line a detector: its name, its joints, what it is, and whether it can be used."""
    usual = {DEFAULT_DETECTOR: " (default)", LIVE_DETECTOR: " (webcam)"}
    for name, kind in DETECTORS.items():
        yield f"{name + usual.get(name, ''):24} {kind.joints:12} {kind.title}; {kind.lacking() or 'installed'}"


def install(names: Sequence[str], file: Path | None = None, again: bool = False) -> Iterator[str]:
    """Install the networks of detectors; gives what to print, sizes before anything is downloaded.

    Args:
        names: of detectors; none means the default ones, and with a file all that come in it.
        file: as `install_models`.
        again: also install what is there already.

    Raises:
        InputError: a detector is unknown, or as `install_models`.
    """
    chosen = names or ([DEFAULT_DETECTOR, LIVE_DETECTOR] if file is None else [*DETECTORS])
    models: list[Model] = [model for name in chosen for model in kind_named(name).models]
    if file is not None and not file.is_file():
        raise InputError(f"{file}: no such file; expected a package's file, .whl or .tgz")
    wanted = tuple(dict.fromkeys(models)) if again or file is not None else missing(models)
    if not wanted:
        yield f"{', '.join(chosen)}: installed already in {cache_folder()}"
        return
    if file is None:
        for package, copies in copies_of(wanted).items():
            kept = sum(model.size for model in copies)
            yield f"{package.title}: {megabytes(package.size)} to download, {megabytes(kept)} kept in {cache_folder()}"
    for path in install_models(wanted, file):
        yield str(path)
