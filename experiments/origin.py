"""What a stage was made by: the day, the commit, the versions. They tell of a result, and decide none."""

import platform
import subprocess
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("duolift", "torch", "pytorch-lightning")
UNKNOWN = "unknown"


def origin() -> dict[str, str]:
    """What a stage is made by now, as `origin.json` beside its checkpoint keeps it."""
    versions = {name: version_of(name) for name in PACKAGES}
    return {"date": str(date.today()), "commit": commit(), "python": platform.python_version(), **versions}


def version_of(package: str) -> str:
    """A package's version; `unknown` where it is used without being installed, as a bare checkout is.

    >>> version_of("a-package-that-nobody-wrote")
    'unknown'
    """
    try:
        return version(package)
    except PackageNotFoundError:
        return UNKNOWN


def commit() -> str:
    """The checkout's commit, and whether its files differ; `unknown` where git does not tell."""
    try:
        return _git("rev-parse", "--short=12", "HEAD") + (" with changes" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN


def told(origin: dict[str, str]) -> str:
    """An origin in words."""
    day, by = origin["date"], origin["commit"]
    rest = ", ".join(f"{name} {value}" for name, value in origin.items() if name not in ("date", "commit"))
    return f"{day}, commit {by}, {rest}"


def _git(*arguments: str) -> str:
    here = str(Path(__file__).parent)
    return subprocess.run(["git", "-C", here, *arguments], capture_output=True, text=True, check=True).stdout.strip()
