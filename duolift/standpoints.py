"""From calibrated cameras and lifted people to the world that the scene is in.

The scene's world has y up, metres, and the ground at 0. Its axes are those of the file's world, turned so that the axis
that is nearest to up becomes y, and then by the smallest turn that brings up to y; its origin is straight above or
below the file's.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duolift.body.anthropometry import sole
from duolift.calibration.calibration import Calibration, Solved
from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import facing, rotate
from duolift.placement.interface import Placed
from duolift.placement.stature import STATURE, log_stature, metres_per_unit, scale_deviation
from duolift.placement.up import direction
from duolift.placement.upright import DEGREE, ELEVATION_DEG
from duolift.placement.world import Estimate, Seen, ground_by_people, unit_by_people, up_by_people
from duolift.scene import Reference, world_axes

Array = NDArray[np.float64]

ROLL_DEG = 5.0
"""Deviation of how far people lean sideways, where the lifter does not say how surely they do."""

LOOSE = 0.3
"""Deviation of a unit's logarithm beyond which it is hardly told."""

FEET = 0.025
"""Metres by which lowest joints are higher or lower above a known ground than they are taken to be, means over a video:
shoes, the lifter's own ankles, and how well a ground was calibrated. With lifted bodies in their true places 0.025 on
s04, 0.024 on s03, 0.045 on s02 where people are carried and lie; on Shelf, by where people come out, 0.019."""


@dataclass(frozen=True)
class Standpoints:
    """Where the cameras of a video's frames are, beside the lifted people.

    Attributes:
        solved: as the file has them.
        up: (3,), in the file's world.
        tilt_deviation: of up, radians; 0 where it is known.
        unit: head lengths of a unit of the file.
        height: (frame,), above the plane that lowest joints are on, head lengths.
        ground: how far up from the file's origin the ground is, head lengths.
        metres: of a head length; None where people's stature is to say it, once they are placed.
        notes: what was assumed or estimated, in words.

    >>> two = Solved((), np.stack([np.eye(3)] * 2), np.zeros((2, 3)))
    >>> Standpoints(two, np.array([0.0, -1.0, 0.0]), 0.0, 1.3, np.full(2, 2.0), -2.0, 0.75).up_in_camera.shape
    (2, 3)
    """

    solved: Solved
    up: Array
    tilt_deviation: float
    unit: float
    height: Array
    ground: float
    metres: float | None
    notes: tuple[str, ...] = ()

    @property
    def up_in_camera(self) -> Array:
        """Where up is in every frame's camera, (frame, 3)."""
        assert self.solved.rotation is not None
        return self.solved.rotation @ self.up

    def in_metres(self, placed: Placed, lifted: Lifted, stature: Tensor) -> tuple[Placed, float]:
        """People and cameras in metres, and metres of a head length."""
        metres = self.metres
        if metres is None:
            metres = float(metres_per_unit(placed.people, lifted.valid, lifted.skeleton, True, stature)[0])
        scaled = {name: getattr(placed, name) * metres for name in ("people", "height", "depth")}
        return Placed(**{**vars(placed), **scaled}), metres

    def reference(self, source: str, metres: float) -> Reference:
        """How the file's world becomes the scene's."""
        turn = to_y(self.up)
        return Reference(Path(source).name, metres * self.unit, turn, np.array([0.0, -metres * self.ground, 0.0]))


def standpoints(
    calibration: Calibration, solved: Solved, lifted: Lifted, stature: Tensor, interval: float, video: bool
) -> Standpoints | None:
    """Where the cameras are; None where the file does not say where, nor how far apart.

    Args:
        calibration: as the file has it.
        solved: the cameras of all frames.
        lifted: the people.
        stature: (person,), metres, NaN where it is not known.
        interval: seconds from a frame to the next.
        video: whether the frames are those of a video.
    """
    world = calibration.world
    if solved.rotation is None or solved.position is None or not lifted.valid.any():
        return None
    if world.unit is None and not (video and calibration.moving):
        return None
    measured = ~stature.isnan()  # (person,)
    known = lifted.valid & measured if bool((lifted.valid & measured).any()) else lifted.valid
    seen, notes = seen_by(replace(lifted, valid=known), solved, interval), []
    up = Estimate(np.array(world.up), 0.0) if world.up is not None else up_by_people(seen)
    tall = float(stature[measured].mean()) if bool(measured.any()) else STATURE
    metres = tall / float(log_stature(lifted.bodies, lifted.skeleton)[known].exp().median())
    if world.unit is not None:
        unit = Estimate(np.array(world.unit / metres), 0.0)
    else:
        unit = unit_by_people(seen)
        if np.isinf(unit.deviation):
            unit = Estimate(np.array(0.0), np.inf)
    by_people = ground_by_people(seen, float(unit.value), up.value)
    if world.up is not None and world.ground is not None and world.unit is not None:
        ground = world.ground * float(unit.value)
        lowest = ground + sole(lifted.skeleton) * tall / metres
        # how tall people are says as well how far below the camera their feet are
        counts = known.any(0).sum(), (known & measured).any(0).sum()
        spread = float(scale_deviation(*counts))
        far = float(np.median(unit.value * (solved.position @ up.value)) - by_people.value)
        precise = (metres / FEET) ** 2, 1 / (by_people.deviation**2 + (spread * far) ** 2)
        above = float(np.average([lowest, float(by_people.value)], weights=precise))
    else:
        ground = above = float(by_people.value)
    height = float(unit.value) * (solved.position @ up.value) - above
    lacking = [
        name for name, known in (("up", world.up), ("ground", world.ground), ("unit", world.unit)) if known is None
    ]
    if lacking:
        notes.append(_told(lacking, up, unit, calibration.source))
    return Standpoints(
        solved,
        up.value,
        up.deviation,
        float(unit.value),
        height,
        ground,
        None if world.unit is None else metres,
        tuple(notes),
    )


