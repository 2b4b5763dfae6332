"""Human3.6M's files on disk: VideoPose3D's archives, or MMPose's.

    <root>/data_3d_h36m.npz                 positions_3d[subject][action] (frame, 32, 3), world, z up, metres
    <root>/data_2d_h36m_<detections>.npz    positions_2d[subject][action][camera] (frame, 17, 2), pixels

or any archives of `datamodules.sources.mmpose`, such as h36m_train.npz and h36m_test.npz, whose 2D poses are
projections.

Human3.6M: Ionescu et al., "Human3.6M: Large Scale Datasets and Predictive Methods for 3D Human Sensing in Natural
Environments", TPAMI 2014, http://vision.imar.ro/human3.6m. How the archives are made:
https://github.com/facebookresearch/VideoPose3D/blob/main/DATASETS.md.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datamodules.cache import FileContents, fingerprint_of
from datamodules.sources import mmpose
from datamodules.sources.h36m.cameras import CAMERAS, IMAGE, SUBJECTS, camera_of
from datamodules.sources.h36m.settings import H36mConfig
from datamodules.sources.objects import archive, dictionary, entry, numbers
from datamodules.sources.singles import Sequence as View
from datamodules.sources.singles import views_of
from datamodules.views import Views
from duolift.body.skeleton import H36M17
from duolift.errors import InputError
from duolift.geometry.cameras import CalibratedCamera
from duolift.inputs.pixels import short
from duolift.progress import tracked

TRAIN, EVALUATE = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")
"""The subjects who are trained and evaluated on, as everybody does."""

ALL_JOINTS = 32
"""Joints of the 3D poses, of which `KEPT` move; the others stand still, or are there twice."""

KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Where the 17 joints of `H36M17` are among them."""

POSES_3D, POSES_2D = "data_3d_h36m.npz", "data_2d_h36m_{}.npz"
WRITTEN_BY = "what VideoPose3D's prepare_data_h36m.py writes"
IMAGE_NAME = re.compile(r"(?P<subject>S\d+)_(?P<action>[^/]+)\.(?P<camera>\d+)_(?P<frame>\d{1,9})\.\w+$")
MOST_BYTES = 2 * 2**30
"""Of a file, at most."""


def read(
    root: Path,
    subjects: Sequence[str],
    cameras: Sequence[str] | None = None,
    cache: Path | None = None,
    settings: H36mConfig | None = None,
) -> Views:
    """The images of some subjects.

    Args:
        root: the folder of the archives.
        subjects: some of `SUBJECTS`.
        cameras: some of `CAMERAS`; None for all.
        cache: not used, since the archives are read in seconds.
        settings: None for the default.

    Raises:
        InputError: anything that is missing or not as the layout has it.
    """
    settings = settings or H36mConfig()
    wanted = tuple(cameras or CAMERAS)
    if unknown := [name for name in subjects if name not in SUBJECTS]:
        raise InputError(
            f"Human3.6M has no subject {', '.join(unknown)} with 3D; expected some of {', '.join(SUBJECTS)}"
        )
    if unknown := [name for name in wanted if name not in CAMERAS]:
        raise InputError(f"Human3.6M has no camera {', '.join(unknown)}; expected some of {', '.join(CAMERAS)}")
    files = _files(root, settings)
    if files[0].name == POSES_3D:
        views = list(_videopose3d(files, subjects, wanted, settings))
    else:
        views = list(_mmpose(files, subjects, wanted, settings))
    fingerprint = fingerprint_of(FileContents(root, files, MOST_BYTES), settings.detections, settings.every, wanted)
    return views_of(views, H36M17.joints, fingerprint, IMAGE, settings.every == 1, str(root))


def subjects_of(root: Path) -> list[str]:
    """The subjects of the data set. Raises InputError where there is none of it."""
    _files(root, H36mConfig(), any_detections=True)
    return list(SUBJECTS)


def _files(root: Path, settings: H36mConfig, any_detections: bool = False) -> list[Path]:
    """The archives that are read."""
    poses, seen = root / POSES_3D, root / POSES_2D.format(settings.detections)
    if poses.is_file():
        if not seen.is_file() and not any_detections:
            there = ", ".join(path.name for path in sorted(root.glob(POSES_2D.format("*")))) or "none"
            raise InputError(f"{seen}: no such file, but {there}; expected the 2D poses of data.h36m.detections")
        return [poses, seen]
    if not (found := mmpose.archives(root)):
        raise InputError(
            f"{root}: holds neither {POSES_3D} nor archives of MMPose; expected {POSES_3D} and {seen.name}, "
            f"{WRITTEN_BY}"
        )
    return found


