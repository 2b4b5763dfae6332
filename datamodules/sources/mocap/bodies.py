"""A person's captured motion as joints of `duolift.body.skeleton`: metres, z up."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datamodules.sources.mocap.joint_tables import CENTIMETRE, INCH, JOINT_TABLES, METRE, JointTable
from datamodules.sources.mocap.motion import END, Array, Motion
from datamodules.sources.mocap.settings import MocapConfig
from duolift.body.anthropometry import WINTER
from duolift.errors import InputError

STATURES = (1.2, 2.2)
"""Metres: what people measure. Outside of it the unit of length is taken to be wrong."""

UNITS = {"metres": METRE, "centimetres": CENTIMETRE, "millimetres": 0.001, "inches": INCH, "CMU's": INCH / 0.45}

TRUNK = ("pelvis", "spine", "neck", "head", "head_top")
LEG = ("hip", "knee", "ankle")

FURTHEST = 1e5
"""Metres: nobody is recorded further from the origin."""

SMALLEST_OFFSET = 1e-6
"""Units of a file: joints less apart are in one place."""

UPWARDS = {"y": ("x", "-z", "y"), "z": ("x", "y", "z")}
"""Axis of a file that points up -> what of its axes x, y and z of the world are."""


def body_of(motion: Motion, path: Path, settings: MocapConfig) -> dict[str, Array]:
    """A person's joints in the world.

    Args:
        motion: in the file's names, axes and unit.
        path: of the file, for messages.
        settings: what they are, where the file's convention does not say it.

    Returns:
        joint -> (frame, 3), metres, z up: all joints that the capture has, those of `REQUIRED` among them.

    Raises:
        InputError: the joints' names are of no known convention, or nobody is as tall as the person would be.
    """
    motion = _plainly_named(motion)
    table = table_of(names_of(motion), path)
    motion = _completed(motion, table)
    file_places = motion.positions()
    metres = table.metres if settings.metres_per_unit is None else settings.metres_per_unit
    body = {
        joint: metres * z_up(np.sum([weight * file_places[name] for name, weight in place.items()], 0), settings.up)
        for joint, place in table.places(names_of(motion)).items()
    }
    _refuse_nowhere(body, path)
    _refuse_implausible(stature(body), metres, path)
    return body


def names_of(motion: Motion) -> list[str]:
    """The joints of a file that are in a place of their own: an end of no length says nothing."""
    ends = {END.format(name) for name in motion.names}
    lengths = np.linalg.norm(motion.offsets, axis=-1)
    pairs = zip(motion.names, lengths, strict=True)
    return [name for name, length in pairs if name not in ends or length > SMALLEST_OFFSET]


def table_of(names: list[str], path: Path) -> JointTable:
    """The convention that a file's joints are named by.

    Raises:
        InputError: no known one.
    """
    missing = {known: table.missing(names) for known, table in JOINT_TABLES.items()}
    fitting = [JOINT_TABLES[known] for known, joints in missing.items() if not joints]
    if fitting:
        return fitting[0]
    nearest = min(missing, key=lambda known: len(missing[known]))
    table, joint = JOINT_TABLES[nearest], missing[nearest][0]
    shown = ", ".join(name for name in names if not name.endswith(END.format("")))
    raise InputError(
        f"{path}: joints are named as in none of {', '.join(JOINT_TABLES)}; nearest is {nearest} ({table.title}), "
        f"without {', '.join(missing[nearest][:4])}: found {shown[:200]}; expected {table.expected(joint)} for {joint}"
    )


def stature(body: Mapping[str, Array]) -> float:
    """How tall a person is, from crown to sole along the bones, in the unit of the joints.

    Args:
        body: joint -> (frame, 3).

    >>> upright = {joint: np.array([[0.0, 0.0, z]]) for joint, z in zip(TRUNK, (0.9, 1.2, 1.5, 1.6, 1.75))}
    >>> legs = {f"{s}_{j}": np.array([[0.0, 0.0, z]]) for s in ("left", "right") for j, z in zip(LEG, (0.9, 0.5, 0.1))}
    >>> round(stature(upright | legs), 2)
    1.72
    """
    chains = [TRUNK, *(tuple(f"{side}_{joint}" for joint in LEG) for side in ("left", "right"))]
    trunk, *legs = (
        sum(np.linalg.norm(body[a] - body[b], axis=-1).mean() for a, b in zip(chain[1:], chain, strict=False))
        for chain in chains
    )
    return float((trunk + np.mean(legs)) / (1 - WINTER.ankle_height))


def refuse_swapped_sides(body: Mapping[str, Array], path: Path) -> None:
    """Refuse a person whose left is on the right.

    Knees bend one way only, so that thigh x shank points to the left. Feet, which tell it in CHI3D's layout, do not
    always point forward: dancers point them down.

    Args:
        body: joint -> (frame, 3), right-handed axes.
        path: of the file, for messages.

    Raises:
        InputError: the left hip is on the right in most poses.

    >>> places = {"hip": (0.0, 1.0), "knee": (0.1, 0.5), "ankle": (0.0, 0.1)}  # forward and up
    >>> left = {f"left_{joint}": np.array([[x, 0.1, z]]) for joint, (x, z) in places.items()}
    >>> right = {f"right_{joint}": np.array([[x, -0.1, z]]) for joint, (x, z) in places.items()}
    >>> refuse_swapped_sides(left | right, Path("walk.bvh"))
    """
    leftwards: Array = np.zeros(3)
    for side in ("left", "right"):
        hip, knee, ankle = (body[f"{side}_{joint}"] for joint in LEG)
        leftwards = leftwards + np.cross(knee - hip, ankle - knee)
    swapped = (((body["left_hip"] - body["right_hip"]) * leftwards).sum(-1) < 0).mean()
    if swapped > 0.5:
        raise InputError(
            f"{path}: the left hip lies on the right of the body in {swapped:.0%} of the poses, as its knees bend; "
            "expected left and right as the joints' names say it, in right-handed axes"
        )


def z_up(points: Array, up: str) -> Array:
    """Points (..., 3) of a file in the world, z up.

    >>> z_up(np.array([1.0, 2.0, 3.0]), "y")
    array([ 1., -3.,  2.])
    """
    axes = UPWARDS[up]
    return np.stack([(-1.0 if "-" in axis else 1.0) * points[..., "xyz".index(axis[-1])] for axis in axes], axis=-1)


def _plainly_named(motion: Motion) -> Motion:
    """Without what stands before a colon in names, such as `mixamorig:`."""
    plain = {name: name.rpartition(":")[2] for name in motion.names}
    if len({*plain.values()}) < len(plain):
        return motion
    return Motion(
        tuple(plain.values()),
        motion.parents,
        motion.offsets,
        {plain[name]: turns for name, turns in motion.rotations.items()},
        {plain[name]: shifts for name, shifts in motion.shifts.items()},
        motion.rate,
    )


def _completed(motion: Motion, table: JointTable) -> Motion:
    """With the bones that a converter is known to lose, and further points that the table has."""
    for joint, (other, share) in table.lost.items():
        if {joint, other} <= {*motion.names} and np.linalg.norm(motion.offset(joint)) < SMALLEST_OFFSET:
            motion = motion.with_offset(joint, share * motion.offset(other))
    for name, (joint, offset) in table.fixed.items():
        if joint in motion.names:
            motion = motion.with_point(name, joint, np.array(offset))
    return motion


def _refuse_nowhere(body: Mapping[str, Array], path: Path) -> None:
    """Refuse offsets and places of which no joint can be somewhere."""
    for joint, places in body.items():
        if not (near := np.abs(places) < FURTHEST).all():
            found = float(places[~near][0])
            raise InputError(
                f"{path}: {joint} is at {found:.3g} m; expected finite numbers of less than {FURTHEST:.0e} m"
            )


def _refuse_implausible(tall: float, metres: float, path: Path) -> None:
    """Refuse a person whom a wrong unit makes a dwarf or a giant."""
    low, high = STATURES
    if low <= tall <= high:
        return
    fitting = [f"{unit:.5g} ({name})" for name, unit in UNITS.items() if low <= tall / metres * unit <= high]
    expected = " or ".join(fitting) or f"about {1.7 * metres / tall:.3g}"
    raise InputError(
        f"{path}: the person is {tall:.3g} m tall with a unit of {metres:.5g} m; expected {low} to {high} m, "
        f"as with data.mocap.metres_per_unit={expected}"
    )
