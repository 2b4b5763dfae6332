"""What a stage measured of a run's lifters: as files in the run's folder, and printed."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from duolift.files import write_text
from experiments.processes import is_first
from experiments.runs import Stage
from experiments.settings import Config
from experiments.tables import markdown_table

Lines = Sequence[Sequence[str]]
"""A table: its head, and its lines."""


def report(
    config: Config, name: str, stages: Mapping[str, Stage], tables: Callable[[Any], Sequence[Lines]], note: str
) -> None:
    """Write `<name>.json` and `.md` into the run's folder, print the tables, and say where the files are.

    Args:
        name: of the files, and of the stages' folders but for the lifter.
        stages: finished ones, by lifter.
        tables: from what was measured of one lifter to its tables.
        note: below all tables.
    """
    measured = {lifter: json.loads(stage.metrics.read_text()) for lifter, stage in stages.items()}
    stem = Path(config.runs) / config.run / name
    result = {"run": config.run, "experiment": config.experiment, "seed": config.seed, "lifters": measured}
    of_lifters = {lifter: tables(found) for lifter, found in measured.items()}
    if is_first():
        write_text(stem.with_suffix(".json"), json.dumps(result, indent=1))
        write_text(stem.with_suffix(".md"), markdown(of_lifters, note))
    show(of_lifters, note)
    print(f"tables       {stem}.json, .md")
    print(f"checkpoints  {stem}-<lifter>/last.ckpt")


def markdown(of_lifters: Mapping[str, Sequence[Lines]], note: str) -> str:
    """The tables of all lifters.

    >>> print(markdown({"whole": [[["hidden", "mm"], ["an arm", "99"]]]}, "A note."), end="")
    ## whole
    <BLANKLINE>
    | hidden | mm |
    | --- | --- |
    | an arm | 99 |
    <BLANKLINE>
    A note.
    """
    text = []
    for lifter, tables in of_lifters.items():
        text += [f"## {lifter}", ""]
        for lines in tables:
            text += [markdown_table(*lines), ""]
    return "\n".join([*text, note, ""])


def show(of_lifters: Mapping[str, Sequence[Lines]], note: str) -> None:
    """Print the tables of all lifters."""
    console = Console()
    console = console if console.is_terminal else Console(width=120)
    for lifter, tables in of_lifters.items():
        for head, *lines in tables:
            printed = Table(*head, title=lifter)
            for line in lines:
                printed.add_row(*line)
            console.print(printed)
    console.print(note, markup=False)
