"""Values that others have published, and where they are from: docs/benchmarks.md, and rows of ablations beside ours.

python -m experiments.published   prints the tables of docs/benchmarks.md
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from callbacks.rows import CAMERA_SETTINGS, placement_options
from duolift.metrics.table import PROTOCOLS
from experiments.tables import markdown_table

FILE = Path(__file__).with_name("published.json")

PUBLISHED = "published"
"""What tables call the lifter of such rows."""

GIVEN = {"gt": "true 2D", "detected": "detected 2D", "image": "image", "video": "video"}
"""What a method is given -> in words."""

OURS = "duolift"

MEASURED: dict[tuple[str, str], float] = {}
"""Data set and metric -> what this project scores there. The data sets have to be asked for, and none was at hand."""

FROM_PIXELS = ("image", "video")
"""What methods for several people are given."""

PAIR = "pair_pa_mpjpe_mm"
"""Two people aligned by one similarity, as `pa_mpjpe_mm` of a scene of two is."""

OTHER_METRICS = {
    PAIR: "PA-MPJPE of the pair, mm",
    "pck_matched_pct": "PCK of those found, %",
}
"""Metrics that only these tables have."""


@dataclass(frozen=True)
class Published:
    """A value.

    Attributes:
        set: the data set, as `data.source` has it where it can be read.
        method: who.
        given: a key of `GIVEN`.
        metric: a key of `duolift.metrics.table.PROTOCOLS`, or of `OTHER_METRICS`.
        value: as published.
        source: the publication, and where the value was read if not there.
    """

    set: str
    method: str
    given: str
    metric: str
    value: float
    source: str


@cache
def published() -> tuple[Published, ...]:
    """All values.

    >>> [one.value for one in published() if (one.set, one.method, one.given) == ("h36m", "LInKs", "gt")]
    [33.8]
    """
    return tuple(Published(**one) for one in json.loads(FILE.read_text(encoding="utf-8")))


def rows_beside(source: str, *given: str) -> list[dict[str, Any]]:
    """The published rows of a data set, of methods that are given one of these, as `ablation.json` has rows.

    >>> [row["name"] for row in rows_beside("h36m", "gt")]
    ['ElePose', 'LInKs']
    """
    rows: dict[str, dict[str, float]] = {}
    for one in published():
        if one.set == source and one.given in given:
            rows.setdefault(one.method, {})[one.metric] = one.value
    empty = dict.fromkeys([*placement_options(), *CAMERA_SETTINGS])
    return [
        {"name": method, "lifter": PUBLISHED, **empty, "metrics": metrics, "published": None}
        for method, metrics in rows.items()
    ]


def tables() -> dict[str, str]:
    """A table for every data set, by its name; sources are numbered, and listed below it."""
    found = {}
    for name in dict.fromkeys(one.set for one in published()):
        some = [one for one in published() if one.set == name]
        metrics = list(dict.fromkeys(one.metric for one in some))
        sources = list(dict.fromkeys(one.source for one in some))
        lines = []
        for method, given in dict.fromkeys((one.method, one.given) for one in some):
            of = {one.metric: one for one in some if (one.method, one.given) == (method, given)}
            numbers = ", ".join(
                str(1 + sources.index(source)) for source in dict.fromkeys(v.source for v in of.values())
            )
            lines.append([method, GIVEN[given], *(_text(of, metric) for metric in metrics), f"[{numbers}]"])
        lines.append(
            [
                OURS,
                "2D",
                *(f"{MEASURED[name, metric]:.1f}" if (name, metric) in MEASURED else "" for metric in metrics),
                "",
            ]
        )
        head = ["method", "given", *map(title, metrics), "source"]
        found[name] = "\n".join([markdown_table(head, *lines), "", *_listed(sources)])
    return found


def title(metric: str) -> str:
    """A metric as a table's head.

    >>> title("pa_mpjpe_mm"), title("pck_abs_pct")
    ('PA-MPJPE mm', 'PCK_abs %')
    """
    return PROTOCOLS[metric].title if metric in PROTOCOLS else OTHER_METRICS[metric]


def _text(of: dict[str, Published], metric: str) -> str:
    return f"{of[metric].value:.1f}" if metric in of else ""


def _listed(sources: Iterable[str]) -> list[str]:
    return [f"[{number}] {source}.  " for number, source in enumerate(sources, start=1)]


if __name__ == "__main__":
    for name, text in tables().items():
        print(f"{name}\n\n{text}\n")
