"""How detectors lay out their files: readers of each container, which give a frame's people as the file has them.

`duolift.inputs.files` chooses the reader and brings its people to the project's joints. A reader goes through its file
in pieces, and more than once where a frame's people are scattered over it: first it counts them, then it gives each
frame as soon as it is whole, in order.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files.npz import read_arrays
from duolift.inputs.json_stream import JsonStream, member, numbers, short
from duolift.inputs.keypoints import FORMATS, HANDS, KeypointFormat, format_named, format_of

Array = NDArray[np.float64]

FARTHEST = 1e6
"""Pixels; a coordinate beyond is no place in an image."""

NEAREST = 1e-3
"""Pixels; an image, or a focal length, is not smaller."""

NUMBER = re.compile(r"[0-9]{1,9}")
"""Of a joint, as a key."""

OCCLUDED = 0.5
"""Confidence of a joint that an annotator placed though it is hidden."""

BODIES = {
    len(FORMATS[name]): FORMATS[name]
    for name in ("coco17", "crowdpose14", "mpii16", "halpe26", "halpe68", "wholebody133", "halpe136")
}
"""What a number of joints means where nothing names them: 17 are COCO's, not PoseTrack's."""

OPENPOSE_BODIES = {**BODIES, **{len(FORMATS[name]): FORMATS[name] for name in ("body25", "coco18", "mpi15")}}

OPENPOSE_EXTRAS = {f"hand_{side}_keypoints_2d": HANDS[side] for side in HANDS}
WHOLEBODY_EXTRAS = {
    "foot_kpts": FORMATS["wholebody133"].joints[17:23],
    **{f"{side}hand_kpts": HANDS[side] for side in HANDS},
}
"""Keys of joints that a file has apart from the body's -> their names."""


class Person(NamedTuple):
    """Joints as the file has them, (joint, 2) in pixels and (joint,), and the file's number of the person."""

    keypoints: Array
    confidence: Array
    identity: int | None


@dataclass(frozen=True)
class Found:
    """A frame as the file has it; `name`, `video`, `image` and `focal` as in `duolift.inputs.detections.Frame`."""

    name: str
    video: str
    people: Sequence[Person]
    layout: KeypointFormat
    image: tuple[float, float] | None = None
    focal: float | None = None


@dataclass(frozen=True)
class Source:
    """An open file and what it is read with.

    Attributes:
        file: can seek.
        where: its name, for messages.
        stem: what its one frame, or its video, is called.
        joints: the format of the joints, where it is told.
        threshold: a person whose own score is less is not seen.
    """

    file: BinaryIO
    where: str
    stem: str
    joints: KeypointFormat | None
    threshold: float

    @property
    def json(self) -> JsonStream:
        return JsonStream(self.file, self.where)


@dataclass
class Joints:
    """The joints of a file's people: as told, as the file names them, or by the first person's number of them.

    Attributes:
        where: the file's name.
        bodies: number of joints -> format.
        body: the format, once it is known.
        extras: keys of joints apart from the body's -> their names.
    """

    where: str
    bodies: dict[int, KeypointFormat]
    body: KeypointFormat | None = None
    extras: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def layout(self) -> KeypointFormat:
        """All joints: the body's, then the extras'. Where nobody was found to tell, any will do."""
        body = self.body or next(iter(self.bodies.values()))
        extras = tuple(joint for names in self._apart(body).values() for joint in names)
        return replace(body, joints=body.joints + extras) if extras else body

    def check(self, count: int, where: str) -> KeypointFormat:
        """The body's format. Raises InputError where a person's number of joints is not that of a known format."""
        if self.body is None:
            if count not in self.bodies:
                known = ", ".join(f"{n} ({self.bodies[n].name})" for n in sorted(self.bodies))
                raise InputError(f"{where} has {count} joints; expected {known}, or to be told the joints")
            self.body = self.bodies[count]
        if count != len(self.body):
            raise InputError(f"{where} has {count} joints; expected {len(self.body)} ({self.body.name})")
        return self.body

    def flat(self, entry: Any, key: str, where: str) -> tuple[Array, Array]:
        """(joint, 2) and (joint,) of a person, written x, y, confidence, x, ... under `key` and the extras' keys."""
        parts = [_triples(member(entry, key, where, list), f"{where}.{key}")]
        body = self.check(len(parts[0][0]), f"{where}.{key}")
        for extra, names in self._apart(body).items():
            values = member(entry, extra, where, list, default=[]) or [0] * (3 * len(names))
            parts.append(_triples(values, f"{where}.{extra}", len(names)))
        return np.concatenate([places for places, _ in parts]), np.concatenate([sure for _, sure in parts])

    def _apart(self, body: KeypointFormat) -> dict[str, tuple[str, ...]]:
        return {key: names for key, names in self.extras.items() if not {*names} & {*body.joints}}


