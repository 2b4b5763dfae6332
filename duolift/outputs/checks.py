"""What a reconstruction read from a file must be: nothing of it is taken on trust."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.errors import InputError
from duolift.scene import Scene

VERSION = 1
"""Of the scene's format, as JSON and as arrays; a reader refuses any other."""

LARGEST = 1e6
"""Metres, pixels or frames a second that are believed."""

UNIT = 1e-3
"""A unit vector's length is 1 by this much."""

FOCAL_SOURCES = ("known", "people", "default")


def expect(holds: bool, source: str, key: str, found: Any, expected: str) -> None:
    """Raise InputError that names the file and the key unless something holds."""
    if not holds:
        text = repr(found)
        raise InputError(f"{source}: {key} is {text if len(text) <= 60 else text[:57] + '...'}; expected {expected}")


def listed(value: Any, source: str, key: str) -> list[Any]:
    """The value, which must be a list."""
    expect(isinstance(value, list), source, key, value, "a list")
    return value


def build(
    fields: Mapping[str, Any],
    source: str,
    to_camera: Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], NDArray[Any]] | None = None,
) -> Scene:
    """A reconstruction of what a file holds, checked.

    Args:
        fields: as `Scene` has them, arrays as arrays; `joints` and `skeleton` (its name) for the skeleton.
        source: what the file is called.
        to_camera: brings people to the camera's coordinates by `up` and `height`; None where they are in them.

    Raises:
        InputError: naming the file, the key, what was found and what was expected.
    """

    def check(holds: bool, key: str, expected: str) -> None:
        expect(holds, source, key, fields[key], expected)

    def array(key: str, shape: tuple[int, ...], kinds: str = "iuf") -> NDArray[Any]:
        value = np.asarray(fields[key])
        found = f"an array {value.shape} of {value.dtype}"
        if value.shape != shape or (value.size and value.dtype.kind not in kinds):
            raise InputError(f"{source}: {key} is {found}; expected {shape} of {_KINDS[kinds]}")
        return value.astype(np.bool_ if kinds == "b" else np.float64)

    def check_all(holds: NDArray[np.bool_], key: str, value: NDArray[Any], expected: str) -> None:
        if not holds.all():
            place = tuple(np.argwhere(~holds)[0].tolist())
            expect(False, source, f"{key}{list(place)}", value[place].tolist(), expected)

    keys = {*Scene.__dataclass_fields__, "joints"}
    missing = sorted(keys - set(fields))
    if missing:
        raise InputError(f"{source}: {missing[0]} is missing; expected the keys {', '.join(sorted(keys))}")

    joints, names, identities = (listed(fields[key], source, key) for key in ("joints", "names", "identities"))
    check(is_text(fields["skeleton"]), "skeleton", "the skeleton's name")
    check(all(isinstance(j, str) for j in joints), "joints", "the joints' names")
    try:
        skeleton = Skeleton.person(fields["skeleton"], joints)
    except ValueError as error:
        raise InputError(f"{source}: joints: {error}") from error
    check(all(is_text(name) for name in names), "names", "the images' names")
    check(all(type(i) is int for i in identities), "identities", "whole numbers")
    check(len(set(identities)) == len(identities), "identities", "a number of their own for everybody")

    persons = (len(names), len(identities))
    points = (*persons, len(skeleton))
    up, height = array("up", (len(names), 3)), array("height", (len(names),))
    check_all(np.abs(np.linalg.norm(up, axis=-1) - 1) < UNIT, "up", up, "a vector of length 1")
    check_all(np.abs(height) <= LARGEST, "height", height, "metres")
    placements = {}
    for key in ("people", "by_paper"):
        people = array(key, (*points, 3))
        all_there, none_there = (np.abs(people) <= LARGEST).all((-1, -2)), np.isnan(people).all((-1, -2))
        check_all(all_there | none_there, key, people, "metres for all joints of a person, or for none")
        placements[key] = (to_camera(people, up, height) if to_camera else people).astype(np.float32)
    confidence, keypoints = array("confidence", persons), array("keypoints", (*points, 2))
    check_all((confidence >= 0) & (confidence <= 1), "confidence", confidence, "0 to 1")
    there = (np.abs(keypoints) <= LARGEST).all(-1) | np.isnan(keypoints).all(-1)
    check_all(there, "keypoints", keypoints, "two numbers of pixels, or none")
    seen = array("seen", points, "b")

    image = listed(fields["image"], source, "image")
    check(len(image) == 2 and all(_positive(side) for side in image), "image", "a width and a height in pixels")
    check(_positive(fields["focal"]), "focal", "a length in pixels")
    check(fields["focal_source"] in FOCAL_SOURCES, "focal_source", f"one of {', '.join(FOCAL_SOURCES)}")
    check(fields["rate"] is None or _positive(fields["rate"]), "rate", "frames a second, or nothing")
    notes = listed(fields["notes"], source, "notes")
    check(all(is_text(note) for note in notes), "notes", "sentences")
    return Scene(
        skeleton=skeleton,
        names=tuple(names),
        identities=tuple(identities),
        people=placements["people"],
        by_paper=placements["by_paper"],
        seen=seen,
        confidence=confidence.astype(np.float32),
        up=up.astype(np.float32),
        height=height.astype(np.float32),
        keypoints=keypoints.astype(np.float32),
        image=(float(image[0]), float(image[1])),
        focal=float(fields["focal"]),
        focal_source=fields["focal_source"],
        rate=None if fields["rate"] is None else float(fields["rate"]),
        notes=tuple(notes),
    )


def is_text(value: Any) -> bool:
    """Whether it is text that can be written: JSON can hold halves of characters."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


_KINDS = {"iuf": "numbers", "b": "true and false"}


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LARGEST
