"""A drawing of the joints that each keypoint format has."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from duolift.inputs.detections import JOINTS
from duolift.inputs.keypoints import KeypointFormat, to_joints

STANDING: Mapping[str, tuple[float, float]] = {
    "pelvis": (0, 0),
    "spine": (0, -24),
    "neck": (0, -48),
    "head": (0, -68),
    "head_top": (0, -81),
    "head_bottom": (0, -54),
    "chest": (0, -32),
    "nose": (0, -67),
    **{
        f"{side}_{joint}": (sign * x, y)
        for side, sign in (("left", 1), ("right", -1))
        for joint, (x, y) in {
            "eye": (3.5, -71),
            "ear": (7, -68),
            "shoulder": (17, -48),
            "elbow": (31, -27),
            "wrist": (43, -8),
            "hand": (46, -3),
            "thumb": (41, -1),
            "hip": (9, 0),
            "knee": (11, 42),
            "ankle": (12, 82),
            "foot": (17, 89),
            "toe": (20, 93),
            "small_toe": (24, 90),
            "heel": (10, 88),
        }.items()
    },
}
"""A person who faces the camera: joints of every format, x right and y down, so that left is on the right."""

APART = {"head": (14, -72), "pelvis": (18, 12), "hand": (54, 4), "thumb": (54, 13), "foot": (34, 87), "toe": (34, 95)}
"""Places for the names of joints that are crowded, on the left side."""

JOINT_KINDS = {"own": "#1d3557", "derived": "#e07a1f", "missing": "#b0b0b0"}


def formats_sheet(formats: Sequence[KeypointFormat], columns: int = 4) -> Figure:
    """A standing person by each format: joints that it has, that rules derive, and that are missing.

    Derived joints lie where the rules put them. Small dots are further joints of the format, which only rules use.
    """
    rows = -(-len(formats) // columns)
    figure = Figure(figsize=(4.4 * columns, 5.6 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, layout in zip(axes, formats, strict=False):
        known = np.array([STANDING.get(joint, (0.0, 0.0)) for joint in layout.joints], dtype=np.float64)
        sure = np.array([float(joint in STANDING) for joint in layout.joints])
        places, _ = to_joints(known, sure, layout)
        kinds = {joint: kind for kind in JOINT_KINDS for joint in getattr(layout, kind)}
        shown = {j: STANDING[j] if kinds[j] == "missing" else tuple(places[i]) for i, j in enumerate(JOINTS.joints)}
        for child, parent in JOINTS.bones:
            ends = np.array([shown[child], shown[parent]])
            visible = "missing" not in (kinds[child], kinds[parent])
            axis.plot(ends[:, 0], ends[:, 1], color="#c8c8c8", linestyle="-" if visible else ":", linewidth=1, zorder=0)
        for joint, (x, y) in shown.items():
            colour = JOINT_KINDS[kinds[joint]]
            axis.plot(x, y, "o", color=colour, markerfacecolor="white" if kinds[joint] == "missing" else colour)
            _name_joint(axis, joint, x, y, colour)
        for joint in layout.joints:
            if joint in STANDING and joint not in kinds:
                axis.plot(*STANDING[joint], ".", color="#7a7a7a", markersize=4)
        axis.set_title(f"{layout.title} ({layout.name})", fontsize=10)
        axis.set(xlim=(-75, 75), ylim=(102, -90), aspect="equal")
    for axis in axes:
        axis.axis("off")
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=kind) for kind, colour in JOINT_KINDS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def _name_joint(axis: Axes, joint: str, x: float, y: float, colour: str) -> None:
    """The name beside the joint, on its side of the body; by a line where joints crowd."""
    side = 1 if joint.startswith("left") else -1
    aside = APART.get(joint.removeprefix("left_").removeprefix("right_"))
    axis.annotate(
        joint.replace("_", " "),
        (x, y),
        (x + 3 * side, y) if aside is None else (side * aside[0], aside[1]),
        fontsize=6.5,
        color=colour,
        ha="left" if side > 0 else "right",
        va="center",
        arrowprops=None if aside is None else {"arrowstyle": "-", "color": "#dddddd", "linewidth": 0.5},
    )
