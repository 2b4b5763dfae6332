"""Completion of the command in shells, by shtab (https://docs.iterative.ai/shtab): a script that the shell reads once.

>>> import argparse
>>> parser = argparse.ArgumentParser(prog="duolift")
>>> _ = parser.add_argument("--rate")
>>> "--rate" in completion(parser, "bash")
True
"""

import argparse
from collections.abc import Iterable, Iterator

SHELLS = ("bash", "zsh", "tcsh")


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script of a shell.

    Args:
        parser: of the command. Arguments of it that have no choices, but names that are known, get those.
        shell: one of `SHELLS`.
    """
    import shtab

    from duolift.inputs.keypoints import FORMATS
    from duolift.inputs.registry import FILE_FORMATS
    from duolift.outputs.rigs import RIGS

    names: dict[str, Iterable[str]] = {"rig": RIGS, "joints": FORMATS, "format": FILE_FORMATS}
    files = {"inputs", "output", "scene", "pictures", "checkpoint", "folder"}
    for action in _actions([parser]):
        if action.dest in names:
            action.choices = [*names[action.dest]]
        elif action.dest in files:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # which is how shtab is told
    return shtab.complete(parser, shell=shell)


def _actions(parsers: Iterable[argparse.ArgumentParser]) -> Iterator[argparse.Action]:
    """The arguments of parsers and of their commands."""
    for parser in parsers:
        for action in parser._actions:
            yield action
            if isinstance(action, argparse._SubParsersAction):
                yield from _actions(action.choices.values())