# Values


def _triples(value: Any, where: str, joints: int | None = None) -> tuple[Array, Array]:
    expected = "x, y and confidence of every joint" if joints is None else f"x, y and confidence of {joints} joints"
    found = numbers(value, where, expected)
    if len(found) % 3 or joints not in (None, len(found) // 3):
        raise InputError(f"{where} has {len(found)} numbers; expected {expected}")
    return found.reshape(-1, 3)[:, :2], found.reshape(-1, 3)[:, 2]


def _person(keypoints: Array, confidence: Array, identity: int | None, where: str) -> Person:
    """Joints that can be used: what is not a number or has no confidence is not seen; confidence is at most 1.

    Raises:
        InputError: a joint of an image that is nowhere near it.
    """
    seen = np.isfinite(keypoints).all(-1) & ~np.isnan(confidence) & (confidence > 0)
    wrong = np.isinf(keypoints).any(-1) | np.isinf(confidence) | (seen & (np.abs(keypoints) > FARTHEST).any(-1))
    if wrong.any():
        joint = int(np.argmax(wrong))
        raise InputError(
            f"{where}: joint {joint} is at {keypoints[joint].tolist()} with confidence {confidence[joint]}; "
            f"expected pixels within {FARTHEST:.0f} and a finite confidence"
        )
    return Person(np.where(seen[:, None], keypoints, 0.0), np.where(seen, confidence, 0.0).clip(0.0, 1.0), identity)


def _flags(confidence: Array, occluded: float = OCCLUDED) -> Array:
    """COCO's flags as confidence: 2 seen, 1 labelled but hidden. Fractions among them, as hands have, stay."""
    return np.where(confidence == 1, occluded, confidence)


def positive(value: Any, where: str, count: int) -> tuple[float, ...]:
    """So many positive numbers. Raises InputError for anything else."""
    try:
        found = np.asarray(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        found = np.empty(0)
    if len(found) != count or not ((found >= NEAREST) & (found <= FARTHEST)).all():
        raise InputError(f"{where} is {short(value)}; expected {count} positive number{'s' * (count > 1)} of pixels")
    return tuple(found.tolist())


def _identity(entry: Any, keys: Sequence[str], where: str) -> int | None:
    """A tracker's number, which AlphaPose wraps in lists; a negative one is nobody's."""
    key = next((key for key in keys if entry.get(key) not in (None, [])), None)
    if key is None:
        return None
    value = entry[key]
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise InputError(f"{where}.{key} is {short(value)}; expected a whole number")
    return int(value) if value >= 0 else None


def _sure_enough(entry: dict[str, Any], threshold: float) -> bool:
    """Whether the person's own score, where there is one, is not below the threshold."""
    scores = [entry.get(key) for key in ("score", "bbox_score")]
    return all(score >= threshold for score in scores if isinstance(score, int | float))


# OpenPose, and AlphaPose in its clothes


def _openpose(source: Source) -> Iterator[Found]:
    """One image a file: `{"people": [{"pose_keypoints_2d": [x, y, confidence, ...], "person_id": [-1]}]}`."""
    joints = Joints(source.where, OPENPOSE_BODIES, source.joints, OPENPOSE_EXTRAS)
    for image in source.json.items(""):
        people = member(image, "people", source.where, list)
        yield _bodies(people, source.stem, "", joints, f"{source.where}: people")


def _alphapose(source: Source) -> Iterator[Found]:
    """Many images a file, or one: `{"1.jpg": {"people": [...]}}` as OpenPose has them, or `bodies` with `joints`."""
    if source.json.root() == "start_array":
        yield from _results(source)
        return
    joints = Joints(source.where, OPENPOSE_BODIES, source.joints, OPENPOSE_EXTRAS)
    video, images = "", 0
    for name, image in source.json.members(""):
        if name in {"bodies", "people"}:
            yield _bodies(image, source.stem, "", joints, f"{source.where}: {name}")
        elif isinstance(image, dict | list):
            video = source.stem if not images and _first_of_video(name) else video
            here, key = f"{source.where}: {name}", "bodies" if "bodies" in image else "people"
            yield _bodies(member(image, key, here, list), name, video, joints, f"{here}.{key}")
        else:
            continue  # the version
        images += 1
    if not images:
        raise InputError(f"{source.where}: holds no image; expected objects with people or bodies by the images' names")


def _first_of_video(name: str) -> bool:
    """AlphaPose calls a video's frames 0.jpg, 1.jpg, ..."""
    return name.partition(".")[0] == "0"


def _bodies(people: Any, name: str, video: str, joints: Joints, where: str) -> Found:
    if not isinstance(people, list):
        raise InputError(f"{where} is {short(people)}; expected a list of people")
    found = []
    for number, entry in enumerate(people):
        here = f"{where}[{number}]"
        keys = ("pose_keypoints_2d", "pose_keypoints", "joints")
        key = next((key for key in keys if isinstance(entry, dict) and key in entry), keys[0])
        places, sure = joints.flat(entry, key, here)
        found.append(_person(places, sure, _identity(entry, ("person_id", "idx"), here), here))
    return Found(name, video, found, joints.layout)


# COCO's annotations and results


@dataclass
class _Image:
    """An image whose people are being gathered; `left` are still to come."""

    name: str
    video: str
    image: tuple[float, float] | None = None
    labelled: bool = True
    left: int = 0
    people: list[Person] = field(default_factory=list)


def _gathered(
    images: dict[Any, _Image], people: Iterable[tuple[Any, Person | None]], joints: Joints, counted: Iterable[Any]
) -> Iterator[Found]:
    """Frames in the order of `images`, each as soon as it is whole; none that nobody has labelled.

    Args:
        people: which image each is of; None is nobody.
        counted: which image each of `people` is of, gone through before.
    """
    for key, count in Counter(counted).items():
        if key in images:
            images[key].left = count
    waiting = iter([key for key, image in images.items() if image.labelled or image.left])
    head = next(waiting, None)
    for key, person in people:
        images[key].left -= 1
        images[key].people += [] if person is None else [person]
        while head is not None and images[head].left == 0:
            yield _gather(images.pop(head), joints)
            head = next(waiting, None)
    while head is not None:
        yield _gather(images.pop(head), joints)
        head = next(waiting, None)


def _gather(image: _Image, joints: Joints) -> Found:
    return Found(image.name, image.video, image.people, joints.layout, image.image)


def _coco(source: Source) -> Iterator[Found]:
    """Annotations: `images`, `categories` that may name the joints, and `annotations` in any order."""
    where, stream = source.where, source.json
    categories = _categories(stream, where)
    named = next((names for names in categories.values() if names), None) if source.joints is None else None
    body = source.joints or (format_of(named, f"{where}: categories.keypoints") if named else None)
    joints = Joints(where, BODIES, body, WHOLEBODY_EXTRAS)
    people_only = [key for key, names in categories.items() if names]
    images = _images(stream, where)

    def people() -> Iterator[tuple[Any, Person | None]]:
        for number, entry in enumerate(stream.items("annotations.item")):
            here = f"{where}: annotations[{number}]"
            key = member(entry, "image_id", here, int, str)
            if key not in images:
                raise InputError(f"{here}.image_id is {short(key)}; expected the id of one of the images")
            other = bool(people_only) and entry.get("category_id") not in people_only
            if other or entry.get("iscrowd") or not _sure_enough(entry, source.threshold):
                yield key, None
                continue
            places, sure = joints.flat(entry, "keypoints", here)
            labelled = 1.0 if joints.body is FORMATS["posetrack17"] else OCCLUDED
            yield key, _person(places, _flags(sure, labelled), _identity(entry, ("track_id",), here), here)

    keys = stream.items("annotations.item.image_id")
    yield from _gathered(images, people(), joints, (key for key in keys if isinstance(key, int | str)))


def _categories(stream: JsonStream, where: str) -> dict[Any, list[str]]:
    """Id -> names of its joints, empty where it names none."""
    categories = {}
    for number, entry in enumerate(stream.items("categories.item")):
        here = f"{where}: categories[{number}]"
        names = member(entry, "keypoints", here, list, default=[])
        if not all(isinstance(name, str) for name in names):
            raise InputError(f"{here}.keypoints is {short(names)}; expected names of joints")
        categories[member(entry, "id", here, int, str, default=number)] = names
    return categories


def _images(stream: JsonStream, where: str) -> dict[Any, _Image]:
    """Id -> image; a video's one after the other in its own order."""
    listed = []
    videos: dict[str, int] = {}
    for number, entry in enumerate(stream.items("images.item")):
        here = f"{where}: images[{number}]"
        key = member(entry, "id", here, int, str)
        video = str(member(entry, "vid_id", here, int, str, default=entry.get("video_id") or ""))
        position = member(entry, "frame_id", here, int, float, default=number) if video else number
        size = [entry.get("width"), entry.get("height")]
        shape = None if size == [None, None] else positive(size, f"{here}: width, height", 2)
        order = (videos.setdefault(video, number) if video else number, position)
        image = None if shape is None else (shape[0], shape[1])
        name = str(entry.get("file_name", key))
        listed.append((order, key, _Image(name, video, image, labelled=bool(entry.get("is_labeled", True)))))
    if not listed:
        raise InputError(f"{where}: images is missing or empty; expected COCO's annotations, images beside annotations")
    images = {key: image for _, key, image in sorted(listed, key=lambda entry: entry[0])}
    if len(images) < len(listed):
        repeated = next(key for key, count in Counter(key for _, key, _ in listed).items() if count > 1)
        raise InputError(f"{where}: images have the id {short(repeated)} twice; expected it once")
    return images


def _results(source: Source) -> Iterator[Found]:
    """COCO's results, and AlphaPose's: a list of people, `{"image_id": 1, "keypoints": [...], "score": 0.9}`."""
    where, stream = source.where, source.json
    if stream.root() != "start_array":
        raise InputError(f"{where}: holds no list; expected COCO's results, a list of people with image_id")
    joints = Joints(where, BODIES, source.joints)
    keys = list(dict.fromkeys(_hashable(key, where) for key in stream.items("item.image_id")))
    tracked = any(_tracked(index) for index in stream.items("item.idx"))
    video = source.stem if tracked or (keys and _first_of_video(str(keys[0])) and isinstance(keys[0], str)) else ""
    images = {key: _Image(str(key), video) for key in keys}

    def people() -> Iterator[tuple[Any, Person | None]]:
        for number, entry in enumerate(stream.items("item")):
            here = f"{where}: [{number}]"
            key = member(entry, "image_id", here, int, str)
            places, sure = joints.flat(entry, "keypoints", here)
            identity = _identity(entry, ("track_id", "idx") if tracked else ("track_id",), here)
            good = _sure_enough(entry, source.threshold)
            yield key, _person(places, sure, identity, here) if good else None

    yield from _gathered(images, people(), joints, (key for key in stream.items("item.image_id")))


def _hashable(key: Any, where: str) -> int | str:
    if not isinstance(key, int | str):
        raise InputError(f"{where}: image_id is {short(key)}; expected a number or a text")
    return key


def _tracked(index: Any) -> bool:
    """AlphaPose's trackers number from 1; where none was used, everybody is 0."""
    while isinstance(index, list) and len(index) == 1:
        index = index[0]
    return bool(index)


# MMPose


def _mmpose(source: Source) -> Iterator[Found]:
    """A list of instances, of one image, or of `{"frame_id": 0, "instances": [...]}`; with `meta_info`, an object."""
    where, stream = source.where, source.json
    whole = stream.root() == "start_map"
    joints = Joints(where, BODIES, source.joints or (_named_by_meta(stream, where) if whole else None))
    prefix, path = ("instance_info.item", "instance_info") if whole else ("item", "")
    alone: list[Person] = []
    frames = 0
    for number, entry in enumerate(stream.items(prefix)):
        here = f"{where}: {path}[{number}]"
        if isinstance(entry, dict) and "instances" in entry:
            instances = member(entry, "instances", here, list)
            name = str(member(entry, "frame_id", here, int, str, default=number))
            people = [_instance(one, joints, f"{here}.instances[{i}]", source) for i, one in enumerate(instances)]
            frames += 1
            yield Found(name, source.stem, [person for person in people if person], joints.layout)
        elif (person := _instance(entry, joints, here, source)) is not None:
            alone.append(person)
    if alone and frames:
        raise InputError(f"{where}: holds frames and {len(alone)} people of no frame; expected one or the other")
    listed = ("instance_info", "start_array")
    if whole and not frames and not any(event[:2] == listed for event in stream.events()):
        raise InputError(f"{where}: has no instance_info; expected MMPose's predictions")
    if not frames:
        yield Found(source.stem, "", alone, joints.layout)


def _named_by_meta(stream: JsonStream, where: str) -> KeypointFormat | None:
    for names in stream.items("meta_info.keypoint_id2name"):
        here = f"{where}: meta_info.keypoint_id2name"
        if not isinstance(names, dict) or not all(NUMBER.fullmatch(key) for key in names):
            raise InputError(f"{here} is {short(names)}; expected names by number")
        if names:
            return format_of([member(names, key, here, str) for key in sorted(names, key=int)], here)
    return None


def _instance(entry: Any, joints: Joints, where: str, source: Source) -> Person | None:
    points = member(entry, "keypoints", where, list)
    joints.check(len(points), f"{where}.keypoints")
    flat = [number for point in points for number in (point if isinstance(point, list) else [point])]
    places = numbers(flat, f"{where}.keypoints", "[x, y] of every joint")
    if any(not isinstance(point, list) or len(point) != 2 for point in points):
        wrong = next(point for point in points if not isinstance(point, list) or len(point) != 2)
        raise InputError(f"{where}.keypoints holds {short(wrong)}; expected [x, y] of every joint")
    scores = member(entry, "keypoint_scores", where, list)
    sure = numbers(scores, f"{where}.keypoint_scores", "a confidence of every joint")
    if len(sure) != len(points):
        raise InputError(f"{where}.keypoint_scores has {len(sure)} numbers; expected {len(points)}, one a joint")
    person = _person(places.reshape(-1, 2), sure, _identity(entry, ("track_id", "instance_id"), where), where)
    return person if _sure_enough(entry, source.threshold) else None


# npz


def _npz(source: Source) -> Iterator[Found]:
    """`keypoints` (frame, person, joint, 2|3), the third being confidence, and what else `docs/formats.md` lists."""
    where = source.where
    source.file.seek(0)
    arrays = read_arrays(source.file, where)
    keypoints = _array(arrays, "keypoints", where)
    if keypoints.ndim != 4 or keypoints.shape[-1] not in (2, 3):
        raise InputError(f"{where}: keypoints has shape {keypoints.shape}; expected (frame, person, joint, 2 or 3)")
    frames, count, number = keypoints.shape[:3]
    sure = keypoints[..., 2] if keypoints.shape[-1] == 3 else np.ones(keypoints.shape[:3])
    if "confidence" in arrays:
        sure = _array(arrays, "confidence", where, keypoints.shape[:3])
    joints = Joints(where, BODIES, source.joints or _named_by_arrays(arrays, where))
    layout = joints.check(number, f"{where}: keypoints")
    identities = _array(arrays, "ids", where) if "ids" in arrays else None
    if identities is not None:
        if identities.shape not in ((count,), (frames, count)) or not (identities == identities // 1).all():
            shapes = f"({count},) or ({frames}, {count})"
            raise InputError(f"{where}: ids has shape {identities.shape}; expected whole numbers, {shapes}")
        identities = np.broadcast_to(identities, (frames, count))
    names = [str(name) for name in np.atleast_1d(arrays.get("names", np.arange(frames)))]
    if len(names) != frames:
        raise InputError(f"{where}: names has {len(names)} entries; expected {frames}, one a frame")
    image = positive(arrays["image"], f"{where}: image", 2) if "image" in arrays else None
    focal = positive(arrays["focal"], f"{where}: focal", 1)[0] if "focal" in arrays else None
    for frame in range(frames):
        people = [
            _person(
                keypoints[frame, person, :, :2],
                sure[frame, person],
                None if identities is None or identities[frame, person] < 0 else int(identities[frame, person]),
                f"{where}: keypoints[{frame}, {person}]",
            )
            for person in range(count)
        ]
        video = source.stem if frames > 1 else ""
        yield Found(names[frame], video, people, layout, None if image is None else (image[0], image[1]), focal)


def _named_by_arrays(arrays: dict[str, Any], where: str) -> KeypointFormat | None:
    if "joints" not in arrays:
        return None
    names = [str(name) for name in np.atleast_1d(arrays["joints"])]
    return format_named(names[0]) if len(names) == 1 else format_of(names, f"{where}: joints")


def _array(arrays: dict[str, Any], key: str, where: str, shape: tuple[int, ...] | None = None) -> Array:
    if key not in arrays:
        raise InputError(f"{where}: no {key}, only {', '.join(arrays) or 'nothing'}")
    try:
        array = arrays[key].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {key} holds {arrays[key].dtype}; expected numbers") from error
    if shape is not None and array.shape != shape:
        raise InputError(f"{where}: {key} has shape {array.shape}; expected {shape}")
    return array


CONTAINERS: dict[str, Callable[[Source], Iterator[Found]]] = {
    "openpose": _openpose,
    "coco": _coco,
    "results": _results,
    "alphapose": _alphapose,
    "mmpose": _mmpose,
    "npz": _npz,
}
"""The reader of every container."""
