"""A take of the embedded set as a detector writes it: COCO's annotations, with noise and with joints that it misses.

`duolift demo` comes with one.   python -m datamodules.synthetic.detected duolift/demo/two-people.json.gz
"""

import gzip
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch

from datamodules.synthetic.bodies import SIDES, Array, Body, unit
from datamodules.synthetic.cameras import aimed, place_cameras
from datamodules.synthetic.choreography import FPS
from datamodules.synthetic.takes import record
from duolift.body.skeleton import CHI3D25
from duolift.bounds import Fraction, NotNegative, Positive, check_bounds
from duolift.files import write_bytes
from duolift.geometry.cameras import CalibratedCamera
from duolift.inputs.keypoints import COCO17


@dataclass(frozen=True)
class DetectedTake:
    """What is acted, from where it is seen, and how wrong the detector is.

    Attributes:
        kind: of action, one of `datamodules.synthetic.actions.ACTIONS`.
        builds: of the two people.
        seed: of every random draw.
        frames: of the video.
        rate: frames a second.
        image: width and height in pixels.
        focal: focal length in pixels.
        height, distance: of the camera from the ground and from the pair's waist, metres.
        azimuth: round the stage, degrees.
        noise: standard deviation of a joint, pixels, half of it for some frames on end.
        missed: share of joints that are not found.
    """

    kind: str = "Handshake"
    builds: tuple[str, str] = ("woman", "man")
    seed: int = 2
    frames: Positive[int] = 120
    rate: Positive[float] = 25.0
    image: tuple[int, int] = (1280, 720)
    focal: Positive[float] = 1100.0
    height: Positive[float] = 1.75
    distance: Positive[float] = 4.6
    azimuth: float = 90.0
    noise: NotNegative[float] = 2.5
    missed: Fraction = 0.03

    def __post_init__(self) -> None:
        check_bounds(self)


FACE = {"nose": (0.1, 0.0, 0.0), "eye": (0.085, 0.032, 0.035), "ear": (0.0, 0.075, 0.01)}
"""Joint of the face -> ahead of the head's middle, to the side and up, metres."""

STEADY = 6
"""Frames for which half of the noise stays alike: detectors err alike on frames that look alike."""


def detected(take: DetectedTake) -> dict[str, Any]:
    """The take as COCO's annotations: a video of tracked people.

    >>> found = detected(DetectedTake(frames=2))
    >>> len(found["images"]), len(found["annotations"]), len(found["annotations"][0]["keypoints"])
    (2, 4, 51)
    """
    rng = np.random.default_rng(take.seed)
    bodies = (Body.draw(rng, take.builds[0]), Body.draw(rng, take.builds[1]))
    acted = record(take.kind, bodies, place_cameras(rng), round((take.frames + 1) * FPS / take.rate), rng).joints
    people = on_joints(acted[:, np.round(np.arange(take.frames) * FPS / take.rate).astype(int)])  # (2, frame, 17, 3)
    pixels, confidence = seen(people, camera_of(take), rng, take)
    images = [
        {
            "id": frame + 1,
            "file_name": f"two-people/{frame:06d}.jpg",
            "width": take.image[0],
            "height": take.image[1],
            "video_id": 1,
            "frame_id": frame,
        }
        for frame in range(take.frames)
    ]
    annotations = [
        {
            "id": 2 * frame + person + 1,
            "image_id": frame + 1,
            "category_id": 1,
            "track_id": person + 1,
            "score": round(float(confidence[person, frame].mean()), 2),
            "keypoints": [
                number
                for (x, y), sure in zip(pixels[person, frame], confidence[person, frame], strict=True)
                for number in (round(float(x), 1), round(float(y), 1), round(float(sure), 2))
            ],
        }
        for frame in range(take.frames)
        for person in range(2)
    ]
    categories = [{"id": 1, "name": "person", "keypoints": list(COCO17.joints)}]
    return {"images": images, "annotations": annotations, "categories": categories}


