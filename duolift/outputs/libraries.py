"""Libraries that one format needs, asked for when it is written."""

from importlib import import_module
from types import ModuleType

from duolift.errors import InputError


def library(name: str, suffix: str, extra: str = "outputs") -> ModuleType:
    """Import a module. Raises InputError that says what to install where it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InputError(
            f"{suffix} needs {package}, which is not installed ({error}); expected: pip install 'duolift[{extra}]'"
        ) from error
