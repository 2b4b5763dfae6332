"""BlazePose on each person that MoveNet has found: 33 joints, with heels and toes.

The landmark network (Bazarevsky et al., BlazePose: On-device Real-time Body Pose tracking, arXiv:2006.10204) sees one
person, upright in the middle of a square of 256 pixels. It was made to follow one person from frame to frame; who there
is, and where, MoveNet tells here, so that it works for several people and for photographs.

Its outputs: 39 landmarks of x, y, z in pixels of the square and logits of visibility and presence, of which the first
33 are joints; whether a person is there; and of each landmark a heatmap, by which its place is refined.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from duolift.detectors.crops import Crop
from duolift.detectors.models import BLAZEPOSE_FULL, BLAZEPOSE_HEAVY, Model
from duolift.detectors.movenet import MoveNet
from duolift.detectors.runtime import Network
from duolift.detectors.suppression import distance, without_doubles
from duolift.inputs.keypoints import COCO17, MEDIAPIPE33

SIDE = 256
"""Pixels of the network's square."""

ROOM = 2.5
"""The square's side, in distances from the mid-hip to the farthest joint: what the network was trained with."""

APART = 0.15
"""A pose that is farther than this from MoveNet's, as a share of the person's extent, is of somebody else."""

_PLACES = np.array([MEDIAPIPE33.joints.index(joint) for joint in COCO17.joints])
"""Of each of COCO's joints its number among BlazePose's."""

_MORE = np.setdiff1d(np.arange(len(MEDIAPIPE33)), _PLACES)
"""Numbers of those that COCO does not have, such as heels and toes."""

_SHOULDERS, _HIPS = (
    [COCO17.joints.index(f"{side}_{joint}") for side in ("left", "right")] for joint in ("shoulder", "hip")
)


