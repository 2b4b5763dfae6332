"""A calibrated camera: its lens, and where it stands in the world, once for a static camera or frame by frame.

World coordinates are those of the file, in its own unit. Nothing here imports PyTorch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Self

import numpy as np
from numpy.typing import NDArray

from duolift.calibration.lens import Lens
from duolift.calibration.values import LARGEST_COORDINATE
from duolift.errors import InputError

Array = NDArray[np.float64]

AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}

LONGEST_GAP = 30
"""Frames without a camera, between two that have one, in which it is taken to have moved evenly."""

SAME_SIZE = 0.01
"""By how much, of itself, an image's side may differ from that of the calibration."""


@dataclass(frozen=True)
class World:
    """What is known of a file's world.

    Attributes:
        up: against gravity, of length 1; None if it is not known.
        ground: how far up the ground is, in the file's unit; None if it is not known.
        unit: metres of a unit; None if it is not known.

    Raises:
        InputError: a vector without length, or numbers that no world has.

    >>> World(up=(0.0, 0.0, 2.0)).up
    (0.0, 0.0, 1.0)
    """

    up: tuple[float, float, float] | None = None
    ground: float | None = None
    unit: float | None = None

    def __post_init__(self) -> None:
        if self.up is not None:
            length = float(np.linalg.norm(self.up))
            if len(self.up) != 3 or not 1e-6 < length < LARGEST_COORDINATE:
                raise InputError(f"up is {self.up}; expected a direction in the camera file's world, such as (0, 0, 1)")
            object.__setattr__(self, "up", tuple(float(number) / length for number in self.up))
        if self.ground is not None and not abs(self.ground) <= LARGEST_COORDINATE:
            raise InputError(f"ground is {self.ground}; expected a height in the camera file's unit")
        if self.ground is not None and self.up is None:
            raise InputError(f"ground is {self.ground}, and up is not known; expected both")
        if self.unit is not None and not 1e-6 <= self.unit <= 1e6:
            raise InputError(f"unit is {self.unit}; expected metres of a unit, such as 0.01 for centimetres")

    @classmethod
    def parsed(cls, text: str) -> Self:
        """What `up=z,ground=0,unit=1` says; up is an axis, such as `z` or `-y`, and unit a number or mm, cm or m.

        Raises:
            InputError: anything else.

        >>> World.parsed("up=-y,unit=cm")
        World(up=(0.0, -1.0, 0.0), ground=None, unit=0.01)
        """
        expected = "such as up=z,ground=0,unit=m: an axis, a height in the file's unit, and metres, cm or mm"
        found: dict[str, str] = {}
        for part in filter(None, re.split(r"[,\s]+", text)):
            key, _, value = part.partition("=")
            if key not in ("up", "ground", "unit") or not value or key in found:
                raise InputError(f"world is {text!r}; expected {expected}")
            found[key] = value
        units = {"mm": 0.001, "cm": 0.01, "m": 1.0}
        try:
            up = axis(found["up"]) if "up" in found else None
            ground = float(found["ground"]) if "ground" in found else None
            unit = units.get(found["unit"]) or float(found["unit"]) if "unit" in found else None
        except ValueError as error:
            raise InputError(f"world is {text!r}; expected {expected}") from error
        return cls(up, ground, unit)

    def completed(self, other: "World") -> "World":
        """This, and what another knows beside it.

        >>> World(unit=0.01).completed(World(up=(0.0, 0.0, 1.0), unit=1.0))
        World(up=(0.0, 0.0, 1.0), ground=None, unit=0.01)
        """
        up = other.up if self.up is None else self.up
        # a height along another up says nothing
        ground = other.ground if self.ground is None and up == other.up else self.ground
        return World(up, ground, other.unit if self.unit is None else self.unit)