def _videopose3d(
    files: list[Path], subjects: Sequence[str], cameras: Sequence[str], settings: H36mConfig
) -> Iterator[View]:
    poses_file, seen_file = files
    poses, seen = (_positions(path, key) for path, key in zip(files, ("positions_3d", "positions_2d"), strict=True))
    for subject in tracked(subjects, "reading subjects", len(subjects)):
        views = {name: camera_of(subject, name) for name in CAMERAS}
        actions = dictionary(
            entry(poses, subject, f"{poses_file}: positions_3d"), f"{poses_file}: {subject}", "poses by action"
        )
        seen_actions = dictionary(
            entry(seen, subject, f"{seen_file}: positions_2d"), f"{seen_file}: {subject}", "poses by action"
        )
        for action, value in actions.items():
            where = f"{poses_file}: {subject}: {action}"
            world = numbers(value, (None, ALL_JOINTS, 3), where, f"(frame, {ALL_JOINTS}, 3)")[:, KEPT]
            by_camera = entry(seen_actions, action, f"{seen_file}: {subject}")
            where = f"{seen_file}: {subject}: {action}"
            if not isinstance(by_camera, list) or len(by_camera) != len(CAMERAS):
                found = len(by_camera) if isinstance(by_camera, list) else type(by_camera).__name__
                raise InputError(f"{where} is of {found} cameras; expected a list of {len(CAMERAS)}")
            for number, camera in enumerate(CAMERAS):
                if camera in cameras:
                    pixels = _seen(by_camera[number], len(world), f"{where}[{number}]")
                    name = f"{subject}/{_plain(action)}/{camera}"
                    yield _view(name, pixels, world, views[camera], settings.every, where)


def _seen(value: Any, frames: int, where: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """2D poses (frame, 17, 2) of as many frames as there are 3D poses; some videos go on when these have ended."""
    joints = len(H36M17)
    columns = 3 if isinstance(value, np.ndarray) and value.shape[-1:] == (3,) else 2  # a confidence may stand behind
    pixels = numbers(value, (None, joints, columns), where, f"(frame, {joints}, 2)")[..., :2]
    if len(pixels) < frames:
        raise InputError(f"{where} has {len(pixels)} frames; expected {frames} or more, as many as there are 3D poses")
    return pixels[:frames]


def _view(
    name: str,
    pixels: np.ndarray[Any, np.dtype[np.float32]],
    world: np.ndarray[Any, np.dtype[np.float32]],
    camera: CalibratedCamera,
    every: int,
    where: str,
) -> View:
    points = camera.to_camera(torch.from_numpy(world[::every].copy()))
    if (points[..., 2] <= 0).any():
        raise InputError(f"{where}: joints are behind the camera {name.rpartition('/')[2]}; expected metres, z up")
    return View(name, torch.from_numpy(pixels[::every].copy()), points, camera.intrinsics, camera.up)


def _positions(path: Path, key: str) -> dict[str, Any]:
    """The poses by subject. A detector's may be of other joints, as many, which is refused: COCO's are 17 as well."""
    content = archive(path, (key,), WRITTEN_BY)
    about = content.get("metadata")
    layout = about.get("layout_name") if isinstance(about, dict) else None
    if layout is not None and layout != "h36m":
        raise InputError(f"{path}: metadata: layout_name is {short(layout)}; expected h36m, the joints of the 3D poses")
    return dictionary(content[key], f"{path}: {key}", "poses by subject")


def _mmpose(files: list[Path], subjects: Sequence[str], cameras: Sequence[str], settings: H36mConfig) -> Iterator[View]:
    if settings.detections != "gt":
        raise InputError(
            f"data.h36m.detections is {settings.detections}; expected gt, the 2D poses of MMPose's archives"
        )
    found = set()
    for path in files:
        records = mmpose.read_records(path, IMAGE_NAME, "S9_Directions_1.54138969_000001.jpg")
        for (subject, action, camera), some in records.by_sequence(list(subjects)):
            if camera not in CAMERAS or subject not in SUBJECTS:
                raise InputError(f"{path}: holds camera {camera} of {subject}; expected one of {', '.join(CAMERAS)}")
            if camera in cameras:
                found.add(subject)
                some = some[:: settings.every]
                view = camera_of(subject, camera)
                name = f"{subject}/{action.replace('_', ' ')}/{camera}"
                yield View(name, records.pixels[some], records.points[some], view.intrinsics, view.up)
    if missing := [subject for subject in subjects if subject not in found]:
        raise InputError(f"{files[0].parent}: holds no images of {', '.join(missing)}")


def _plain(action: str) -> str:
    """An action's name without what separates the parts of a sequence's name."""
    return action.replace("/", " ")
