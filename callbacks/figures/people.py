"""People as sticks, functions from poses and scenes to a matplotlib figure."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.outputs.colours import colours_of

Scenes = Tensor | Sequence[Tensor]
"""Of every scene its people (person, joint, 2|3): one tensor, or a list where scenes have different numbers of them."""

REACH = 900.0
"""Millimetres from the middle of a scene to the edge of its picture, at least: two people beside each other."""

MARGIN = 100.0
"""Millimetres round people who are further apart."""

STICK, FADED_STICK = 2.6, 2.0
"""Widths of bones, and of those of the truth, points."""

TRUTH_COLOUR, TRUTH = "#b0b0b0", "grey: the truth"

SIDE_COLOURS = {"left": "#d1495b", "right": "#00798c"}
MIDLINE_COLOUR = "#444444"


def bone_colour(joint: str) -> str:
    """Left and right limbs differ at a glance, whoever they belong to."""
    side = joint.rpartition(".")[2].partition("_")[0]
    return SIDE_COLOURS.get(side, MIDLINE_COLOUR)


def draw_people(axis: Axes, people: NDArray[np.floating], skeleton: Skeleton, faded: bool = False) -> None:
    """People (person, joint, 2) as sticks, each in a colour of their own, left limbs lighter than right ones.

    Whoever is NaN throughout is not drawn, and keeps the others' colours as they are.
    """
    children, parents = (list(joints) for joints in skeleton.bone_ends)
    sides = [child.startswith("left") for child, _ in skeleton.bones]
    for number, person in enumerate(people):
        colours = [TRUTH_COLOUR if faded else colours_of(number)[side] for side in sides]
        bones = np.stack([person[children], person[parents]], axis=1)  # (bone, 2 ends, 2)
        axis.add_collection(
            LineCollection(list(bones), colors=colours, linewidths=FADED_STICK if faded else STICK, capstyle="round")
        )
    axis.autoscale_view()


def middle_of(people: NDArray[np.floating], reach: float) -> tuple[NDArray[np.floating], float]:
    """The middle of people (person, joint, 3), NaN left out, and how far from it a picture goes that shows them all.

    >>> middle, far = middle_of(np.array([[[0.0, 0.0, 0.0]], [[4000.0, 0.0, 0.0]]]), reach=900.0)
    >>> middle.tolist(), far
    ([2000.0, 0.0, 0.0], 2100.0)
    """
    points = people.reshape(-1, 3)
    middle = np.nanmean(points, axis=0)
    return middle, max(reach, float(np.nanmax(np.abs(points - middle))) + MARGIN)


def scene_sheet(
    pixels: Scenes,
    predicted: Scenes,
    truth: Scenes,
    skeleton: Skeleton,
    titles: Sequence[str] = (),
    reach: float = REACH,
) -> Figure:
    """Scenes side by side: the image, then prediction over grey ground truth from the front, the side and above.

    Args:
        pixels: (scene, person, joint, 2); NaN where a joint was not seen.
        predicted, truth: (scene, person, joint, 3), one level frame: x right, y down, z away from the camera; NaN where
            a joint's place is not known.
        titles: of the scenes, where they have some.
        reach: how far a picture goes at least from the middle of the true joints, in their unit.
    """
    rows = ("the image: all that is given", f"from the front ({TRUTH})", "from the side", "from above")
    figure = Figure(figsize=(2.3 * len(pixels), 2.3 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(pixels), squeeze=False)
    for column, scene in enumerate(zip(pixels, predicted, truth, strict=True)):
        image, found, true = (of.numpy() for of in scene)
        draw_people(axes[0, column], image, skeleton)
        centre, far = middle_of(true, reach)
        for row, (across, down) in enumerate(((0, 1), (2, 1), (0, 2)), start=1):
            axis = axes[row, column]
            draw_people(axis, (true - centre)[..., [across, down]], skeleton, faded=True)
            draw_people(axis, (found - centre)[..., [across, down]], skeleton)
            axis.set(xlim=(-far, far), ylim=(far, -far) if down == 1 else (-far, far))
        axes[0, column].invert_yaxis()
    for column, title in enumerate(titles):
        axes[0, column].set_title("\n".join(wrap(title, 26)), fontsize=9)
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
        if not scene:
            axis.set_ylabel(f"the image\n(below, {TRUTH})", fontsize=8)
    for line, (name, people) in enumerate(rows.items(), start=1):
        for scene, (found, true) in enumerate(zip(people.numpy(), truth.numpy(), strict=True)):
            centre, far = middle_of(true, REACH)
            for view, (across, down) in enumerate(((2, 1), (0, 2))):
                axis = figure.add_subplot(grid[line, 2 * scene + view])
                draw_people(axis, (true - centre)[..., [across, down]], skeleton, faded=True)
                draw_people(axis, (found - centre)[..., [across, down]], skeleton)
                axis.set(xlim=(-far, far), ylim=(far, -far) if down == 1 else (-far, far), aspect="equal")
                axis.set(xticks=[], yticks=[])
                if line == 1:
                    axis.set_title(("side", "above")[view], fontsize=9, pad=2)
                if not scene and not view:
                    axis.set_ylabel("\n".join(wrap(name, 18)), fontsize=8)
    return figure


def side_sheet(pixels: Tensor, columns: Mapping[str, Tensor], truth: Tensor, skeleton: Skeleton) -> Figure:
    """Scenes from the side by several methods, over grey ground truth on its ground: the paper's Figures 1 and 3.

    Below each: how far off the joints are, how far each person's lower foot floats above where it truly is (below 0: is
    sunk), and how far apart the pelvises of the first two who are there are.

    Args:
        pixels: (scene, person, joint, 2), shown at the left.
        columns: by name, (scene, person, joint, 3), aligned with the truth.
        truth: (scene, person, joint, 3), millimetres; all in one level frame: x right, y down, z away.
    """
    figure = Figure(figsize=(2.0 * (1 + len(columns)), 2.6 * len(pixels)), layout="constrained")
    axes = figure.subplots(len(pixels), 1 + len(columns), squeeze=False)
    for row, (image, true) in enumerate(zip(pixels.numpy(), truth.numpy(), strict=True)):
        draw_people(axes[row, 0], image, skeleton)
        axes[row, 0].invert_yaxis()
        axes[row, 0].set_aspect("equal", adjustable="datalim")
        everybody = np.concatenate([true, *(people[row].numpy() for people in columns.values())])[..., [2, 1]]
        high, low = np.nanmax(everybody, axis=(0, 1)), np.nanmin(everybody, axis=(0, 1))
        middle, half = (high + low) / 2, (high - low).max() / 2 + 100
        for column, people in enumerate(columns.values(), start=1):
            axis, found = axes[row, column], people[row].numpy()
            axis.axhline(np.nanmax(_feet(true, skeleton)), color=TRUTH_COLOUR, linewidth=0.8)
            draw_people(axis, true[..., [2, 1]], skeleton, faded=True)
            draw_people(axis, found[..., [2, 1]], skeleton)
            axis.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] + half, middle[1] - half))
            axis.set_aspect("equal")
            axis.set_xlabel(_told(found, true, skeleton), fontsize=8)
    for axis, name in zip(axes[0], ("the image", *columns), strict=True):
        axis.set_title("\n".join(wrap(name, 22)), fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def _feet(people: NDArray[np.floating], skeleton: Skeleton) -> NDArray[np.floating]:
    """How far down the lower foot of each is, (person,)."""
    found: NDArray[np.floating] = people[:, skeleton.feet, 1].max(-1)
    return found


def _told(found: NDArray[np.floating], true: NDArray[np.floating], skeleton: Skeleton) -> str:
    """What is off in a scene (person, joint, 3), millimetres."""
    seen = ~np.isnan(true[:, skeleton.root_index, 0])
    found, true = found[seen], true[seen]
    off = np.linalg.norm(found - true, axis=-1).mean()
    floating = ", ".join(f"{cm:+.0f}" for cm in (_feet(true, skeleton) - _feet(found, skeleton)) / 10)
    apart, truly = (np.linalg.norm(np.diff(people[:2, skeleton.root_index], axis=0)) / 1000 for people in (found, true))
    return f"off by {off:.0f} mm\nfeet {floating} cm\n{apart:.2f} m apart, truly {truly:.2f}"


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
            axis.plot(ends[:, 0], ends[:, 1], color=bone_colour(child), linewidth=STICK)
    for axis in axes.flat:
        axis.set_aspect("equal")
        axis.axis("off")
    axes[0, 0].invert_yaxis()
    limit = float(np.quantile(np.abs(points), 0.999)) * 1.1
    axes[0, 0].set(xlim=(-limit, limit), ylim=(limit, -limit))
    return figure