class BlazePose:
    """MoveNet for who is there, BlazePose for everybody's joints.

    Args:
        model: the landmark network.
        threads: as `Network`.

    Raises:
        InputError: it is not installed.
    """

    name = "blazepose"
    joints = "mediapipe33"

    def __init__(self, model: Model = BLAZEPOSE_HEAVY, threads: int | None = None) -> None:
        self._people = MoveNet(threads=threads)
        self._landmarks = Network(model, threads)

    def detect(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        rough = [_without_feet(person) for person in self._people.detect(picture)]
        seen = [self._seen(picture, person) for person in rough]
        found = [one if one is not None else person for one, person in zip(seen, rough, strict=True)]
        people = np.stack(found) if found else np.zeros((0, len(MEDIAPIPE33), 3), dtype=np.float32)
        return people[without_doubles(people, MEDIAPIPE33)]

    def follow(self, picture: NDArray[np.uint8], people: NDArray[np.float32]) -> NDArray[np.float32] | None:
        if not people[:, _MORE, 2].any(-1).all():  # somebody is as MoveNet saw them
            return None
        found = np.zeros_like(people)
        for number, person in enumerate(people):
            seen = self._seen(picture, person)
            if seen is None:
                return None
            found[number] = seen
        return found if len(without_doubles(found, MEDIAPIPE33)) == len(found) else None

    def _seen(self, picture: NDArray[np.uint8], person: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """The joints of a person who is about there (joint, 3); None where BlazePose sees nobody, or somebody else."""
        crop = crop_around(person[_PLACES])
        pixels = crop.cut(picture, SIDE).astype(np.float32) / 255
        seen = joints_in(self._landmarks(pixels[None]), crop)
        return seen if seen is not None and distance(seen, person) < APART else None


class BlazePoseFull(BlazePose):
    """BlazePose by its middle network: faster, less exact."""

    name = "blazepose-full"

    def __init__(self, threads: int | None = None) -> None:
        super().__init__(BLAZEPOSE_FULL, threads)


def _without_feet(person: NDArray[np.float32]) -> NDArray[np.float32]:
    """A person of MoveNet's (COCO's joint, 3) with BlazePose's joints, (joint, 3): those that it has not, not seen."""
    joints = np.zeros((len(MEDIAPIPE33), 3), dtype=np.float32)
    joints[_PLACES] = person
    return joints


def crop_around(person: NDArray[np.float32], threshold: float = 0.1) -> Crop:
    """The square in which a person (COCO's joint, 3) is upright and whole.

    >>> person = np.zeros((17, 3), dtype=np.float32)
    >>> person[[5, 6, 11, 12]] = [[110, 50, 1], [90, 50, 1], [110, 100, 1], [90, 100, 1]]
    >>> person[[15, 16]] = [100, 180, 1]  # the ankles
    >>> crop_around(person)
    Crop(centre=(100.0, 100.0), side=200.0, up=(0.0, -1.0))
    """
    places = person[:, :2].astype(np.float64)
    hips, shoulders = places[_HIPS].mean(0), places[_SHOULDERS].mean(0)
    trunk = float(np.linalg.norm(shoulders - hips))
    up = (shoulders - hips) / trunk if trunk > 1 else np.array([0.0, -1.0])
    seen = places[person[:, 2] > threshold]
    reach = max(float(np.linalg.norm(seen - hips, axis=1).max()) if len(seen) else 0.0, 1.2 * trunk, 1.0)
    return Crop((float(hips[0]), float(hips[1])), ROOM * reach, (float(up[0]), float(up[1])))


def joints_in(outputs: Sequence[NDArray[np.float32]], crop: Crop) -> NDArray[np.float32] | None:
    """The joints in the picture, (joint, 3), from the network's outputs; None where it sees nobody.

    Args:
        outputs: landmarks (1, 195), whether somebody is there (1, 1), a mask that is not used, heatmaps
            (1, 64, 64, 39).
        crop: the square that the network saw.
    """
    landmarks, there, _, heatmaps = outputs[:4]
    if float(there.reshape(-1)[0]) < 0.5:
        return None
    joints = landmarks.reshape(-1, 5)[: len(MEDIAPIPE33)].astype(np.float64)
    places = refined(joints[:, :2] / SIDE, heatmaps[0, ..., : len(MEDIAPIPE33)])
    confidence = _logistic(joints[:, 3]) * _logistic(joints[:, 4])
    return np.concatenate([crop.back(places), confidence[:, None]], axis=-1).astype(np.float32)


def refined(
    places: NDArray[np.float64], heatmaps: NDArray[np.floating], reach: int = 3, least: float = 0.1
) -> NDArray[np.float64]:
    """Places moved to the middle of what a heatmap shows about them, as MediaPipe does.

    Args:
        places: (joint, 2), shares of the square's side.
        heatmaps: (row, column, joint), logits.
        reach: how many cells on each side are looked at.
        least: a heatmap whose highest value there, 0 to 1, is lower moves nothing.

    >>> heatmaps = np.full((64, 64, 1), -30.0)
    >>> heatmaps[32, 34] = 2.0
    >>> (refined(np.array([[0.5, 0.5]]), heatmaps) * 64).round(3)
    array([[34., 32.]])
    """
    size, joints = heatmaps.shape[0], np.arange(len(places))
    cells = np.floor(places * size).astype(int)
    near = cells[..., None] + np.arange(-reach, reach + 1)  # (joint, 2, offset)
    there = (near >= 0) & (near < size)
    columns, rows = np.moveaxis(near.clip(0, size - 1), 1, 0)  # (joint, offset) each
    seen = heatmaps[rows[:, :, None], columns[:, None, :], joints[:, None, None]]  # (joint, row, column)
    values = _logistic(seen.astype(np.float64)) * (there[:, 1, :, None] & there[:, 0, None, :])
    inside = ((cells >= 0) & (cells < size)).all(-1)
    total = values.sum((1, 2))
    x = (values * columns[:, None, :]).sum((1, 2))
    y = (values * rows[:, :, None]).sum((1, 2))
    moves = inside & (values.max((1, 2)) >= least)
    middle = np.stack([x, y], axis=-1) / np.maximum(total, least)[:, None] / size
    return np.where(moves[:, None], middle, places)


def _logistic(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """`scipy.special.expit`, which would take a photograph a quarter of a second to import."""
    return 0.5 + 0.5 * np.tanh(0.5 * logits)
