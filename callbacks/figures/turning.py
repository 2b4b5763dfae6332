"""Scenes that a person turns, as a plotly figure: a page, W&B and a notebook show the same."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.outputs.colours import colours_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

METRES = 1e-3
TRUTH_COLOUR = "#9a9a9a"
GROUND_COLOUR = "#b0b4ba"
TILE = 0.5
"""Metres between the lines of the ground."""

VIEW = {"eye": {"x": 0.97, "y": -2.06, "z": 0.66}, "center": {"x": 0.0, "y": 0.0, "z": -0.06}}
"""From where the camera is, a little to the right and above."""

BARE = {"visible": False, "showspikes": False}


def turning_scenes(predicted: Tensor, truth: Tensor, skeleton: Skeleton, titles: Sequence[str]) -> "Figure":
    """Scenes over their ground truth in grey, one at a time, on a ground of half-metre tiles.

    Args:
        predicted, truth: (scene, person, joint, 3), millimetres, aligned, in one level frame: x right, y down, z away;
            NaN of whoever is not there.
        titles: of the scenes; where there are several, a menu chooses one.
    """
    from plotly.graph_objects import Figure, Scatter3d

    traces: list[list[dict[str, Any]]] = []
    for found, true in zip(predicted.numpy(), truth.numpy(), strict=True):
        there = ~np.isnan(true[:, skeleton.root_index, 0])
        found, true = found[there], true[there]
        ground = true[:, skeleton.feet, 1].max()
        origin = np.array([*true.reshape(-1, 3).mean(0)[[0, 2]], -ground])
        traces.append(_scene(METRES * (upright(found) - origin), METRES * (upright(true) - origin), skeleton))
    figure = Figure(
        [Scatter3d(**trace, visible=not scene) for scene, of_scene in enumerate(traces) for trace in of_scene]
    )
    counts = [len(of_scene) for of_scene in traces]
    figure.update_layout(
        template="none",
        scene={"xaxis": BARE, "yaxis": BARE, "zaxis": BARE, "aspectmode": "data", "camera": VIEW, "dragmode": "orbit"},
        margin={"l": 0, "r": 0, "t": 0 if len(titles) == 1 else 44, "b": 0},
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0.0, "yanchor": "bottom"},
        paper_bgcolor="rgba(0,0,0,0)",
        updatemenus=[] if len(titles) == 1 else [_menu(titles, counts)],
    )
    return figure


def upright(people: NDArray[np.floating]) -> NDArray[np.floating]:
    """People (..., 3) of a level camera frame as plotly has space: x right, y away, z up."""
    return people[..., [0, 2, 1]] * (1, 1, -1)


def _scene(found: NDArray[np.floating], true: NDArray[np.floating], skeleton: Skeleton) -> list[dict[str, Any]]:
    """Traces of a scene (person, joint, 3), metres, the ground at height 0."""
    sides = [child.startswith("left") for child, _ in skeleton.bones]
    traces = [
        _lines(_ground(np.concatenate([found, true])), GROUND_COLOUR, 1, "ground", showlegend=False),
        _lines(np.concatenate([_bones(person, skeleton) for person in true]), TRUTH_COLOUR, 5, "ground truth"),
    ]
    for number, person in enumerate(found):
        bones, name = _bones(person, skeleton).reshape(len(sides), 3, 3), f"person {number + 1}"
        for colour, left in zip(colours_of(number), (False, True), strict=True):
            some = bones[[side == left for side in sides]].reshape(-1, 3)
            traces.append(_lines(some, colour, 7, name, legendgroup=name, showlegend=not left))
    return traces


def _bones(person: NDArray[np.floating], skeleton: Skeleton) -> NDArray[np.floating]:
    """Both ends of every bone and a gap, (3 * bone, 3)."""
    ends = np.stack([person[list(joints)] for joints in skeleton.bone_ends], axis=1)
    return np.concatenate([ends, np.full_like(ends[:, :1], np.nan)], axis=1).reshape(-1, 3)


def _ground(people: NDArray[np.floating]) -> NDArray[np.floating]:
    """Lines of tiles under everybody, with gaps."""
    low, high = (np.array([f(people[..., axis]) for axis in (0, 1)]) for f in (np.min, np.max))
    low, high = np.floor(low / TILE) * TILE, np.ceil(high / TILE) * TILE
    lines = []
    for axis in (0, 1):
        for at in np.arange(low[axis], high[axis] + TILE / 2, TILE):
            ends = np.zeros((3, 3))
            ends[:2, 1 - axis], ends[:2, axis], ends[2] = (low[1 - axis], high[1 - axis]), at, np.nan
            lines.append(ends)
    return np.concatenate(lines)


def _lines(points: NDArray[np.floating], colour: str, width: float, name: str, **options: Any) -> dict[str, Any]:
    """Lines through points (point, 3), cut at NaN. Lists of few decimals are the smallest that every viewer reads."""
    x, y, z = ([None if np.isnan(v) else round(float(v), 3) for v in axis] for axis in points.T)
    line = {"color": colour, "width": width}
    return {"x": x, "y": y, "z": z, "mode": "lines", "line": line, "name": name, "hoverinfo": "skip", **options}


def _menu(titles: Sequence[str], counts: Sequence[int]) -> dict[str, Any]:
    """A menu that shows one scene's traces."""
    owner = np.repeat(np.arange(len(counts)), counts)
    buttons = [
        {"label": title, "method": "restyle", "args": [{"visible": (owner == scene).tolist()}]}
        for scene, title in enumerate(titles)
    ]
    return {"buttons": buttons, "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "pad": {"l": 8, "b": 6}}
