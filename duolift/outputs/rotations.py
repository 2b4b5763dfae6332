"""Rotations that animation formats need: those that turn given vectors into others, as angles and as quaternions.

Rotations are (..., 3, 3), vectors (..., 3) columns, of float64.
"""

import numpy as np
from numpy.typing import NDArray

SMALLEST_LENGTH = 1e-9
"""A vector shorter than this has no direction."""

Floats = NDArray[np.float64]


def best_rotation(rest: Floats, targets: Floats) -> Floats:
    """The rotations that bring several vectors closest to their targets, in the least-squares sense.

    The solution is that of Kabsch (1976), https://doi.org/10.1107/S0567739476001873, through a singular value
    decomposition.

    Args:
        rest: (vector, 3)
        targets: (..., vector, 3)

    Returns:
        (..., 3, 3)

    >>> best_rotation(np.eye(3)[:2], np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])).round(6) + 0.0
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    """
    u, _, vt = np.linalg.svd(targets.swapaxes(-1, -2) @ rest)  # of the correlation, (..., 3, 3)
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]  # a rotation, no reflection
    return u @ vt


def shortest_rotation(rest: Floats, targets: Floats) -> Floats:
    """The smallest rotations that turn one vector into the directions of others.

    Where a vector has no length there is nothing to turn: the identity. Opposite vectors are half a turn apart, about
    some axis across them.

    Args:
        rest: (3,), or one for each target, (..., 3).
        targets: (..., 3)

    Returns:
        (..., 3, 3)

    >>> shortest_rotation(np.array([1.0, 0, 0]), np.array([0.0, 5.0, 0.0])).round(6) + 0.0
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    """
    start, end = unit(np.broadcast_to(rest, targets.shape)), unit(targets)
    normal = np.cross(start, end)
    sine, cosine = np.linalg.norm(normal, axis=-1, keepdims=True), (start * end).sum(-1, keepdims=True)
    across = unit(np.cross(start, np.eye(3)[np.abs(start).argmin(-1)]))  # the axis of half a turn
    axis = np.where(sine > SMALLEST_LENGTH, normal / np.maximum(sine, SMALLEST_LENGTH), across)
    angle = np.arctan2(sine, cosine)
    nowhere = (np.linalg.norm(start, axis=-1) < 0.5) | (np.linalg.norm(end, axis=-1) < 0.5)
    angle[nowhere] = 0.0
    return axis_angle(axis, angle)


def aimed_rotation(rest: Floats, rest_across: Floats, towards: Floats, across: Floats) -> Floats:
    """The rotations that turn one vector into the directions of others, and a second one as near as then is possible.

    Args:
        rest, rest_across: (3,), at right angles, of length 1.
        towards: (..., 3), what `rest` is turned into.
        across: (..., 3), what `rest_across` is turned near to, about `towards`. Where it has no length, or no part
            across `towards`, the smallest rotation is taken.

    Returns:
        (..., 3, 3)

    >>> x, y, z = np.eye(3)
    >>> turn = aimed_rotation(x, y, towards=2 * y, across=y + z)
    >>> np.abs((turn @ x - y, turn @ y - z)).max() < 1e-9  # y turns into z, which is all that x leaves free
    np.True_
    """
    first, axis = shortest_rotation(rest, towards), unit(towards)
    found = first @ rest_across  # (..., 3), across the axis
    cosine = (found * across).sum(-1, keepdims=True)
    sine = (axis * np.cross(found, across)).sum(-1, keepdims=True)
    return axis_angle(axis, np.arctan2(sine, cosine)) @ first


def axis_angle(axis: Floats, angle: Floats) -> Floats:
    """Rodrigues' formula: rotations (..., 3, 3) about unit vectors (..., 3) by angles (..., 1), radians.

    >>> axis_angle(np.array([0.0, 0.0, 1.0]), np.array([np.pi / 2])).round(3) + 0.0
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    """
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*axis.shape[:-1], 3, 3)
    sine, cosine = np.sin(angle)[..., None], np.cos(angle)[..., None]  # (..., 1, 1)
    return np.eye(3) + sine * cross + (1 - cosine) * cross @ cross


def zxy_angles(rotations: Floats) -> Floats:
    """Euler angles in degrees (..., 3) of rotations Rz(a) Rx(b) Ry(c), in this order; a is 0 at gimbal lock.

    >>> zxy_angles(axis_angle(np.array([1.0, 0.0, 0.0]), np.array([0.5]))).round(1) + 0.0
    array([ 0. , 28.6,  0. ])
    """
    sine, cosine = rotations[..., 2, 1], np.hypot(rotations[..., 0, 1], rotations[..., 1, 1])  # of b
    locked = cosine < SMALLEST_LENGTH
    z = np.arctan2(-rotations[..., 0, 1], rotations[..., 1, 1])
    y = np.arctan2(-rotations[..., 2, 0], rotations[..., 2, 2])
    y_locked = np.arctan2(rotations[..., 0, 2], rotations[..., 0, 0])
    angles = [np.where(locked, 0.0, z), np.arctan2(sine, cosine), np.where(locked, y_locked, y)]
    return np.degrees(np.stack(angles, axis=-1))


def quaternions(rotations: Floats) -> Floats:
    """Unit quaternions (..., 4), x y z w, of rotations; the sign is such that the largest number is positive.

    Shepperd's method: the largest of the four numbers is found first, so that none is divided by little.

    >>> quaternions(np.eye(3))
    array([0., 0., 0., 1.])
    """
    m = rotations
    trace = np.trace(m, axis1=-2, axis2=-1)
    diagonal = np.diagonal(m, axis1=-2, axis2=-1)  # (..., 3)
    squares = np.concatenate([1 + 2 * diagonal - trace[..., None], 1 + trace[..., None]], axis=-1)  # 4 q**2
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    xw, yw, zw = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    x, y, z, w = np.moveaxis(squares, -1, 0)
    rows = [[x, xy, xz, xw], [xy, y, yz, yw], [xz, yz, z, zw], [xw, yw, zw, w]]  # row i is 4 q[i] q
    products = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)  # (..., 4, 4)
    largest = squares.argmax(-1)[..., None, None]
    return unit(np.take_along_axis(products, largest, axis=-2)[..., 0, :])


def unit(vectors: Floats) -> Floats:
    """Vectors (..., n) of length 1; those without a direction stay shorter.

    >>> unit(np.array([0.0, 3.0, 4.0]))
    array([0. , 0.6, 0.8])
    """
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), SMALLEST_LENGTH)
