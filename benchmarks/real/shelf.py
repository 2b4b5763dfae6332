"""Shelf: four people assemble a shelf before five calibrated cameras, real detections and annotated 3D.

Shelf is TU Munich's (Belagiannis et al., "3D Pictorial Structures for Multiple Human Pose Estimation", CVPR 2014). Its
detections, and the layout of the files, are those of https://github.com/zhangyux15/4d_association (Zhang et al., "4D
Association Graph for Realtime Multi-person Motion Capture Using Multiple Video Cameras", CVPR 2020):

    calibration.json      camera -> K (9 numbers, pixels), RT (12 numbers, world to camera, metres), imgSize
    detection/0.txt ...   a camera's joint candidates and part affinities, frame by frame, as shares of the image's size
    gt.txt                annotated people: identity, then x, y, z and confidence of 15 joints
    skel.txt              the same of 19 joints, by 4d_association from all views

The detections are no people yet: they are put together here and written as OpenPose's files.
"""

import json
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real.capture import Capture, TruePeople, Truth, View
from benchmarks.real.part_affinities import BODY25, LIMBS, assembled
from duolift.errors import InputError
from duolift.files import read_bytes
from duolift.files.whole_json import json_object
from duolift.geometry.cameras import CalibratedCamera

Array = NDArray[np.float64]

LARGEST = 2**28
"""Bytes of a file that is still read."""

BODY25_TYPE = 4
"""4d_association's number of OpenPose's BODY_25."""

ROUNDED = 1e-2
"""By how much the entries of a rotation, which are rounded, may be off."""

RATE = 25.0
"""Frames a second."""

_LEGS = ("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle")
_ARMS = ("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist")

JOINTS = {
    15: (*_LEGS, *_ARMS, "neck", "head_top", "pelvis"),
    19: (
        *("pelvis", "neck", "right_hip", "left_hip", "nose", "right_shoulder", "left_shoulder", "right_knee"),
        *("left_knee", "right_ear", "left_ear", "right_elbow", "left_elbow", "right_ankle", "left_ankle"),
        *("right_wrist", "left_wrist", "right_toe", "left_toe"),
    ),
}
"""Number of joints -> their names."""

TRUTHS = {"annotated": "gt.txt", "4d": "skel.txt"}
"""Name of a truth -> its file. OpenPose's joints are those of `4d`; the annotated ones lie elsewhere in the body."""


def read(root: Path, work: Path) -> Capture:
    """The data set in a folder.

    Args:
        root: holds the files above.
        work: an empty folder, for OpenPose's files.

    Raises:
        InputError: a file is missing, or not as the layout has it.
    """
    truths = {name: read_truth(root / file) for name, file in TRUTHS.items()}
    views = []
    for name, (camera, image) in read_cameras(root / "calibration.json").items():
        folder, stems, detections = work / f"camera{name}", [], detections_of(root, name)
        folder.mkdir(parents=True)
        for number, people in enumerate(read_people(detections, image)):
            stems.append(f"shelf_{number:012d}")
            (folder / f"{stems[-1]}_keypoints.json").write_text(_openpose(people))
        for truth, file in TRUTHS.items():
            if (count := len(truths[truth].frames)) != len(stems):
                raise InputError(f"{root / file}: has {count} frames; expected {len(stems)}, as {detections} has")
        views.append(View(name, camera, image, folder, {stem: frame for frame, stem in enumerate(stems)}))
    return Capture("four people assemble a shelf", tuple(views), truths, RATE)


def detections_of(root: Path, camera: str) -> Path:
    """A camera's detections: `detection/<camera>.txt`, or `det<camera>.txt` where that is what is there."""
    beside = root / f"det{camera}.txt"
    return beside if beside.exists() else root / "detection" / f"{camera}.txt"


def read_cameras(path: Path) -> dict[str, tuple[CalibratedCamera, tuple[float, float]]]:
    """The cameras of `calibration.json` and the sizes of their images, by the camera's name.

    Raises:
        InputError: the file is missing, is no JSON, or a camera lacks something.
    """
    found = json_object(path, read_bytes(path, LARGEST), "an object with a key for every camera")
    if not found:
        raise InputError(f"{path}: holds no cameras; expected a key for every camera")
    return {name: _camera(value, f"{path}: {name}") for name, value in found.items()}


def _camera(found: Any, where: str) -> tuple[CalibratedCamera, tuple[float, float]]:
    intrinsic, extrinsic = _numbers(found, "K", where, 3, 3), _numbers(found, "RT", where, 3, 4)
    width, height = _numbers(found, "imgSize", where, 2).tolist()
    rotation, translation = extrinsic[:, :3], extrinsic[:, 3]
    if not torch.allclose(rotation @ rotation.mT, torch.eye(3).double(), atol=ROUNDED):
        raise InputError(f"{where}.RT: its first three columns are {rotation.tolist()}; expected a rotation")
    camera = CalibratedCamera(
        focal=intrinsic.diagonal()[:2],
        principal=intrinsic[:2, 2],
        radial=intrinsic.new_zeros(3),
        tangential=intrinsic.new_zeros(2),
        rotation=rotation,
        centre=-torch.linalg.solve(rotation, translation),
    )
    return camera, (width, height)


