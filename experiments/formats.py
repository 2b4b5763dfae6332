"""The picture and the tables of docs/formats.md.   python -m experiments.formats [<root in CHI3D's layout>]"""

import sys
from pathlib import Path

import torch

from callbacks.figures import formats_sheet, save_figure
from datamodules.sources.registry import CHI3D
from duolift.body.skeleton import CHI3D25
from duolift.geometry.scene_batch import SceneBatch
from duolift.inputs.keypoints import FORMATS, RULES
from experiments.tables import markdown_table

DOCS = Path(__file__).parent.parent / "docs"
OURS = ("chi3d25", "paper19", "paper23")
"""The project's own, in which nothing has another name."""


def formats_table() -> str:
    """Every format in a line: its number of joints; those of the project's that follow, and that are missing."""
    rows = [
        [f"`{name}`", layout.title, str(len(layout)), _short(layout.derived), _short(layout.missing)]
        for name, layout in FORMATS.items()
    ]
    return markdown_table(["joints", "what it is", "number", "derived", "missing"], *rows)


def rules_table(scenes: SceneBatch) -> str:
    """How far off in the image rules are that joints of `CHI3D25` suffice for: mm at the root's depth.

    Args:
        scenes: of `CHI3D25`, with ground truth.
    """
    assert scenes.truth is not None
    a_pixel = scenes.truth[..., CHI3D25.root_index, 2] / scenes.intrinsics.focal.mean(-1, keepdim=True)
    rows = []
    for rule in RULES:
        if {*rule.weights} <= {*CHI3D25.joints}:
            pixels = {joint: scenes.pixels[:, :, CHI3D25.index(joint)] for joint in (rule.joint, *rule.weights)}
            place = sum((weight * pixels[joint] for joint, weight in rule.weights.items()), torch.zeros(2))
            off = ((place - pixels[rule.joint]).norm(dim=-1) * a_pixel).mean()
            rows.append([rule.joint, ", ".join(rule.weights), f"{off:.0f}"])
    return markdown_table(["joint", "from", "off by, mm"], *rows)


def _short(joints: tuple[str, ...]) -> str:
    """Both sides of a joint as one."""
    names = dict.fromkeys(joint.removeprefix("left_").removeprefix("right_") for joint in joints)
    pairs = {name: f"{name}s" if f"left_{name}" in joints else name for name in names}
    return ", ".join(pairs.values()).replace("foots", "feet").replace("_", " ") or "-"


def main(arguments: list[str]) -> None:
    save_figure(formats_sheet([layout for name, layout in FORMATS.items() if name not in OURS]), DOCS / "formats.png")
    print(formats_table())
    for root in map(Path, arguments):
        for subject in CHI3D.subjects(root):
            print(f"\n{subject}\n\n{rules_table(CHI3D.read(root, [subject]).scenes(CHI3D25))}")


if __name__ == "__main__":
    main(sys.argv[1:])
