"""Parsed copies of data sets on disk, under a fingerprint of the files that they were parsed from.

A changed file has another fingerprint, so it is parsed again; a copied tree has the same, so it is not.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.takes import CAMERA_SHAPES, Takes
from duolift.errors import InputError
from duolift.files import locked, npz, read_bytes, whole_file
from duolift.geometry.cameras import CalibratedCamera

FINGERPRINT_VERSION = 1
"""Part of every fingerprint, and so of every finished run, which is read again only beside the data it was made of."""

MAYBE = ("valid", "images")
"""Tensors that takes may be without."""


def fingerprint_of(content: Mapping[str, bytes], *about: object) -> str:
    """A digest of what decides what is read.

    Args:
        content: name of a file within its data set -> its bytes, in a fixed order.
        about: what else decides, such as the cameras that were asked for; by their `repr`.

    >>> fingerprint_of({"a.json": b"{}"}, ("left", "right"))
    'dd42ca353fc8e867a12fdf56fb2ddee6'
    """
    digest = hashlib.blake2b(repr((FINGERPRINT_VERSION, *about)).encode(), digest_size=16)
    for name, data in content.items():
        digest.update(repr((name, len(data))).encode() + hashlib.blake2b(data).digest())
    return digest.hexdigest()


class FileContents(Mapping[str, bytes]):
    """Name of a file within its data set -> its bytes, read when they are asked for, as not all may fit at once.

    Args:
        root: what names are relative to.
        files: in a fixed order.
        most: bytes of a file; a larger one is refused.

    Raises:
        InputError: when a file is asked for that cannot be read, or is too large.
    """

    def __init__(self, root: Path, files: Iterable[Path], most: int) -> None:
        self.files, self.most = {path.relative_to(root).as_posix(): path for path in files}, most

    def __getitem__(self, name: str) -> bytes:
        return read_bytes(self.files[name], self.most)

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def cached(folder: Path | None, fingerprint: str, parse: Callable[[], Takes]) -> Takes:
    """The parsed copy in `folder` where there is a sound one; else what `parse` gives, which is kept there.

    Args:
        folder: None parses every time.
    """
    if folder is None:
        return parse()
    path = folder / f"{fingerprint}.npz"
    takes = _load(path, fingerprint)
    if takes is None:
        takes = parse()
        _save(takes, path)
    return takes


def _save(takes: Takes, path: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {key: getattr(takes.views, key).numpy() for key in CAMERA_SHAPES}
    arrays |= {"world": takes.world.numpy(), "start": takes.start.numpy()}
    arrays |= {key: np.array(getattr(takes, key)) for key in ("names", "joints", "cameras")}
    arrays["image"] = np.array(takes.image or (), dtype=np.float64)
    arrays |= {key: value.numpy() for key in MAYBE if (value := getattr(takes, key)) is not None}
    arrays |= {"cameras_by_take": np.array(True)} if takes.cameras_by_take else {}
    arrays["checksum"] = np.array(_checksum(arrays))
    with locked(path, wait=True), whole_file(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _load(path: Path, fingerprint: str) -> Takes | None:
    """A parsed copy, or None where there is none that is as it was written; copies of earlier versions are not."""
    try:
        arrays = npz.read_arrays(path, str(path), "this")
        if str(arrays.pop("checksum")) != _checksum(arrays):
            return None
        return Takes(
            world=torch.from_numpy(arrays["world"]),
            start=torch.from_numpy(arrays["start"]),
            names=tuple(arrays["names"].tolist()),
            joints=tuple(arrays["joints"].tolist()),
            cameras=tuple(arrays["cameras"].tolist()),
            views=CalibratedCamera(**{key: torch.from_numpy(arrays[key]) for key in CAMERA_SHAPES}),
            fingerprint=fingerprint,
            image=(float(arrays["image"][0]), float(arrays["image"][1])) if len(arrays["image"]) else None,
            valid=torch.from_numpy(arrays["valid"]) if "valid" in arrays else None,
            images=torch.from_numpy(arrays["images"]) if "images" in arrays else None,
            cameras_by_take=bool(arrays.get("cameras_by_take", False)),
        )
    except (InputError, KeyError, ValueError, TypeError):
        return None


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    """A digest of the arrays' names, kinds, shapes and content."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(repr((name, array.dtype.str, arrays[name].shape)).encode() + array.tobytes())
    return digest.hexdigest()