def on_joints(people: Array) -> Array:
    """People (..., 25, 3) on COCO's joints, (..., 17, 3); the face, which they do not have, is put on their heads."""
    of = {name: people[..., CHI3D25.index(name), :] for name in CHI3D25.joints}
    up = unit(of["head_top"] - of["neck"])
    left = unit(of["left_shoulder"] - of["right_shoulder"])
    ahead = unit(np.cross(left, up))
    for name, (forward, aside, above) in FACE.items():
        for side, sign in zip(SIDES, (1 if SIDES[0] == "left" else -1, -1 if SIDES[0] == "left" else 1), strict=True):
            place = of["head"] + forward * ahead + sign * aside * left + above * up
            of[name if name == "nose" else f"{side}_{name}"] = place
    return np.stack([of[name] for name in COCO17.joints], axis=-2)


def camera_of(take: DetectedTake) -> CalibratedCamera:
    """A camera without distortion that looks at the pair's waist."""
    level = np.sqrt(take.distance**2 - (take.height - 1.0) ** 2)
    turn = np.deg2rad(take.azimuth)
    centre = np.array([[level * np.cos(turn), level * np.sin(turn), take.height]])
    rotation = aimed(centre, np.array([[0.0, 0.0, 0.95]]), np.zeros(1))
    nothing = torch.zeros(1, 3, dtype=torch.float64)
    return CalibratedCamera(
        focal=torch.full((1, 2), take.focal, dtype=torch.float64),
        principal=torch.tensor([take.image], dtype=torch.float64) / 2,
        radial=nothing,
        tangential=nothing[:, :2],
        rotation=torch.from_numpy(rotation),
        centre=torch.from_numpy(centre),
    )


def seen(people: Array, camera: CalibratedCamera, rng: np.random.Generator, take: DetectedTake) -> tuple[Array, Array]:
    """What the detector finds: pixels (2, frame, 17, 2) and confidence (2, frame, 17), 0 where it finds nothing.

    Joints that are behind the other person's trunk are guessed, and the detector is not sure of them.
    """
    points = camera.to_camera(torch.from_numpy(people.reshape(1, -1, 3)))
    exact = camera.project(points).numpy().reshape(*people.shape[:3], 2)
    depth = points[..., 2].numpy().reshape(people.shape[:3])
    blocks = -(-take.frames // STEADY)
    slow = np.repeat(rng.normal(0, 1, (2, blocks, *exact.shape[2:])), STEADY, axis=1)[:, : take.frames]
    noise = take.noise * np.sqrt(0.5) * (slow + rng.normal(0, 1, exact.shape))
    confidence = np.clip(rng.normal(0.9, 0.04, depth.shape), 0.5, 1.0)
    hidden = behind(exact, depth)
    confidence[hidden] = rng.uniform(0.1, 0.6, int(hidden.sum()))
    noise[hidden] *= 3
    missing = rng.random(depth.shape) < take.missed
    confidence[missing] = 0
    pixels = np.where(missing[..., None], 0.0, exact + noise)
    return pixels, confidence


def behind(pixels: Array, depth: Array) -> Array:
    """Which joints are behind the other person's trunk, (2, frame, 17)."""
    trunk = [COCO17.joints.index(f"{side}_{part}") for side in SIDES for part in ("shoulder", "hip")]
    low, high = pixels[..., trunk, :].min(2)[::-1, :, None], pixels[..., trunk, :].max(2)[::-1, :, None]  # the other's
    within = ((pixels > low) & (pixels < high)).all(-1)
    return within & (depth > depth[..., trunk].mean(-1)[::-1, :, None] + 0.1)


def main(arguments: Sequence[str]) -> None:
    path = Path(arguments[0])
    content = gzip.compress(orjson.dumps(detected(DetectedTake())), compresslevel=9, mtime=0)
    write_bytes(path, content)
    print(f"{path} ({len(content) / 1000:.0f} kB)")


if __name__ == "__main__":
    main(sys.argv[1:])
