"""A scene as a table of joints, for pandas."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from duolift.outputs.libraries import library
from duolift.scene import Scene

if TYPE_CHECKING:
    from pandas import DataFrame


def to_dataframe(scene: Scene) -> "DataFrame":
    """A row for every joint of every person who is in a frame; `Scene.to_dataframe` has the columns.

    Raises:
        InputError: pandas is not installed.
    """
    pandas = library("pandas", "to_dataframe()", "pip install pandas")
    frame, person = np.nonzero(scene.valid)  # (pose,), in the order of frames
    joints = len(scene.skeleton)
    points = scene.world()[frame, person].reshape(-1, 3).astype(np.float64)  # (pose * joint, 3)
    columns: dict[str, NDArray[Any]] = {"frame": frame.repeat(joints)}
    if scene.rate:
        columns["time"] = columns["frame"] / scene.rate
    columns |= {
        "name": np.array(scene.names, dtype=object)[frame].repeat(joints),
        "person": np.array(scene.identities, dtype=np.int64)[person].repeat(joints),
        "joint": np.tile(np.array(scene.skeleton.joints, dtype=object), len(frame)),
        "x": points[:, 0],
        "y": points[:, 1],
        "z": points[:, 2],
        "visible": scene.seen[frame, person].ravel(),
        "confidence": scene.confidence[frame, person].repeat(joints),
        "deviation": scene.deviation[frame, person].ravel(),
    }
    return pandas.DataFrame(columns)
