"""The one exception for input that cannot be used."""


class InputError(ValueError):
    """Bad input from outside: a file, a setting, a checkpoint.

    The message is one line for a person: it names the file or setting, what was found and what was
    expected. Commands print it and exit with code 2; anything else that is raised is a defect.
    """


def install(extra: str) -> str:
    """What to type for one of the package's extras, which are those of pyproject.toml.

    >>> install("outputs")
    "pip install -e '.[outputs]' in duolift's checkout"
    """
    return f"pip install -e '.[{extra}]' in duolift's checkout"
