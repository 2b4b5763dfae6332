"""The evaluation as Markdown tables, for the terminal and a page, and as JSON with everything in it.

A row is a variant and a lifter, so that lifters stand below each other.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.real.protocol import PROTOCOL
from duolift.files import write_text
from experiments.tables import markdown_table

Cells = Callable[[Mapping[str, Any]], Sequence[str]]
"""From a run's summary to the cells of its row."""

ARRANGEMENTS = {
    "estimate": "as estimated",
    "paper": "placed as the paper does",
    "mean_pose": "mean pose in its place",
    "one_depth": "all at one depth",
    "one_depth_own_size": "all at one depth, own sizes",
    "true_bodies": "true bodies, lifted places",
    "true_places": "lifted bodies, true places",
}
"""Arrangement of `benchmarks.real.scoring.arrangements` -> head of its column."""


@dataclass(frozen=True)
class Line:
    """A lifter on a variant.

    Attributes:
        lifter, variant: their names.
        seconds: that lifting took.
        summary: see `benchmarks.real.summary.summary`.
    """

    lifter: str
    variant: str
    seconds: float
    summary: Mapping[str, Any]


def write_report(stem: Path, title: str, lines: Sequence[Line]) -> None:
    """Write `<stem>.md` and `<stem>.json`."""
    write_text(stem.with_suffix(".md"), f"# {title}\n\n{tables(lines)}\n")
    measured = {"data": title, "protocol": asdict(PROTOCOL), "lines": [asdict(line) for line in lines]}
    write_text(stem.with_suffix(".json"), json.dumps(rounded(measured), indent=1) + "\n")


def rounded(value: Any, digits: int = 3) -> Any:
    """The same with every float rounded.

    >>> rounded({"a": [1.23456, None, "b"]})
    {'a': [1.235, None, 'b']}
    """
    if isinstance(value, dict):
        return {key: rounded(inner, digits) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner, digits) for inner in value]
    return round(value, digits) if isinstance(value, float) else value


def tables(lines: Sequence[Line]) -> str:
    """All tables, each below what it shows."""
    return "\n\n".join(
        [
            "Each person alone: median PA-MPJPE and its parts, mm; the mean pose is the data set's own, for everybody.",
            table(lines, PERSON_HEAD, person_cells),
            "Everybody in one scene: median PA-MPJPE / root displacement error, mm.",
            table(lines, ("scenes", *ARRANGEMENTS.values()), scene_cells),
            "In metres, nothing aligned: median error of people's distance from the camera / of their place, mm.",
            table(lines, ["all", *(f"camera {view}" for view in lines[0].summary["by_view"])], metre_cells),
            "By how many of a person's joints the detector did not see: median PA-MPJPE, mm; mean pose; people.",
            table(lines, tuple(lines[0].summary["by_hidden_joints"]), hidden_cells),
            "What a scene says of a person against their error: Spearman's rank correlation, with the body's error / "
            "with the place's; -1 would be perfect, 1 for the expected error.",
            table(lines, tuple(lines[0].summary["rank_correlation"]), correlation_cells),
            "By camera: tilt, degrees (true, estimated; negative looks down), a person / a scene, mm.",
            table(lines, [f"camera {view}" for view in lines[0].summary["by_view"]], view_cells),
        ]
    )


def table(lines: Sequence[Line], head: Sequence[str], cells: Cells) -> str:
    """A row a line; the lifter is named where there are several."""
    several = len({line.lifter for line in lines}) > 1
    rows = [[line.variant, *([line.lifter] if several else []), *cells(line.summary)] for line in lines]
    return markdown_table(["", *(["lifter"] if several else []), *head], *rows)


def number(value: float | None, digits: int = 0) -> str:
    """A number, or a dash for none.

    >>> number(67.6), number(5.66, 1), number(None)
    ('68', '5.7', '-')
    """
    return "-" if value is None else f"{value:.{digits}f}"


PERSON_HEAD = (
    "people (not found)",
    "all joints",
    "along the line of sight",
    "across it",
    "as it says",
    "mean pose",
    "visible joints",
    "visible wrists, ankles",
    "filled wrists, ankles",
    "mean pose there",
    "up off by, degrees",
)


def person_cells(summary: Mapping[str, Any]) -> list[str]:
    person = summary["person"]
    alone = ("pa_mpjpe_mm", "along_mm", "across_mm", "expected_mm", "mean_pose_pa_mpjpe_mm", "visible_pa_mpjpe_mm")
    ends = ("visible_ends_mm", "filled_ends_mm", "mean_pose_filled_ends_mm")
    errors = [number(person[key]) for key in (*alone, *ends)]
    return [f"{person['people']} ({summary['unmatched']})", *errors, number(person["up_deg"], 1)]


def scene_cells(summary: Mapping[str, Any]) -> list[str]:
    scene = summary["scene"]
    if not scene["scenes"]:
        return ["0", *("-" for _ in ARRANGEMENTS)]
    return [str(scene["scenes"]), *(_scene(scene[name]) for name in ARRANGEMENTS)]


def _scene(errors: Mapping[str, float]) -> str:
    return f"{number(errors['pa_mpjpe_mm'])} / {number(errors['root_displacement_error_mm'])}"


def metre_cells(summary: Mapping[str, Any]) -> list[str]:
    found = [summary["person"], *(view["person"] for view in summary["by_view"].values())]
    return [f"{number(person['distance_mm'])} / {number(person['place_mm'])}" for person in found]


def hidden_cells(summary: Mapping[str, Any]) -> list[str]:
    return [
        f"{number(found['pa_mpjpe_mm'])}; {number(found['mean_pose_pa_mpjpe_mm'])}; {found['people']}"
        for found in summary["by_hidden_joints"].values()
    ]


def correlation_cells(summary: Mapping[str, Any]) -> list[str]:
    return [
        " / ".join(number(value, 2) for value in errors.values()) for errors in summary["rank_correlation"].values()
    ]


def view_cells(summary: Mapping[str, Any]) -> list[str]:
    cells = []
    for found in summary["by_view"].values():
        person, scene = found["person"], found["scene"].get("estimate", {})
        tilts = f"{number(person['true_tilt_deg'], 1)}, {number(person['tilt_deg'], 1)}"
        cells.append(f"{tilts}; {number(person['pa_mpjpe_mm'])} / {number(scene.get('pa_mpjpe_mm'))}")
    return cells
