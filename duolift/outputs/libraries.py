"""Libraries that one output needs, imported when it is written."""

from importlib import import_module
from types import ModuleType

from duolift.errors import InputError


def library(name: str, needed_by: str, install: str = "pip install 'duolift[outputs]'") -> ModuleType:
    """Import a module of a library that may not be installed.

    Args:
        name: of the module.
        needed_by: what messages say needs it, such as `.c3d`.
        install: the command that installs it.

    Raises:
        InputError: it is not installed; the message says what to type.

    >>> library("no_such_library", ".xyz")
    Traceback (most recent call last):
    duolift.errors.InputError: .xyz needs no_such_library, which is not installed (No module named 'no_such_library'); \
expected: pip install 'duolift[outputs]'
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InputError(
            f"{needed_by} needs {package}, which is not installed ({error}); expected: {install}"
        ) from error