def axis(name: str) -> tuple[float, float, float]:
    """The direction of `z`, `-y` and so on. Raises ValueError for another name.

    >>> axis("-y")
    (0.0, -1.0, 0.0)
    """
    sign, letter = (-1.0, name[1:]) if name.startswith("-") else (1.0, name.removeprefix("+"))
    if letter not in AXES:
        raise ValueError(f"axis is {name!r}; expected x, y, z, -x, -y or -z")
    x, y, z = AXES[letter]
    return sign * x + 0.0, sign * y + 0.0, sign * z + 0.0  # no -0


@dataclass(frozen=True, eq=False)
class Calibration:
    """A camera as a file has it.

    Attributes:
        source: what messages call the file.
        lenses: one for all frames, or one a frame.
        rotation: (1, 3, 3) of a static camera, (frame, 3, 3) of a moving one, from the world to the camera; None where
            only the lens is known.
        position: (1, 3) or (frame, 3), of the camera in the world; None as above.
        names: (frame,), of a moving camera's images; None for a static one, and where frames are in order.
        image: width and height in pixels; None if they are not known.
        world: what is known of it.

    >>> still = Calibration("a.json", (Lens((900.0, 900.0), (640.0, 360.0)),), np.eye(3)[None], np.zeros((1, 3)))
    >>> still.moving, still.of(("1.jpg", "2.jpg")).rotation.shape
    (False, (2, 3, 3))
    """

    source: str
    lenses: tuple[Lens, ...]
    rotation: Array | None = None
    position: Array | None = None
    names: tuple[str, ...] | None = None
    image: tuple[float, float] | None = None
    world: World = World()

    @property
    def moving(self) -> bool:
        """Whether the camera has a place of its own in every frame."""
        return self.names is not None or (self.rotation is not None and len(self.rotation) > 1)

    def known(self, world: World) -> Self:
        """The same with what somebody knows of the world."""
        return replace(self, world=world.completed(self.world))

    def of(self, names: Sequence[str]) -> "Solved":
        """The camera of every image.

        Args:
            names: of the images, as the detector's file has them.

        Raises:
            InputError: there is no camera for some of them, but for short gaps.
        """
        count = len(names)
        if not self.moving:
            lenses = self.lenses * count if count else self.lenses
            if self.rotation is None or self.position is None:
                return Solved(lenses, None, None)
            still = np.broadcast_to(self.rotation, (count, 3, 3)), np.broadcast_to(self.position, (count, 3))
            return Solved(lenses, np.array(still[0]), np.array(still[1]))
        place, notes = self._places(names)
        assert self.rotation is not None and self.position is not None
        filled = [*place]
        missing = place < 0
        if missing.any():
            self._check_gaps(names, missing)
            known = np.flatnonzero(~missing)
            nearest = known[np.abs(known[:, None] - np.arange(count)).argmin(0)]
            filled = [*place[nearest]]
            notes = (*notes, f"the camera of {missing.sum()} of {count} frames is taken from the frames around them")
        rotation, position = (each[filled] for each in (self.rotation, self.position))
        if missing.any():
            rotation, position = moved_evenly(rotation, position, ~missing)
        lenses = self.lenses * count if len(self.lenses) == 1 else tuple(self.lenses[frame] for frame in filled)
        return Solved(lenses, rotation, position, notes)

    def _places(self, names: Sequence[str]) -> tuple[NDArray[np.intp], tuple[str, ...]]:
        """Which of the file's cameras is that of each image, -1 where there is none; and what was assumed."""
        assert self.rotation is not None
        if self.names is None:
            if len(self.rotation) != len(names):
                raise InputError(
                    f"{self.source}: has cameras of {len(self.rotation)} frames without names, and the images are "
                    f"{len(names)}; expected as many, or names"
                )
            return np.arange(len(names)), ()
        tried = [_found(*([key(name) for name in some] for some in (self.names, names))) for key in (str, _bare, _stem)]
        theirs, ours = numbered(self.names), numbered(names)
        if theirs is not None and ours is not None:
            tried.append(_found(theirs, ours))
        best = max(tried, key=lambda places: int((places >= 0).sum()))
        steps = {b - a for a, b in zip(ours or [], theirs or [], strict=False)}
        if (best < 0).any() and len(steps) == 1 and len(names) == len(self.names):  # they count from elsewhere
            note = f"cameras are taken in their order: {self.names[0]} is that of {names[0]}"
            return np.arange(len(names)), (note,)
        return best, ()

    def _check_gaps(self, names: Sequence[str], missing: NDArray[np.bool_]) -> None:
        """Raise InputError unless all frames without a camera are in short gaps."""
        known = np.flatnonzero(~missing)
        inside = bool(len(known)) and not (missing[0] or missing[-1])
        if inside and np.diff(known).max(initial=1) - 1 <= LONGEST_GAP:
            return
        first = names[int(np.flatnonzero(missing)[0])]
        have = ", ".join((self.names or ())[:2])
        raise InputError(
            f"{self.source}: has no camera for {missing.sum()} of {len(names)} images, the first {first}; expected one "
            f"for each, by name or number (it has {have} ...), but for gaps of up to {LONGEST_GAP} frames"
        )

    def check_image(self, image: tuple[float, float] | None) -> None:
        """Raise InputError where the images are of another size than those that the camera was calibrated with."""
        if image is None or self.image is None:
            return
        if any(abs(ours - theirs) > SAME_SIZE * theirs for ours, theirs in zip(image, self.image, strict=True)):
            ours, theirs = (f"{width:.0f} x {height:.0f}" for width, height in (image, self.image))
            raise InputError(f"{self.source}: is of images of {theirs} pixels; expected {ours}, as the images are")


