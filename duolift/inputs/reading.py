"""Files of 2D detectors, read as frames of people on the project's joints.

A file format is how a file is laid out (`duolift.inputs.registry`), a keypoint format which joints are in it
(`duolift.inputs.keypoints`). Both are recognised by content, never by the file's name. Folders are read file by file
and long JSON item by item.

Anything unexpected raises InputError, except what detectors mean by it: a joint that is null or NaN, or of negative
confidence, is not visible; confidence above 1 is 1; whoever has no two visible joints apart from each other is left
out.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.inputs.detections import DetectedPoses, Frame
from duolift.inputs.keypoints import FORMATS, to_joints
from duolift.inputs.options import Options
from duolift.inputs.people import RawFrame
from duolift.inputs.pictures import CamerasOfPictures
from duolift.inputs.pieces import joined
from duolift.inputs.pixels import normalised
from duolift.inputs.skipping import Skipped
from duolift.inputs.sources import Source, raw_frames, where_of

LEAST_SEEN = 0.5
"""Of the joints that a format gives, at least so many have to be sure in a person whose own score is low."""

IN_PIECES = "somebody whom the detector gave in pieces, as several people, is put together"


def read(source: Source, options: Options | None = None) -> Iterator[Frame]:
    """The frames of a file, of every file of a folder in counting order (2 before 10), of standard input (`-`), or of
    pictures of one folder.

    Frames are given as they are read. Errors are raised when a frame is asked for, the call itself raises nothing.

    Raises:
        InputError: nothing is there, or a file is of no known format, or not as its format has it.

    >>> import json, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "image_keypoints.json"
    ...     person = {"pose_keypoints_2d": [320.0, 240.0, 0.9, 340.0, 260.0, 0.8] + [0.0] * 69}
    ...     _ = path.write_text(json.dumps({"people": [person]}))
    ...     (frame,) = read(path)
    >>> frame.name, frame.keypoints.shape
    ('image', (1, 25, 2))
    """
    options = options or Options()
    cameras = None if options.pictures is None else CamerasOfPictures(options.pictures)
    skipped = Skipped(options.strict)
    shares = False  # of the image's size, in place of pixels
    held: Frame | None = None  # the last one says what was skipped
    where = where_of(source)
    try:
        for raw in raw_frames(source, options, skipped):
            shares = shares or raw.normalised or _are_normalised(raw, where)  # all frames are, if any is seen to be
            frame = _on_joints(raw, options, shares, skipped, f"{where}: {raw.name}")
            if cameras is not None and (frame.image is None or frame.focal is None):
                image, focal = cameras.of(frame.name, frame.video)
                frame = replace(frame, image=frame.image or image, focal=frame.focal or focal)
            if held is not None:
                yield held
            held = _in_pixels(frame, f"{where}: {raw.name}") if shares else frame
    except InputError:
        if held is not None:
            yield held
        raise
    if held is not None:
        yield replace(held, notes=(*held.notes, *skipped.notes()))


def _on_joints(raw: RawFrame, options: Options, shares: bool, skipped: Skipped, where: str) -> Frame:
    """The frame on the project's joints, without people who are hardly seen, or have no joints at all."""
    given = [person for person in raw.people if len(person.confidence)]
    for _ in range(len(raw.people) - len(given)):
        skipped.person(where)
    image = options.image or raw.image
    unit = image if shares and image else (1.0, 1.0)
    people = joined(given, raw.keypoint_format.joints, options.threshold, unit)
    shape = (len(people), len(raw.keypoint_format))
    raw_keypoints = np.array([person.keypoints for person in people]).reshape(*shape, 2)
    raw_confidence = np.array([person.confidence for person in people]).reshape(shape)
    keypoints, confidence = to_joints(raw_keypoints, raw_confidence, raw.keypoint_format, options.threshold)
    seen = (confidence > 0)[..., None]  # (person, joint, 1)
    extent = np.where(seen, keypoints, -np.inf).max(1) - np.where(seen, keypoints, np.inf).min(1)  # (person, 2)
    scores = np.array([1.0 if person.score is None else person.score for person in people])  # (person,)
    low = scores < options.threshold
    joints = len(raw.keypoint_format.own) + len(raw.keypoint_format.derived)
    kept = (extent > 0).any(-1) & ~(low & (seen.sum((1, 2)) < LEAST_SEEN * joints))  # (person,)
    numbers = [person.identity for person, keep in zip(people, kept, strict=True) if keep]
    identities = tuple(number for number in numbers if number is not None)
    distinct = bool(numbers) and len({*identities}) == len(numbers) and options.track == "file"
    body = len(FORMATS.get(raw.keypoint_format.name, raw.keypoint_format))  # hands of OpenPose's come after it
    return Frame(
        name=raw.name,
        video=raw.video,
        keypoints=keypoints[kept],
        confidence=confidence[kept],
        image=image,
        focal=options.focal or raw.focal,
        identities=identities if distinct else None,
        rate=raw.rate,
        step=raw.step,
        faint=tuple(_sureness(*person) for person in zip(raw_confidence[~kept], scores[~kept], strict=True)),
        low_scores=tuple(scores[kept & low].tolist()),
        threshold=options.threshold,
        detected=DetectedPoses(
            raw.keypoint_format.name, raw_keypoints[kept, :body], raw_confidence[kept, :body], options.threshold
        ),
        notes=(*raw.notes, *([IN_PIECES] if len(people) < len(given) else [])),
    )


def _are_normalised(raw: RawFrame, where: str) -> bool:
    """Whether the coordinates are shares of the image's size, by all people of the image together.

    Raises InputError where they are normalised in a way that is not known.
    """
    if not raw.people:
        return False
    keypoints = np.concatenate([person.keypoints for person in raw.people])  # (joint of any person, 2)
    confidence = np.concatenate([person.confidence for person in raw.people])
    return normalised(keypoints, confidence, f"{where}: {raw.name}")


def _in_pixels(frame: Frame, where: str) -> Frame:
    """A frame whose joints are shares of the image's size. Raises InputError where that is not known."""
    if frame.image is None:
        if not len(frame.keypoints):
            return frame
        raise InputError(
            f"{where}: coordinates are normalised by the image's size; expected the size as well "
            "(--image WxH, Options(image=...), or the pictures)"
        )
    size = np.array(frame.image)
    detected = frame.detected and replace(frame.detected, keypoints=frame.detected.keypoints * size)
    return replace(frame, keypoints=frame.keypoints * size, detected=detected)


def _sureness(confidence: NDArray[np.float64], score: float) -> float:
    """Up to which threshold a person would not have been left out: half of their joints are as sure, or they are."""
    seen = confidence[confidence > 0]
    joints = float(np.median(seen)) if len(seen) else 0.0
    return max(joints, score) if score < 1 else joints
