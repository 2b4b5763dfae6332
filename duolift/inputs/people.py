"""What readers of file formats have in common: people as a file has them, and the values that describe a person.

A reader gives a `RawFrame` for every image: joints in the file's own format, which `duolift.inputs.reading` brings to
the project's joints.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files.json_stream import JsonStream
from duolift.inputs.json_values import member, numbers
from duolift.inputs.keypoints import FORMATS, HANDS, KeypointFormat, formats_with, whose_joints
from duolift.inputs.pixels import check_within_reach, short, visible

Array = NDArray[np.float64]


class RawPerson(NamedTuple):
    """A person as the file has them.

    Attributes:
        keypoints: (joint, 2), pixels, joints of the file's format; 0 where not visible.
        confidence: (joint,), 0 to 1; 0 where not visible.
        identity: the file's number of the person, where it tracks people.
        score: of the person as a whole, the lowest where the file has several.
    """

    keypoints: Array
    confidence: Array
    identity: int | None
    score: float | None = None


@dataclass(frozen=True)
class RawFrame:
    """An image as the file has it.

    Attributes:
        name, video, image, focal, rate, step, notes: as of `duolift.inputs.detections.Frame`. A reader gives a video
            where the file itself says that images are frames of one; elsewhere `duolift.inputs.videos` finds out.
        people: in no order. One without joints is left out, and noted.
        keypoint_format: of the joints.
        normalised: the joints are not in pixels but in shares of the image's width and height.
        number: of the frame in the video, where it is not the one in the name.
        unread: the image could not be read: an image of its own is left out, and a frame of a video has nobody in it.
    """

    name: str
    video: str
    people: Sequence[RawPerson]
    keypoint_format: KeypointFormat
    image: tuple[float, float] | None = None
    focal: float | None = None
    normalised: bool = False
    number: int | None = None
    rate: float | None = None
    step: int = 1
    notes: tuple[str, ...] = ()
    unread: bool = False


@dataclass(frozen=True)
class DetectionFile:
    """An open file, and what its reader has to know.

    Attributes:
        file: able to seek.
        where: the file's name, for messages.
        stem: name of its only image, or of its video.
        keypoint_format: of its joints, where the user says so.
        threshold: a joint of lower confidence is not seen.
        beside: further files of the same video, each of other people (`duolift.inputs.registry.FileFormat.together`).
    """

    file: BinaryIO
    where: str
    stem: str
    keypoint_format: KeypointFormat | None
    threshold: float
    beside: tuple[Path, ...] = ()

    @property
    def json(self) -> JsonStream:
        return JsonStream(self.file, self.where)


def _by_count(*names: str) -> dict[int, KeypointFormat]:
    return {len(FORMATS[name]): FORMATS[name] for name in names}


BY_COUNT = _by_count("coco17", "crowdpose14", "mpii16", "halpe26", "mediapipe33", "halpe68", "wholebody133", "halpe136")
"""Number of joints -> the format it means where nothing names the joints: 17 are COCO's, not PoseTrack's."""

OPENPOSE_BY_COUNT = {**BY_COUNT, **_by_count("body25", "coco18", "mpi15")}
"""The same in files of OpenPose's kind."""

OPENPOSE_EXTRAS = {f"hand_{side}_keypoints_2d": points for side, points in HANDS.items()}
WHOLEBODY_EXTRAS = {
    "foot_kpts": FORMATS["wholebody133"].joints[17:23],
    **{f"{side}hand_kpts": points for side, points in HANDS.items()},
}
"""Keys of joints that a file keeps apart from the body's -> their names."""


