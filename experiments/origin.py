"""What a stage was made by: the day, the commit, the versions, the machine. They tell of a result, and decide none."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from duolift.progress import clock

PACKAGES = ("duolift", "torch", "pytorch-lightning")
UNKNOWN = "unknown"


def origin() -> dict[str, str]:
    """What a stage is made by now, as `origin.json` beside its checkpoint keeps it."""
    versions = {name: version_of(name) for name in PACKAGES}
    made = {"date": str(date.today()), "commit": commit(), "python": platform.python_version()}
    return {**made, **versions, "machine": machine()}


def machine() -> str:
    """The processor, how many cores of it there are, and the GPUs."""
    try:
        named = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        named = None
    processor = named[1] if named else platform.processor() or platform.machine() or UNKNOWN
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return ", ".join([f"{processor} ({os.cpu_count()} cores)", *gpus])


def duration(records: Sequence[Mapping[str, float]]) -> str:
    """The time that a stage took by the records of its epochs (`callbacks.history`), in words.

    >>> duration([{"seconds": 61.2}, {"seconds": 60.0}])
    '2 epochs in 2:01'
    """
    epochs = f"{len(records)} epoch{'s' * (len(records) != 1)}"
    return f"{epochs} in {clock(sum(record['seconds'] for record in records))}"


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
    versions = (f"{name} {value}" for name, value in origin.items() if name not in ("date", "commit", "machine"))
    on = [f"on {origin['machine']}"] if "machine" in origin else []  # earlier runs do not tell it
    return ", ".join([day, f"commit {by}", *versions, *on])


def _git(*arguments: str) -> str:
    here = str(Path(__file__).parent)
    return subprocess.run(["git", "-C", here, *arguments], capture_output=True, text=True, check=True).stdout.strip()
