"""Figures as files: PNG for a look, PDF and PNG for print, SVG to stand in a page."""

import io
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from duolift.files import whole_file

PRINTED: dict[str, dict[str, Any]] = {
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {"dpi": 300},
}
"""How a figure is printed, by the kind of file: the same figure gives the same bytes."""

FONTS: Any = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "duolift"}
"""TrueType in a PDF, which printers embed; text in an SVG, which a page sets."""


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole."""
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


def print_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write `<stem>.pdf`, of vectors, and `<stem>.png`, 300 dots an inch, each whole."""
    _settle(figure)
    written = []
    for kind, options in PRINTED.items():
        written.append(stem.with_name(f"{stem.name}.{kind}"))
        with whole_file(written[-1]) as temporary, mpl.rc_context(FONTS):
            figure.savefig(temporary, format=kind, **options)
    return written


def svg(figure: Figure, name: str) -> str:
    """A figure as an `<svg>` element for a page: no ground of its own, black in the page's colour of text.

    Args:
        name: unique in the page: what the identifiers inside begin with.
    """
    _settle(figure)
    file = io.StringIO()
    with mpl.rc_context(FONTS):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = re.sub(r"<metadata>.*?</metadata>", "", file.getvalue(), count=1, flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text).replace("#000000", "currentColor")
    width, height = (f"{96 * size:.0f}" for size in figure.get_size_inches())
    head, _, inside = text[text.index("<svg") :].partition(">")
    (box,) = re.findall(r'viewBox="[^"]*"', head)
    return f'<svg {box} width="{width}" height="{height}" fill="currentColor">{inside}'


def _settle(figure: Figure) -> None:
    """Lay the figure out once for all files of it."""
    if figure.get_layout_engine():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
