"""NumPy's archives of arrays (.npz), read with nothing taken on trust."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files.pickles import read_pickle


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may ask of memory and time before it is refused.

    Attributes:
        unpacked: bytes of all arrays together. An archive of a few kilobytes can unpack to any number of bytes.
        empty_rows: length of an array that holds no numbers. Such an array takes no bytes in the file, so that it can
            claim any length, and going through it would take forever.
    """

    unpacked: int = 2 * 2**30
    empty_rows: int = 100_000


ARCHIVE_LIMITS = ArchiveLimits()

ZIP = b"PK\x03\x04"
"""First bytes of a zip archive that is not empty, such as an npz."""


def array_names(file: BinaryIO, where: str) -> list[str]:
    """Names of the arrays of an npz, none of which is read; empty where the archive is damaged."""
    try:
        with ZipFile(file) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except Exception:  # zipfile raises anything on a damaged archive; whoever reads it says so
        return []


def read_arrays(file: BinaryIO | Path, where: str, written_by: str = "numpy.savez") -> dict[str, NDArray[Any]]:
    """The arrays of an npz by name. Pickled objects are not loaded.

    Args:
        file: a path, or an open file that can seek.
        where: the file's name, for messages.
        written_by: the function that should have written the file, for messages.

    Raises:
        InputError: there is no such file, it is not an archive of arrays, it is damaged, or it is beyond
            `ARCHIVE_LIMITS`.

    >>> import io
    >>> file = io.BytesIO()
    >>> np.savez(file, keypoints=np.zeros((1, 2, 17, 3)))
    >>> read_arrays(file, "poses.npz")["keypoints"].shape
    (1, 2, 17, 3)
    """
    try:
        with ZipFile(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > ARCHIVE_LIMITS.unpacked:
            raise InputError(f"{where}: unpacks to {unpacked} bytes; expected at most {ARCHIVE_LIMITS.unpacked}")
        if not isinstance(file, Path):
            file.seek(0)
        with np.load(file, allow_pickle=False) as content:
            arrays = {key: content[key] for key in content.files}
            repeated = len(arrays) < len(content.files)
    except InputError:
        raise
    except Exception as error:  # zipfile and NumPy raise anything on a damaged archive
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{where}: cannot be read as npz ({reason}); expected what {written_by} writes") from error
    if repeated:
        raise InputError(f"{where}: holds an array twice; expected every array once")
    for key, array in arrays.items():
        _check_array(array, f"{where}: {key}", written_by)
    return arrays


def read_objects(file: BinaryIO | Path, where: str, written_by: str = "numpy.savez") -> dict[str, Any]:
    """What an npz holds by name, objects that NumPy pickled included; nothing that a pickle names is run.

    Arrays of objects become lists, and the single object of an array without dimensions is given itself (see
    `duolift.files.pickles.read_pickle`). Arguments and errors as of `read_arrays`.

    >>> import io
    >>> file = io.BytesIO()
    >>> np.savez(file, about=np.array({"w": 640, "h": 480}), boxes=np.zeros((2, 4)))
    >>> read_objects(file, "a.npz")["about"]
    {'w': 640, 'h': 480}
    """
    found: dict[str, Any] = {}
    try:
        with ZipFile(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > ARCHIVE_LIMITS.unpacked:
                raise InputError(f"{where}: unpacks to {unpacked} bytes; expected at most {ARCHIVE_LIMITS.unpacked}")
            for name in archive.namelist():
                key = name.removesuffix(".npy")
                if key in found:
                    raise InputError(f"{where}: holds an array twice; expected every array once")
                found[key] = _array_or_objects(io.BytesIO(archive.read(name)), f"{where}: {key}", written_by)
    except InputError:
        raise
    except Exception as error:  # zipfile and NumPy raise anything on a damaged archive
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{where}: cannot be read as npz ({reason}); expected what {written_by} writes") from error
    return found


def _array_or_objects(file: io.BytesIO, where: str, written_by: str) -> Any:
    version = np.lib.format.read_magic(file)
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version in headers and headers[version](file)[2].hasobject:
        return read_pickle(file.read(), where)
    file.seek(0)
    array = np.lib.format.read_array(file, allow_pickle=False)
    _check_array(array, where, written_by)
    return array


def _check_array(array: Any, where: str, written_by: str) -> None:
    if not isinstance(array, np.ndarray):
        raise InputError(f"{where} is no array; expected a file written by {written_by}")
    if array.dtype.kind == "U" and not _is_unicode(array):
        raise InputError(f"{where} holds what is no text; expected Unicode")
    if not array.nbytes and array.shape and max(array.shape) > ARCHIVE_LIMITS.empty_rows:
        raise InputError(
            f"{where} has shape {array.shape} with nothing in it; expected at most {ARCHIVE_LIMITS.empty_rows} of that"
        )


def _is_unicode(array: NDArray[np.str_]) -> bool:
    """Whether all code points of an array of text exist: NumPy loads any number, and fails where one is looked at."""
    codes = np.frombuffer(array.tobytes(), np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
    surrogates = (codes >= 0xD800) & (codes < 0xE000)
    return not ((codes > 0x10FFFF) | surrogates).any()
