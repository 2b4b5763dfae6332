"""Where the command writes scenes: files, folders that get a set of files, and standard output.

>>> [path.name for path in paths_of("walk.bvh", "clip", several=True)], paths_of("-", "clip", several=True)
(['walk-clip.bvh'], [])
>>> [path.as_posix() for path in paths_of("out/", "clip", several=False)][:2]
['out/clip.html', 'out/clip.json']
"""

import os
from pathlib import Path

from duolift.errors import InputError
from duolift.outputs import WRITERS, check_output, labelled
from duolift.outputs.libraries import check_library

STDOUT = "-"

FOLDER_SET = (".html", ".json", ".glb", ".csv")
"""Suffixes of what a folder gets: a page to look at, everything, people for 3D programs, and a table."""


def is_folder(destination: str) -> bool:
    """Whether a destination is a folder: one that is there, or a name that ends with a slash.

    >>> is_folder("out/"), is_folder("out.json")
    (True, False)
    """
    return destination.endswith(("/", os.sep)) or Path(destination).is_dir()


def check_destination(destination: str) -> list[str]:
    """Refuse what no scene can be written to, before there is a scene.

    Returns:
        What a folder will not get, in words.

    Raises:
        InputError: an unknown suffix, or a library that is not installed.

    >>> check_destination("scene.bvh")
    []
    >>> check_destination("out")
    Traceback (most recent call last):
    duolift.errors.InputError: out: is no folder, and has no suffix; expected a new folder as out/, or a suffix such \
as .html, .json, .glb, .csv
    """
    if destination == STDOUT:
        return []
    if is_folder(destination):
        return [str(error) for suffix in FOLDER_SET for error in _lacking(suffix)]
    if not Path(destination).suffix:
        raise InputError(
            f"{destination}: is no folder, and has no suffix; expected a new folder as {destination}/, or a suffix "
            f"such as {', '.join(FOLDER_SET)}"
        )
    check_output(destination)
    return []


def paths_of(destination: str, name: str, several: bool) -> list[Path]:
    """The files that a scene is written to; none for standard output.

    Args:
        destination: which `check_destination` accepts.
        name: of the scene. In a folder its files have it; elsewhere it is added where there are several scenes.
    """
    if destination == STDOUT:
        return []
    if is_folder(destination):
        return [Path(destination) / f"{name}{suffix}" for suffix in FOLDER_SET if not _lacking(suffix)]
    return [labelled(Path(destination), name) if several else Path(destination)]


def _lacking(suffix: str) -> list[InputError]:
    """What a format lacks: the error of a library that is not installed, or nothing."""
    try:
        check_library(WRITERS[suffix], suffix)
    except InputError as error:
        return [error]
    return []
