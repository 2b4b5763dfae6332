"""The picture and the table of docs/formats.md: what detectors' formats have.   python -m experiments.formats"""

from pathlib import Path

from callbacks.figures import formats_sheet, save_figure
from duolift.keypoints import FORMATS
from experiments.tables import markdown_table

DOCS = Path(__file__).parent.parent / "docs"
OURS = ("chi3d25", "paper19", "paper23")
"""The project's own, which have no joints by other names."""


def table() -> str:
    """Every format in a line: its number of joints; those of the project's that follow, and that are missing."""
    rows = [
        [f"`{name}`", layout.title, str(len(layout)), _short(layout.derived), _short(layout.missing)]
        for name, layout in FORMATS.items()
    ]
    return markdown_table(["joints", "what it is", "number", "derived", "missing"], *rows)


def _short(joints: tuple[str, ...]) -> str:
    """Both sides of a joint as one."""
    names = dict.fromkeys(joint.removeprefix("left_").removeprefix("right_") for joint in joints)
    pairs = {name: f"{name}s" if f"left_{name}" in joints else name for name in names}
    return ", ".join(pairs.values()).replace("foots", "feet").replace("_", " ") or "-"


def main() -> None:
    save_figure(formats_sheet([layout for name, layout in FORMATS.items() if name not in OURS]), DOCS / "formats.png")
    print(table())


if __name__ == "__main__":
    main()