def _told(lacking: list[str], up: Estimate, unit: Estimate, source: str) -> str:
    """What is estimated of a world, in words."""
    names = {"up": "where up is", "ground": "where the ground is", "unit": "how large a unit is"}
    text = f"{source} does not say {' and '.join(names[name] for name in lacking)}: estimated from the people"
    if "unit" in lacking and np.isinf(unit.deviation):
        return f"{text}, who do not tell how far the camera moves: it is taken to turn where it stands"
    if "unit" in lacking and unit.deviation > LOOSE:
        return f"{text}, who hardly tell how far the camera moves (to {100 * unit.deviation:.0f} %)"
    return text


def seen_by(lifted: Lifted, solved: Solved, interval: float) -> Seen:
    """The people before a calibrated camera."""
    assert solved.rotation is not None and solved.position is not None
    lifted = lifted.to("cpu").without_invalid()
    turn = facing(lifted.root_rays).mT  # (frame, person, 3, 3)
    roots = lifted.distance.unsqueeze(-1) * turn[..., :, 2]  # (frame, person, 3)
    people = rotate(turn, lifted.bodies) + roots.unsqueeze(-2)
    if lifted.up is not None:
        told, unsure = lifted.up[..., 0], lifted.up[..., 1].square().mean(-1).sqrt()
    else:
        told = torch.stack([lifted.elevation, torch.zeros_like(lifted.elevation)], dim=-1)
        unsure = torch.full_like(lifted.elevation, ((ELEVATION_DEG**2 + ROLL_DEG**2) / 2) ** 0.5 * DEGREE)
    upright = (turn @ direction(*told.unbind(-1)).unsqueeze(-1)).squeeze(-1)
    absent = ~lifted.valid.numpy()
    back = solved.rotation[:, None]  # (frame, 1, 3, 3): a row times it is turned into the world

    def in_world(points: Tensor) -> Array:
        values = points.double().numpy()
        flat = values.reshape(*values.shape[:2], -1, 3) @ back
        flat[absent] = np.nan
        return flat.reshape(values.shape)

    return Seen(
        solved.rotation,
        solved.position,
        in_world(roots),
        in_world(people),
        in_world(upright),
        unsure.double().numpy(),
        interval,
    )


def to_y(up: Array) -> Array:
    """The turn (3, 3) of a world's axes that brings up (3,) to y: that of the nearest axis, then the smallest.

    >>> to_y(np.array([0.0, 0.0, 1.0])) @ [1.0, 2.0, 3.0]  # z is up
    array([ 1.,  3., -2.])
    """
    nearest = int(np.abs(up).argmax())
    sign = 1.0 if up[nearest] > 0 else -1.0
    turns = {
        (0, 1.0): [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
        (0, -1.0): [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
        (1, 1.0): [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        (1, -1.0): [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
        (2, 1.0): [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
        (2, -1.0): [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    }
    first = np.array(turns[nearest, sign], dtype=np.float64)
    x, y, z = first @ up  # near y
    # the smallest turn from (x, y, z) to y, by Rodrigues' formula
    cross = np.array([[0, -x, 0], [x, 0, z], [0, -z, 0]])
    return np.asarray((np.eye(3) + cross + cross @ cross / (1 + y)) @ first)


def headings(rotation: Array, up: Array) -> Array:
    """Headings (frame,) of cameras in the scene's world, radians.

    Args:
        rotation: (frame, 3, 3), from that world, as `cameras_in` gives it.
        up: (frame, 3), in the cameras.
    """
    # (frame, 3, 3): from the axes of the camera's own heading to the scene's, a turn about y
    turned = rotation.swapaxes(-1, -2) @ world_axes(up).swapaxes(-1, -2)
    return np.arctan2(turned[:, 0, 2], turned[:, 0, 0])


def cameras_in(reference: Reference, solved: Solved) -> tuple[Array, Array]:
    """Cameras in the scene's world: rotations (frame, 3, 3) from it, and positions (frame, 3), metres."""
    assert solved.rotation is not None and solved.position is not None
    return solved.rotation @ reference.rotation.T, reference.of(solved.position)