@dataclass
class JointReader:
    """Reads people's joints, all in one keypoint format: a given one, or the one with the first person's joint count.

    Attributes:
        where: the file's name, for messages.
        by_count: number of joints -> format.
        body: the format of the body, once it is known.
        extras: keys of joints apart from the body's -> their names.
        partly_named: the file names the body's joints, and people may have more: COCO-WholeBody's category may name 17
            of 133. Until the first person has been read.
        any_read: whether a person with joints has been read.

    >>> joints = JointReader("a.json", BY_COUNT)
    >>> keypoints, confidence = joints.flat({"keypoints": [3.0, 4.0, 0.9] * 17}, "keypoints", "a.json: [0]")
    >>> keypoints.shape, joints.keypoint_format.name
    ((17, 2), 'coco17')
    """

    where: str
    by_count: dict[int, KeypointFormat]
    body: KeypointFormat | None = None
    extras: dict[str, tuple[str, ...]] = field(default_factory=dict)
    partly_named: bool = False
    any_read: bool = False

    @property
    def keypoint_format(self) -> KeypointFormat:
        """All joints: the body's, then the extras'. Any format will do where no person has been read."""
        body = self.body or next(iter(self.by_count.values()))
        extras = tuple(joint for names in self._apart(body).values() for joint in names)
        return replace(body, joints=body.joints + extras) if extras else body

    def check(self, count: int, where: str) -> KeypointFormat:
        """The body's format. Raises InputError where a person's number of joints is not that of the format."""
        whole = self.by_count.get(count)
        if self.partly_named and self.body and whole and whole.joints[: len(self.body)] == self.body.joints:
            self.body = whole
        self.partly_named = False
        if self.body is None:
            if count not in self.by_count:
                known = ", ".join(f"{n} ({self.by_count[n].name})" for n in sorted(self.by_count))
                raise InputError(
                    f"{where} has {count} joints; expected {known}, or the option joints to name them: "
                    f"{whose_joints(count)}"
                )
            self.body = self.by_count[count]
        if count != len(self.body):
            expected, names = f"{len(self.body)} ({self.body.name})", formats_with(count)
            hint = f", which the option joints names: --joints {names[0]}" if names else ""
            raise InputError(f"{where} has {count} joints; expected {expected}: {whose_joints(count)}{hint}")
        return self.body

    def flat(self, entry: Any, key: str, where: str) -> tuple[Array, Array]:
        """A person's (joint, 2) and (joint,), written as x, y, confidence, x, ... under `key` and the extras' keys.

        No joints of a person without any: an empty object, an empty list or null under `key`, or no such key after
        others have had it.
        """
        nothing = isinstance(entry, dict) and entry.get(key) is None
        without = nothing and (key in entry or not entry or self.any_read)
        values = [] if without else member(entry, key, where, list)
        if not values:
            return np.zeros((0, 2)), np.zeros(0)
        parts = [_triples(values, f"{where}.{key}")]
        body = self.check(len(parts[0][0]), f"{where}.{key}")
        self.any_read = True
        for extra, names in self._apart(body).items():
            values = member(entry, extra, where, list, default=[]) or [0] * (3 * len(names))
            parts.append(_triples(values, f"{where}.{extra}", len(names)))
        return np.concatenate([keypoints for keypoints, _ in parts]), np.concatenate([sure for _, sure in parts])

    def _apart(self, body: KeypointFormat) -> dict[str, tuple[str, ...]]:
        """The extras that the body's format does not have itself."""
        return {key: names for key, names in self.extras.items() if not {*names} & {*body.joints}}


def _triples(value: Any, where: str, joints: int | None = None) -> tuple[Array, Array]:
    expected = "x, y and confidence of every joint" if joints is None else f"x, y and confidence of {joints} joints"
    flat = numbers(unnested(value), where, expected)
    if len(flat) % 3 or joints not in (None, len(flat) // 3):
        raise InputError(f"{where} has {len(flat)} numbers; expected {expected}")
    triples = flat.reshape(-1, 3)  # (joint, 3)
    return triples[:, :2], triples[:, 2]


def unnested(value: Any) -> Any:
    """The numbers of `[[x, y, confidence], ...]` one after the other; anything else as it is.

    >>> unnested([[3.0, 4.0, 0.9], [5.0, 6.0, 0.8]])
    [3.0, 4.0, 0.9, 5.0, 6.0, 0.8]
    """
    if isinstance(value, list) and value and all(isinstance(one, list) and len(one) == 3 for one in value):
        return [number for one in value for number in one]
    return value


def raw_person(
    keypoints: Array, confidence: Array, identity: int | None, where: str, score: float | None = None
) -> RawPerson:
    """A person whose numbers can be used: what is not visible is 0, and confidence is at most 1.

    Raises:
        InputError: as of `duolift.inputs.pixels.check_within_reach`.

    >>> raw_person(np.array([[3.0, 4.0], [np.nan, 5.0]]), np.array([1.2, 0.9]), 7, "a.json: people[0]").confidence
    array([1., 0.])
    """
    check_within_reach(keypoints, confidence, where)
    seen = visible(keypoints, confidence)
    sure = np.where(seen, confidence, 0.0).clip(0.0, 1.0)
    return RawPerson(np.where(seen[:, None], keypoints, 0.0), sure, identity, score)


def identity_of(entry: Any, keys: Sequence[str], where: str) -> int | None:
    """A tracker's number of a person, under the first of `keys` that the entry has.

    AlphaPose wraps the number in lists. A negative number means that the person is not tracked.

    Raises:
        InputError: the value is no whole number.

    >>> identity_of({"idx": [[3.0]]}, ("track_id", "idx"), "a.json: [0]")
    3
    """
    key = next((key for key in keys if entry.get(key) not in (None, [])), None)
    if key is None:
        return None
    value = unwrapped(entry[key])
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise InputError(f"{where}.{key} is {short(value)}; expected a whole number")
    return int(value) if value >= 0 else None


def unwrapped(value: Any) -> Any:
    """What is in lists of one item in each other."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def score_of(entry: dict[str, Any]) -> float | None:
    """The lowest of a person's own scores; None where the entry has none.

    >>> score_of({"score": 0.9, "bbox_score": 0.25})
    0.25
    """
    scores = [entry.get(key) for key in ("score", "bbox_score")]
    return min((float(score) for score in scores if isinstance(score, int | float)), default=None)
