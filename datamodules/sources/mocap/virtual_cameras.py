"""Cameras that nobody set up: drawn round the people of a stretch, so that all of it is in the picture.

World frame: z up, metres. Camera frame: x right, y down, z forward.
"""

import numpy as np
import torch

from datamodules.sources.mocap.motion import Array
from datamodules.sources.mocap.settings import VirtualCameras
from datamodules.synthetic.cameras import aimed
from duolift.errors import InputError
from duolift.geometry.cameras import CalibratedCamera

TRIES = 200
"""Draws of a camera before it is given up."""

AHEAD = np.array([0.0, 0.0, 1.0])
"""Where a camera looks, in its own axes."""


def camera_names(settings: VirtualCameras) -> tuple[str, ...]:
    """What the cameras of every stretch are called.

    >>> camera_names(VirtualCameras(count=2))
    ('virtual1', 'virtual2')
    """
    return tuple(f"virtual{number + 1}" for number in range(settings.count))


def place_cameras(points: Array, settings: VirtualCameras, rng: np.random.Generator, name: str) -> CalibratedCamera:
    """Cameras (camera,) round people, about as far from one another.

    The field of view, the elevation and the roll are drawn; the distance is the least from which no joint is further
    from the picture's centre than the drawn `fill`. Where that is too far the camera is drawn again.

    Args:
        points: (point, 3), all joints of a stretch.
        rng: of the draws.
        name: of the stretch, for messages.

    Raises:
        InputError: no camera of these settings has the whole stretch in its picture.

    >>> points = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 1.7], [-0.3, 0.2, 1.0]])
    >>> cameras = place_cameras(points, VirtualCameras(), np.random.default_rng(0), "walk")
    >>> cameras.centre.shape
    torch.Size([4, 3])
    """
    start = rng.uniform(0, 360)
    drawn = []
    for number in range(settings.count):
        azimuth = np.deg2rad(start + 360 * (number + rng.uniform(-0.5, 0.5)) / settings.count)
        tried = (_camera(points, azimuth, settings, rng) for _ in range(TRIES))
        camera = next((found for found in tried if found is not None), None)
        if camera is None:
            extent = np.round(np.ptp(points, axis=0), 1).tolist()
            raise InputError(
                f"{name}: people who fill {extent} m are in no picture from {settings.distance[1]} m; "
                f"expected wider data.mocap.cameras.field_of_view_deg, or a smaller data.mocap.spread"
            )
        drawn.append(camera)
    values = {key: torch.from_numpy(np.stack([camera[key] for camera in drawn]).astype(np.float32)) for key in drawn[0]}
    return CalibratedCamera(**values, radial=torch.zeros(settings.count, 3), tangential=torch.zeros(settings.count, 2))


def _drawn(rng: np.random.Generator, bounds: list[float]) -> float:
    return rng.uniform(bounds[0], bounds[1])


def _camera(
    points: Array, azimuth: float, settings: VirtualCameras, rng: np.random.Generator
) -> dict[str, Array] | None:
    """The parameters of a camera at an azimuth, radians; None where it would stand too far away."""
    elevation, roll, view = np.deg2rad(
        [_drawn(rng, bounds) for bounds in (settings.elevation_deg, settings.roll_deg, settings.field_of_view_deg)]
    )
    size = np.array(settings.image, dtype=np.float64)
    focal = 0.5 * size[0] / np.tan(0.5 * view)
    outwards = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    middle = (points.min(0) + points.max(0)) / 2
    rotation = aimed((middle + outwards)[None], middle[None], np.array([roll]))[0]
    shift = settings.off_centre * np.array([*rng.uniform(-1, 1, 2), 0.0])
    seen = (points - middle) @ rotation.T + shift  # from where the camera aims, in its axes
    reach = 0.5 * _drawn(rng, settings.fill) * size / focal  # slopes of the rays furthest out
    needed = (np.abs(seen[:, :2]) / reach).max(1) - seen[:, 2]
    distance = max(needed.max(), (settings.clearance - seen[:, 2]).max(), settings.distance[0])
    if distance > settings.distance[1]:
        return None
    centre = middle - rotation.T @ (shift + distance * AHEAD)
    return {"rotation": rotation, "centre": centre, "focal": np.array([focal, focal]), "principal": size / 2}
