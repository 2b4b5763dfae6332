"""Pictures, as functions from data to a matplotlib figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from duolift.detections import JOINTS
from duolift.files import whole_file
from duolift.keypoints import KeypointFormat, to_joints
from duolift.outputs.colours import colours_of
from duolift.skeleton import Skeleton

SIDE_COLOURS = {"left": "#d1495b", "right": "#00798c"}
MIDLINE_COLOUR = "#444444"


def bone_colour(joint: str) -> str:
    """Left and right limbs differ at a glance, whoever they belong to."""
    side = joint.rpartition(".")[2].partition("_")[0]
    return SIDE_COLOURS.get(side, MIDLINE_COLOUR)


def draw_people(axis: Axes, people: NDArray[np.floating], skeleton: Skeleton, faded: bool = False) -> None:
    """People (person, joint, 2) as sticks, each in a colour of their own, left limbs lighter than right ones."""
    for number, person in enumerate(people):
        colours = colours_of(number)
        for child, parent in skeleton.bones:
            ends = person[[skeleton.index(child), skeleton.index(parent)]]
            colour = "#b0b0b0" if faded else colours[child.startswith("left")]
            axis.plot(ends[:, 0], ends[:, 1], color=colour, linewidth=1.3 if faded else 1.8, solid_capstyle="round")


def scene_sheet(pixels: Tensor, predicted: Tensor, truth: Tensor, skeleton: Skeleton) -> Figure:
    """Scenes side by side: the image, then prediction over grey ground truth from the front, the side and above.

    Args:
        pixels: (scene, person, joint, 2).
        predicted, truth: (scene, person, joint, 3), one level frame: x right, y down, z away from the camera.
    """
    rows = ("the image: all that is given", "from the front", "from the side", "from above")
    figure = Figure(figsize=(2.3 * len(pixels), 2.3 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(pixels), squeeze=False)
    for column, (image, found, true) in enumerate(zip(pixels.numpy(), predicted.numpy(), truth.numpy(), strict=True)):
        draw_people(axes[0, column], image, skeleton)
        centre = true.reshape(-1, 3).mean(0)
        for row, (across, down) in enumerate(((0, 1), (2, 1), (0, 2)), start=1):
            axis = axes[row, column]
            draw_people(axis, (true - centre)[..., [across, down]], skeleton, faded=True)
            draw_people(axis, (found - centre)[..., [across, down]], skeleton)
            axis.set(xlim=(-1200, 1200), ylim=(1200, -1200) if down == 1 else (-1200, 1200))
        axes[0, column].invert_yaxis()
    for row, name in enumerate(rows):
        axes[row, 0].set_ylabel(name)
    for axis in axes.flat:
        axis.set_aspect("equal", adjustable="datalim" if axis in axes[0] else "box")
        axis.set(xticks=[], yticks=[])
    return figure


def rows_sheet(pixels: Tensor, rows: Mapping[str, Tensor], truth: Tensor, skeleton: Skeleton) -> Figure:
    """The same scenes by several placements, each over grey ground truth, from the side and from above.

    Args:
        pixels: (scene, person, joint, 2), shown on top.
        rows: by name, (scene, person, joint, 3), aligned with the truth.
        truth: (scene, person, joint, 3), millimetres; all in one level frame: x right, y down, z away.
    """
    figure = Figure(figsize=(3.4 * len(pixels), 1.7 * (1 + len(rows))))
    figure.set_layout_engine("constrained", h_pad=0.01, w_pad=0.01, hspace=0, wspace=0)
    grid = figure.add_gridspec(1 + len(rows), 2 * len(pixels))
    for scene, image in enumerate(pixels.numpy()):
        axis = figure.add_subplot(grid[0, 2 * scene : 2 * scene + 2])
        draw_people(axis, image, skeleton)
        axis.invert_yaxis()
        axis.set_aspect("equal", adjustable="datalim")
        axis.set(xticks=[], yticks=[])
    for line, (name, people) in enumerate(rows.items(), start=1):
        for scene, (found, true) in enumerate(zip(people.numpy(), truth.numpy(), strict=True)):
            centre = true.reshape(-1, 3).mean(0)
            for view, (across, down) in enumerate(((2, 1), (0, 2))):
                axis = figure.add_subplot(grid[line, 2 * scene + view])
                draw_people(axis, (true - centre)[..., [across, down]], skeleton, faded=True)
                draw_people(axis, (found - centre)[..., [across, down]], skeleton)
                axis.set(xlim=(-1200, 1200), ylim=(1200, -1200) if down == 1 else (-1200, 1200), aspect="equal")
                axis.set(xticks=[], yticks=[])
                if line == 1:
                    axis.set_title(("side", "above")[view], fontsize=9, pad=2)
                if not scene and not view:
                    axis.set_ylabel("\n".join(wrap(name, 18)), fontsize=8)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole."""
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