def _numbers(found: Any, key: str, where: str, *shape: int) -> torch.Tensor:
    """A camera's numbers under a key, in some shape."""
    count = int(np.prod(shape))
    value = found.get(key) if isinstance(found, dict) else None
    numbers = [x for x in value if isinstance(x, int | float) and isfinite(x)] if isinstance(value, list) else []
    if not isinstance(value, list) or not len(value) == len(numbers) == count:
        raise InputError(f"{where}.{key} is {str(value)[:60]}; expected {count} numbers")
    return torch.tensor(value, dtype=torch.float64).reshape(shape)


class Numbers:
    """The numbers of a text file, taken one after the other.

    Raises:
        InputError: the file is missing, or holds something else than finite numbers.
    """

    def __init__(self, path: Path) -> None:
        self.path, words = path, read_bytes(path, LARGEST).split()
        try:
            self.values = np.array(words, dtype=np.float64)
        except ValueError as error:
            raise InputError(f"{path}: holds a word ({error}); expected numbers alone") from error
        if not np.isfinite(self.values).all():
            raise InputError(f"{path}: holds numbers that are not finite; expected finite ones")
        self.at = 0

    def take(self, what: str, *shape: int) -> Array:
        """The next numbers in some shape. Raises InputError where the file ends before."""
        count = int(np.prod(shape))
        taken = self.values[self.at : self.at + count]
        if len(taken) < count:
            raise InputError(f"{self.path}: {what}: the file ends after {len(taken)} numbers; expected {count}")
        self.at += count
        return taken.reshape(shape)

    def end(self) -> None:
        """Raise InputError unless all numbers have been taken."""
        if left := len(self.values) - self.at:
            raise InputError(f"{self.path}: {left} numbers follow the last frame; expected none")

    def count(self, what: str) -> int:
        """The next number, which counts something. Raises InputError where it does not."""
        (value,) = self.take(what, 1)
        if value < 0 or value != int(value):
            raise InputError(f"{self.path}: {what} is {value:g}; expected a whole number, 0 or more")
        return int(value)


def read_truth(path: Path) -> Truth:
    """True people, frame by frame.

    Raises:
        InputError: the file is missing, or not as the layout has it.
    """
    numbers = Numbers(path)
    count = numbers.count("joints")
    if count not in JOINTS:
        raise InputError(f"{path}: joints is {count}; expected {' or '.join(map(str, JOINTS))}")
    frames = []
    for frame in range(numbers.count("frames")):
        where = f"frame {frame}"
        people = dict(_person(numbers, count, where) for _ in range(numbers.count(f"{where}: people")))
        stacked = torch.from_numpy(np.array([*people.values()]).reshape(-1, count, 4))
        frames.append(TruePeople(stacked[..., :3], stacked[..., 3] > 0, tuple(people)))
    numbers.end()
    return Truth(JOINTS[count], tuple(frames))


def _person(numbers: Numbers, joints: int, where: str) -> tuple[int, Array]:
    """A person's identity, and x, y, z and confidence, (joint, 4)."""
    identity = numbers.count(f"{where}: identity")
    return identity, numbers.take(f"{where}: person {identity}", 4, joints).T


def read_people(path: Path, image: tuple[float, float]) -> Iterator[Array]:
    """The people of every frame, (person, 25, 3): x and y in pixels, confidence; 0 where a joint was not found.

    Args:
        path: a camera's candidates and affinities.
        image: width and height, pixels; shares of 0 and 1 are its first and its last column or row.

    Raises:
        InputError: the file is missing, or not as the layout has it.
    """
    numbers, scale = Numbers(path), np.array([image[0] - 1, image[1] - 1, 1.0])
    kind = numbers.count("the joints' type")
    if kind != BODY25_TYPE:
        raise InputError(f"{path}: the joints' type is {kind}; expected {BODY25_TYPE}, OpenPose's BODY_25")
    for frame in range(numbers.count("frames")):
        candidates = []
        for joint in BODY25.joints:
            where = f"frame {frame}: candidates for {joint}"
            candidates.append(numbers.take(where, 3, numbers.count(where)).T * scale)
        affinities = [
            numbers.take(
                f"frame {frame}: affinities of {BODY25.joints[start]} and {BODY25.joints[end]}",
                len(candidates[start]),
                len(candidates[end]),
            )
            for start, end in LIMBS
        ]
        yield assembled(candidates, affinities)
    numbers.end()


def _openpose(people: Array) -> str:
    """A file of OpenPose's of people (person, 25, 3)."""
    entries = [{"person_id": [-1], "pose_keypoints_2d": pose.round(3).ravel().tolist()} for pose in people]
    return json.dumps({"version": 1.3, "people": entries})