@dataclass(frozen=True, eq=False)
class Solved:
    """The cameras of the frames of a video.

    Attributes:
        lenses: (frame,).
        rotation: (frame, 3, 3), from the world to the camera; None where only lenses are known.
        position: (frame, 3), in the file's unit; None as above.
        notes: what was assumed, in words.

    >>> Solved((Lens((900.0, 900.0), (640.0, 360.0)),), None, None).notes
    ()
    """

    lenses: tuple[Lens, ...]
    rotation: Array | None
    position: Array | None
    notes: tuple[str, ...] = ()


def moved_evenly(rotation: Array, position: Array, known: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Cameras (frame, 3, 3) and (frame, 3) that move evenly between the frames in which they are known.

    >>> rotation, position = moved_evenly(np.stack([np.eye(3)] * 3), np.arange(9.0).reshape(3, 3) ** 2, known=[1, 0, 1])
    >>> position[1]
    array([18., 25., 34.])
    """
    from scipy.spatial.transform import Rotation, Slerp  # 0.1 s, which those who need it wait for

    known = np.asarray(known, dtype=bool)
    frames, told = np.arange(len(known)), np.flatnonzero(known)
    turned = Slerp(told, Rotation.from_matrix(rotation[known]))(frames).as_matrix()
    moved = np.stack([np.interp(frames, told, position[known, axis]) for axis in range(3)], axis=-1)
    return np.where(known[:, None, None], rotation, turned), np.where(known[:, None], position, moved)


def numbered(names: Sequence[str]) -> list[int] | None:
    """The last number in each name, where all have one and no two the same; else None.

    >>> numbered(["frame_0003.png", "frame_0004.png"]), numbered(["a", "b"])
    ([3, 4], None)
    """
    found = [re.findall(r"\d{1,15}", _stem(name)) for name in names]
    numbers = [int(digits[-1]) for digits in found if digits]
    return numbers if len({*numbers}) == len(names) else None


def _found(theirs: Sequence[str | int], ours: Sequence[str | int]) -> NDArray[np.intp]:
    """Where each of ours is among theirs, -1 where it is not; nowhere, where two of theirs are the same."""
    places = {name: place for place, name in enumerate(theirs)}
    if len(places) < len(theirs):
        return np.full(len(ours), -1, dtype=np.intp)
    return np.array([places.get(name, -1) for name in ours], dtype=np.intp)


def _bare(name: str) -> str:
    """Without folders."""
    return PurePosixPath(name.replace("\\", "/")).name


def _stem(name: str) -> str:
    """Without folders and suffix."""
    return PurePosixPath(_bare(name)).stem
