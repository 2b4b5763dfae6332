"""Which files of a folder are a detector's, and which of them are read together."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from duolift.errors import InputError
from duolift.files.signatures import SUFFIXES
from duolift.inputs.registry import FILE_FORMATS, PEEKED, Peek, recognised

FIRST = (".json", ".npz")
"""Suffixes of files that are taken for a detector's wherever they are."""

NOTES_LOOKED_AT = 10
"""Files of these suffixes that are looked at where they lie beside pictures; if none is a detector's, none is."""


def detector_files(folder: Path) -> list[Path]:
    """The files of a folder that are read, 2 before 10.

    JSON and npz first of all. Only in a folder without any are files of other known suffixes read, and of those the
    most common suffix alone, since programs write the same people as `.h5` and `.csv`. Tables and texts have to be
    recognised by their first bytes: a README is no detector's file.

    >>> detector_files(Path("/nowhere"))
    []
    """
    if not folder.is_dir():
        return []
    files = [file for file in folder.iterdir() if file.is_file()]
    chosen = [file for file in files if file.suffix.lower() in FIRST]
    if chosen and media_files(folder) and not any(map(_is_known, sorted(chosen)[:NOTES_LOOKED_AT])):
        return []  # what programs keep beside pictures
    if not chosen:
        others = {known.suffix for known in FILE_FORMATS.values()} - {*FIRST}
        of_suffix = {suffix: [f for f in files if f.suffix.lower() == suffix and _begins_known(f)] for suffix in others}
        chosen = max(sorted(of_suffix.items()), key=lambda one: len(one[1]))[1] if of_suffix else []
    return sorted(chosen, key=counting_order)


def media_files(folder: Path) -> list[Path]:
    """The pictures and films of a folder, 2 before 10, by their suffixes.

    >>> media_files(Path("/nowhere"))
    []
    """
    if not folder.is_dir():
        return []
    return sorted((f for f in folder.iterdir() if f.is_file() and f.suffix.lower() in SUFFIXES), key=counting_order)


def counting_order(file: Path) -> list[tuple[bool, int | str]]:
    """A key by which `2.json` comes before `10.json`."""
    return [(not part.isdecimal(), int(part) if part.isdecimal() else part) for part in _NUMBERS.split(file.name)]


_NUMBERS = re.compile(r"(\d+)")


def _begins_known(file: Path) -> bool:
    """Whether a file begins as one of a format with its suffix."""
    try:
        with file.open("rb") as opened:
            peek = Peek(opened.read(PEEKED))
    except OSError:
        return False
    return peek.is_hdf5 or any(
        known.recognises(peek) for known in FILE_FORMATS.values() if known.suffix == file.suffix.lower()
    )


def _is_known(file: Path) -> bool:
    """Whether a file is of a known format."""
    try:
        with file.open("rb") as opened:
            return bool(recognised(opened, str(file)))
    except (OSError, InputError):
        return False


def parts_of(files: Sequence[Path]) -> list[tuple[Path, tuple[Path, ...]]]:
    """Files with those that are read together with them, by `FileFormat.together`.

    Where a folder has files that are read together, others of the same format's suffix are left alone.

    >>> [(first.name, len(others)) for first, others in parts_of([Path(f"a_px_person0{n}.trc") for n in range(3)])]
    [('a_px_person00.trc', 2)]
    """
    groups: dict[tuple[str, str], list[Path]] = {}
    grouped = {known.suffix: known.together for known in FILE_FORMATS.values() if known.together is not None}
    for file in files:
        pattern = grouped.get(file.suffix.lower())
        match = pattern.fullmatch(file.stem) if pattern is not None else None
        key = (file.suffix, match["video"]) if match is not None else ("", file.name)
        groups.setdefault(key, []).append(file)
    of_people = {suffix for suffix, _ in groups if suffix}
    return [
        (first, tuple(others))
        for (suffix, _), (first, *others) in groups.items()
        if suffix or first.suffix not in of_people
    ]


def suffixes() -> list[str]:
    """The suffixes of all file formats, the most common first."""
    return _unique((*FIRST, *sorted(known.suffix for known in FILE_FORMATS.values())))


def _unique(names: Iterable[str]) -> list[str]:
    return [*dict.fromkeys(names)]
