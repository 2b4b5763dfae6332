"""Libraries that one output needs, imported when it is written."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, TypeVar

from duolift.errors import InputError, install

W = TypeVar("W", bound=Callable[..., Any])

INSTALL = install("outputs")


def library(name: str, needed_by: str, how: str = INSTALL) -> ModuleType:
    """Import a module of a library that may not be installed.

    Args:
        name: of the module.
        needed_by: what messages say needs it, such as `.c3d`.
        how: what to type to install it.

    Raises:
        InputError: it is not installed; the message says what to type.

    >>> library("no_such_library", ".xyz")
    Traceback (most recent call last):
    duolift.errors.InputError: .xyz needs no_such_library, which is not installed (No module named 'no_such_library'); \
expected: pip install -e '.[outputs]' in duolift's checkout
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InputError(f"{needed_by} needs {package}, which is not installed ({error}); expected: {how}") from error


def needs(name: str, how: str = INSTALL) -> Callable[[W], W]:
    """Mark a function that writes a format with the library that it imports, for `check_library`.

    >>> @needs("no_such_library")
    ... def write_xyz(scene, path):
    ...     return [path]
    >>> check_library(write_xyz, ".xyz")
    Traceback (most recent call last):
    duolift.errors.InputError: .xyz needs no_such_library, which is not installed; expected: pip install -e \
'.[outputs]' in duolift's checkout
    """

    def mark(writer: W) -> W:
        NEEDED[writer] = name, how
        return writer

    return mark


NEEDED: dict[Callable[..., Any], tuple[str, str]] = {}
"""Function that writes a format -> the library that it needs, and the command that installs it; see `needs`."""


def check_library(writer: Callable[..., Any], needed_by: str) -> None:
    """Refuse a format whose library is missing, before there is anything to write. Imports nothing.

    Raises:
        InputError: it is not installed; the message says what to type.
    """
    if writer in NEEDED:
        name, how = NEEDED[writer]
        if find_spec(name) is None:
            raise InputError(f"{needed_by} needs {name}, which is not installed; expected: {how}")
