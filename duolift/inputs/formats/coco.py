"""COCO's annotations, and those of data sets that use its layout: OCHuman, CrowdPose, PoseTrack, COCO-WholeBody, Halpe.

`{"images": [...], "categories": [...], "annotations": [...]}`, annotations in any order. Categories may name the
joints. COCO-WholeBody has feet and hands under keys of their own. See https://cocodataset.org/#format-data.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from duolift.camera import BELIEVED, LARGEST_QUANTITY, SMALLEST_QUANTITY
from duolift.errors import InputError
from duolift.files.json_stream import JsonStream
from duolift.inputs.formats.kinetics import is_clip
from duolift.inputs.json_values import member
from duolift.inputs.keypoints import FORMATS, format_of
from duolift.inputs.people import (
    BY_COUNT,
    WHOLEBODY_EXTRAS,
    Array,
    DetectionFile,
    JointReader,
    RawFrame,
    RawPerson,
    identity_of,
    raw_person,
    score_of,
)
from duolift.inputs.pixels import image_size, positive_pixels, short
from duolift.inputs.registry import file_format
from duolift.inputs.scattered import PendingImage, frames_in_order

FOCAL, RATE = "focal_pixels", "frames_per_second"
"""Keys of an image that COCO does not have, and `duolift lift --keypoints` writes: what is known of the camera."""

HIDDEN = 0.5
"""Confidence of a joint that an annotator placed though it is hidden (COCO's flag 1). Not tuned: above the threshold of
0.3, so that such joints are used."""


@file_format(
    "coco",
    "COCO's annotations",
    recognises=lambda peek: peek.has("object", "annotations", "images", "categories") and not is_clip(peek),
)
def read_coco(file: DetectionFile) -> Iterator[RawFrame]:
    """The images of a file: videos in the order of their first image, and each video's images in its own order."""
    where, stream = file.where, file.json
    categories = _categories(stream, where)
    body, given = file.keypoint_format, file.keypoint_format is not None
    if body is None and (named := next((names for names in categories.values() if names), None)):
        body = format_of(named, f"{where}: categories.keypoints")
    joints = JointReader(where, BY_COUNT, body, WHOLEBODY_EXTRAS, partly_named=not given)
    of_people = [key for key, names in categories.items() if names]
    images = _images(stream, where)

    def people() -> Iterator[tuple[Any, RawPerson | None]]:
        for number, entry in enumerate(stream.items("annotations.item")):
            here = f"{where}: annotations[{number}]"
            key = member(entry, "image_id", here, int, str)
            if key not in images:
                raise InputError(f"{here}.image_id is {short(key)}; expected the id of one of the images")
            other = bool(of_people) and entry.get("category_id") not in of_people
            if other or entry.get("iscrowd"):
                yield key, None
                continue
            keypoints, flags = joints.flat(entry, "keypoints", here)
            # PoseTrack only has the flags 0 and 1.
            confidence = flags if joints.body is FORMATS["posetrack17"] else _confidence_of(flags)
            identity = identity_of(entry, ("track_id",), here)
            yield key, raw_person(keypoints, confidence, identity, here, score_of(entry))

    keys = (key for key in stream.items("annotations.item.image_id") if isinstance(key, int | str))
    yield from frames_in_order(images, people(), joints, keys)


def _confidence_of(flags: Array) -> Array:
    """COCO's flags as confidence, 2 visible, 1 labelled but hidden; a detector's fractions among them stay."""
    return np.where(flags == 1, HIDDEN, flags)


def _categories(stream: JsonStream, where: str) -> dict[Any, list[str]]:
    """Category id -> names of its joints, empty where it names none."""
    categories = {}
    for number, entry in enumerate(stream.items("categories.item")):
        here = f"{where}: categories[{number}]"
        names = member(entry, "keypoints", here, list, default=[])
        if not all(isinstance(name, str) for name in names):
            raise InputError(f"{here}.keypoints is {short(names)}; expected names of joints")
        categories[member(entry, "id", here, int, str, default=number)] = names
    return categories


def _images(stream: JsonStream, where: str) -> dict[Any, PendingImage]:
    """Image id -> image, those of a video one after the other in its own order."""
    listed = []
    first_of: dict[str, int] = {}  # video -> position of its first image in the file
    for number, entry in enumerate(stream.items("images.item")):
        here = f"{where}: images[{number}]"
        key = member(entry, "id", here, int, str)
        video = str(member(entry, "vid_id", here, int, str, default=entry.get("video_id") or ""))
        position = member(entry, "frame_id", here, int, float, default=number) if video else number
        order = (first_of.setdefault(video, number) if video else number, position)
        name, labelled = str(entry.get("file_name", key)), bool(entry.get("is_labeled", True))
        place = entry["frame_id"] if video and isinstance(entry.get("frame_id"), int) else None
        image = PendingImage(name, video, _size(entry, here), labelled, place, *_camera(entry, here))
        listed.append((order, key, image))
    if not listed:
        raise InputError(f"{where}: images is missing or empty; expected COCO's annotations, images beside annotations")
    images = {key: image for _, key, image in sorted(listed, key=lambda entry: entry[0])}
    if len(images) < len(listed):
        repeated = next(key for key, count in Counter(key for _, key, _ in listed).items() if count > 1)
        raise InputError(f"{where}: images have the id {short(repeated)} twice; expected it once")
    return images


def _camera(entry: dict[str, Any], where: str) -> tuple[float | None, float | None]:
    """An image's focal length and its video's rate, as far as it has them."""
    focal, rate = entry.get(FOCAL), member(entry, RATE, where, int, float, default=0)
    if entry.get(RATE) is not None and not SMALLEST_QUANTITY <= rate <= LARGEST_QUANTITY:
        raise InputError(f"{where}.{RATE} is {short(rate)}; expected frames a second from {BELIEVED}")
    length = None if focal is None else positive_pixels(focal, f"{where}.{FOCAL}", 1)[0]
    return length, float(rate) or None


def _size(entry: dict[str, Any], where: str) -> tuple[float, float] | None:
    """An image's width and height, if it has them."""
    size = [entry.get("width"), entry.get("height")]
    return None if size == [None, None] else image_size(size, f"{where}: width, height")