def pose_grid(poses: Tensor, skeleton: Skeleton, columns: int = 8, joints: list[int] | None = None) -> Figure:
    """2D poses (pose, joint, 2) side by side, left limbs red and right limbs blue.

    Args:
        joints: only bones between these are drawn; None draws all.
    """
    shown = set(range(len(skeleton)) if joints is None else joints)
    bones = [
        (child, parent) for child, parent in skeleton.bones if {skeleton.index(child), skeleton.index(parent)} <= shown
    ]
    points = poses.detach().cpu().numpy()
    rows = -(-len(points) // columns)
    figure = Figure(figsize=(1.5 * columns, 1.9 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis, pose in zip(axes.flat, points, strict=False):
        for child, parent in bones:
            ends = pose[[skeleton.index(child), skeleton.index(parent)]]
            axis.plot(ends[:, 0], ends[:, 1], color=bone_colour(child), linewidth=2)
    for axis in axes.flat:
        axis.set_aspect("equal")
        axis.axis("off")
    axes[0, 0].invert_yaxis()
    limit = float(np.quantile(np.abs(points), 0.999)) * 1.1
    axes[0, 0].set(xlim=(-limit, limit), ylim=(limit, -limit))
    return figure


def study_chart(rows: Sequence[Mapping[str, str]], metric: str = "pa_mpjpe_person_mm") -> Figure:
    """A study's runs, a line a factor and a dot a seed, best first; one column for every number of epochs."""
    budgets = sorted({int(row["epochs"]) for row in rows if row["factor"] == "default"})
    figure = Figure(figsize=(6 * max(1, len(budgets)), 1 + 0.22 * len({row["factor"] for row in rows})))
    for axis, epochs in zip(figure.subplots(1, max(1, len(budgets)), squeeze=False)[0], budgets, strict=False):
        found: dict[str, list[float]] = {}
        for row in rows:
            if int(row["epochs"]) == epochs:
                found.setdefault(row["factor"], []).append(float(row[metric]))
        order = sorted(found, key=lambda name: -float(np.mean(found[name])))
        for line, name in enumerate(order):
            axis.plot(found[name], [line] * len(found[name]), "o", color="#c1121f" if name == "default" else "#1d3557")
        axis.axvline(float(np.mean(found["default"])), color="#c1121f", linewidth=0.8)
        axis.set_yticks(range(len(order)), order)
        axis.set(title=f"{epochs} epochs", xlabel="PA-MPJPE a person, mm", xscale="log")
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.xaxis.set_minor_formatter("{x:.0f}")
        axis.grid(axis="x", linewidth=0.3)
    figure.set_layout_engine("constrained")
    return figure


def noise_chart(curves: Mapping[str, Mapping[float, float]]) -> Figure:
    """PA-MPJPE a person, mm, over the deviation of the joints' places in pixels: a curve a name."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for name, curve in curves.items():
        axis.plot(list(curve), list(curve.values()), "o-", label=name)
    axis.set(xlabel="noise on every joint, pixels", ylabel="PA-MPJPE a person, mm", ylim=(0, None))
    axis.grid(linewidth=0.3)
    if curves:
        axis.legend()
    return figure


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
"""Somebody who faces the camera: joints of every format, x right and y down. Left is on the right of the picture."""

APART = {"head": (14, -72), "pelvis": (18, 12), "hand": (54, 4), "thumb": (54, 13), "foot": (34, 87), "toe": (34, 95)}
"""Where the names of joints go that are crowded, left side."""

JOINT_KINDS = {"own": "#1d3557", "derived": "#e07a1f", "missing": "#b0b0b0"}


def formats_sheet(formats: Sequence[KeypointFormat], columns: int = 4) -> Figure:
    """What each format tells of somebody who stands there: joints that it has, that follow, and that are missing.

    What follows lies where the rules put it. Small dots are what a format has besides, which only the rules use.
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
            there = "missing" not in (kinds[child], kinds[parent])
            axis.plot(ends[:, 0], ends[:, 1], color="#c8c8c8", linestyle="-" if there else ":", linewidth=1, zorder=0)
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
    beside = APART.get(joint.removeprefix("left_").removeprefix("right_"))
    axis.annotate(
        joint.replace("_", " "),
        (x, y),
        (x + 3 * side, y) if beside is None else (side * beside[0], beside[1]),
        fontsize=6.5,
        color=colour,
        ha="left" if side > 0 else "right",
        va="center",
        arrowprops=None if beside is None else {"arrowstyle": "-", "color": "#dddddd", "linewidth": 0.5},
    )
