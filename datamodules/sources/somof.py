"""3DPW's pairs as the SoMoF benchmark has them, filmed by virtual cameras; docs/crowds.md describes them.

    <root>/3dpw_<train, valid or test>_in.json          (scene, person, frame, 3 * joint), metres
    <root>/3dpw_<train, valid or test>_out.json         the frames that follow; may be missing
    <root>/3dpw_<train, valid or test>_frames_in.json   images, by which scenes are called; may be missing

Adeli et al., "Socially and Contextually Aware Human Motion and Pose Forecasting", RA-L 2020,
https://somof.stanford.edu; von Marcard et al., "Recovering Accurate 3D Human Pose in The Wild Using IMUs and a Moving
Camera", ECCV 2018. The benchmark forecasts; here its motions are pairs of people in one world. No lens is distributed
with them: the cameras are drawn, as those of motion capture are.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.cache import FileContents, fingerprint_of
from datamodules.sources.json_arrays import finite_array
from datamodules.sources.mocap.settings import VirtualCameras
from datamodules.sources.mocap.virtual_cameras import camera_names, place_cameras
from datamodules.takes import CAMERA_SHAPES, Takes
from duolift.bounds import NotNegative, Positive, check_bounds
from duolift.errors import InputError
from duolift.files.whole_json import json_value
from duolift.geometry.cameras import CalibratedCamera
from duolift.progress import tracked

Array = NDArray[np.float64]

JOINTS = (
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "neck"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
)
"""The files' 13 joints, in their order: SMPL's 1, 2, 4, 5, 7, 8, 12 and 16 to 21."""

KEPT = ("pelvis", *JOINTS)
"""Joints that takes have: the pelvis is between the hips."""

PARTS = ("train", "valid", "test")
PEOPLE = 2

AXES = {"x": 0, "y": 1, "z": 2}
UPRIGHT = 0.7
"""So much of people's rise from ankles to neck is along the world's vertical axis, at least."""

MOST_BYTES = 512 * 2**20
"""Of a file, at most: the largest has some 40 MB."""


@dataclass(frozen=True)
class SomofConfig:
    """How the scenes are thinned and filmed: `data.somof` of a run.

    Attributes:
        every: one frame of so many; the files have 15 a second.
        seed: of the cameras.
        cameras: those that film every scene.
    """

    every: Positive[int] = 2
    seed: NotNegative[int] = 0
    cameras: VirtualCameras = field(default_factory=VirtualCameras)

    def __post_init__(self) -> None:
        check_bounds(self)


DEFAULT = SomofConfig()


def read(
    root: Path,
    subjects: Sequence[str],
    cameras: Sequence[str] | None = None,
    cache: Path | None = None,
    settings: SomofConfig = DEFAULT,
) -> Takes:
    """Read parts of the benchmark.

    Args:
        root: the folder of the files.
        subjects: some of `PARTS`.
        cameras: some of `camera_names`, or None for all.
        cache: not used, since files are read in seconds.
        settings: frames and cameras.

    Raises:
        InputError: anything that is missing or not as SoMoF has it.
    """
    if unknown := [part for part in subjects if part not in PARTS]:
        raise InputError(f"data has no part {unknown[0]}; expected some of {', '.join(PARTS)}")
    filmed = camera_names(settings.cameras)
    wanted = tuple(filmed if cameras is None else cameras)
    if strangers := [camera for camera in wanted if camera not in filmed]:
        raise InputError(f"data.cameras has {strangers[0]}; expected some of {', '.join(filmed)}")
    files = FileContents(root, [path for part in subjects for path in _files(root, part)], MOST_BYTES)
    names, worlds, views = [], [], []
    for part in subjects:
        scenes = scenes_of(root, part, files)[:, :: settings.every]
        for name, world in zip(
            _names(root, part, files, len(scenes)), tracked(scenes, "filming", len(scenes)), strict=True
        ):
            placed = place_cameras(world.reshape(-1, 3), settings.cameras, _random(name, settings), name)
            views.append(placed[[filmed.index(camera) for camera in wanted]])
            worlds.append(torch.from_numpy(world.astype(np.float32)))
            names.append(name)
    width, height = settings.cameras.image
    return Takes.joined(
        worlds,
        names=tuple(names),
        joints=KEPT,
        cameras=wanted,
        views=CalibratedCamera(**{key: torch.stack([getattr(view, key) for view in views]) for key in CAMERA_SHAPES}),
        fingerprint=fingerprint_of(files, "somof", settings, wanted),
        image=(float(width), float(height)),
    )


def subjects_of(root: Path) -> list[str]:
    """The parts that are there. Raises InputError where there are none."""
    found = [part for part in PARTS if _file(root, part, "in").exists()]
    if not found:
        raise InputError(f"{root}: holds no {_file(root, PARTS[0], 'in').name}; expected SoMoF's files of 3DPW")
    return found


def scenes_of(root: Path, part: str, files: FileContents) -> Array:
    """All scenes of a part, (scene, frame, person, joint of `KEPT`, 3), metres, z up."""
    after = _file(root, part, "out")
    stretches = [_stretch(path, files) for path in (_file(root, part, "in"), *([after] if after.exists() else []))]
    if len({len(stretch) for stretch in stretches}) > 1:
        found = " and ".join(str(len(stretch)) for stretch in stretches)
        raise InputError(f"{after}: {found} scenes before and after; expected as many")
    people = np.concatenate(stretches, axis=2).swapaxes(1, 2)  # (scene, frame, person, joint, 3)
    pelvis = people[..., [JOINTS.index("left_hip"), JOINTS.index("right_hip")], :].mean(-2, keepdims=True)
    return z_up(np.concatenate([pelvis, people], axis=-2), _file(root, part, "in"))


def z_up(people: Array, path: Path) -> Array:
    """People (..., joint of `KEPT`, 3) in a world with z up, whichever axis is vertical in theirs: they stand upright.

    >>> people = np.zeros((1, 14, 3))
    >>> people[:, KEPT.index("neck"), 1] = -1.5  # y points down
    >>> z_up(people, Path("a.json"))[0, KEPT.index("neck")]
    array([0. , 0. , 1.5])
    """
    ankles = [KEPT.index("left_ankle"), KEPT.index("right_ankle")]
    rise = (people[..., KEPT.index("neck"), :] - people[..., ankles, :].mean(-2)).reshape(-1, 3)
    length = np.linalg.norm(rise, axis=-1, keepdims=True)
    mean = (rise / np.where(length > 0, length, 1.0)).mean(0)
    axis = int(np.abs(mean).argmax())
    if abs(mean[axis]) < UPRIGHT:
        raise InputError(f"{path}: people rise along {mean.round(2).tolist()}; expected a world with a vertical axis")
    up = np.sign(mean[axis])
    first, second = ((axis + 1) % 3, (axis + 2) % 3)  # right-handed: first x second = axis
    turned = people[..., [first, second, axis]] * [1.0, up, up]
    return turned + 0.0


def _stretch(path: Path, files: FileContents) -> Array:
    """(scene, person, frame, joint, 3)."""
    array = finite_array(path, "the list", json_value(path, files[path.name]))
    if array.ndim != 4 or array.shape[1] != PEOPLE or array.shape[3] != 3 * len(JOINTS) or not array.size:
        expected = f"(scene, {PEOPLE}, frame, {3 * len(JOINTS)})"
        raise InputError(f"{path}: holds numbers of shape {array.shape}; expected {expected}")
    return array.reshape(*array.shape[:3], len(JOINTS), 3)


def _names(root: Path, part: str, files: FileContents, count: int) -> list[str]:
    """`<part>/<3DPW's sequence> <number>` of every scene; numbers alone where the images' names are not there."""
    path = _file(root, part, "frames_in")
    if not path.exists():
        return [f"{part}/{number + 1}" for number in range(count)]
    listed = json_value(path, files[path.name])
    if not isinstance(listed, list) or len(listed) != count:
        raise InputError(f"{path}: holds {str(listed)[:40]}; expected names of images of {count} scenes")
    names = []
    for number, images in enumerate(listed):
        first = images[0] if isinstance(images, list) and images else None
        if not isinstance(first, str):
            raise InputError(f"{path}: scene {number} is {str(images)[:40]}; expected names of images")
        names.append(f"{part}/{Path(first).parent.name or 'scene'} {number + 1}")
    return names


def _file(root: Path, part: str, what: str) -> Path:
    return root / f"3dpw_{part}_{what}.json"


def _files(root: Path, part: str) -> list[Path]:
    """Those of a part that there are; the first has to be."""
    others = [_file(root, part, what) for what in ("out", "frames_in")]
    return [_file(root, part, "in"), *(path for path in others if path.exists())]


def _random(name: str, settings: SomofConfig) -> np.random.Generator:
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.random.default_rng([settings.seed, int.from_bytes(digest, "big")])
