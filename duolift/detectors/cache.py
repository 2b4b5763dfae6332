"""Where the files of networks are kept: in the user's cache, one folder for all of them."""

import hashlib
from pathlib import Path

from duolift.detectors.models import Model
from duolift.errors import install
from duolift.outputs.libraries import library


def cache_folder() -> Path:
    """The folder of the networks' files, which may not be there yet: `XDG_CACHE_HOME` is respected.

    >>> cache_folder().name
    'detectors'
    """
    how = install("detect")
    return Path(library("platformdirs", "a detector", how).user_cache_dir("duolift", appauthor=False)) / "detectors"


def path_of(model: Model) -> Path:
    """Where a network's file is, or will be.

    >>> from duolift.detectors.models import MULTIPOSE
    >>> path_of(MULTIPOSE).name
    'movenet-multipose.tflite'
    """
    return cache_folder() / model.name


def is_installed(model: Model) -> bool:
    """Whether a network's file is there, by its size: what is written appears whole, after its sum was checked.

    >>> from dataclasses import replace
    >>> from duolift.detectors.models import MULTIPOSE
    >>> is_installed(replace(MULTIPOSE, name="no-such-network.tflite"))
    False
    """
    path = path_of(model)
    return path.is_file() and path.stat().st_size == model.size


def checksum(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal.

    >>> checksum(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()
