"""Motion capture as a data set: a folder of BVH or ASF/AMC files before virtual cameras; docs/data.md describes it.

Each file is thinned and cut into stretches, every one of which is a take, `<subject>/<file> <number>`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from datamodules.cache import FileContents, cached, fingerprint_of
from datamodules.sources.mocap.bvh import MOST_BYTES
from datamodules.sources.mocap.files import AMC, Recording, captures_of, recordings_of, skeleton_file
from datamodules.sources.mocap.joint_tables import JOINT_TABLES
from datamodules.sources.mocap.people import performance_of
from datamodules.sources.mocap.scenes import Stretch, filmed
from datamodules.sources.mocap.settings import MocapConfig
from datamodules.sources.mocap.virtual_cameras import camera_names
from datamodules.takes import CAMERA_SHAPES, Takes
from duolift.body.skeleton import CHI3D25
from duolift.errors import InputError
from duolift.geometry.cameras import CalibratedCamera
from duolift.progress import tracked

VERSION = 1
"""Of what is made of files and settings; part of the fingerprint."""


def read(
    root: Path,
    subjects: Sequence[str],
    cameras: Sequence[str] | None = None,
    cache: Path | None = None,
    settings: MocapConfig | None = None,
) -> Takes:
    """Read the takes of `subjects`, from the cache where the same files were read with the same settings before.

    Args:
        root: the folder.
        subjects: as `subjects_of` names them; `18+19` for the takes of two people.
        cameras: some of the views, `virtual1` and so on; None for all.
        cache: folder of parsed copies, keyed by the files' content and the settings; None parses every time.
        settings: None for the defaults.

    Returns:
        takes with those of CHI3D's 25 joints that all captures have, the paper's 19 among them.

    Raises:
        InputError: anything that is missing, or not as BVH and ASF/AMC have it, or that is no person's motion.
    """
    settings = settings or MocapConfig()
    recordings = recordings_of(root, subjects)
    views = _views(cameras, settings)
    about = (VERSION, tuple(subjects), views, asdict(settings), JOINT_TABLES)
    files = [file for recording in recordings for capture in recording.captures for file in _files(capture)]
    fingerprint = fingerprint_of(FileContents(root, files, MOST_BYTES), *about)
    return cached(cache, fingerprint, lambda: _parse(root, recordings, views, settings, fingerprint))


def subjects_of(root: Path) -> list[str]:
    """The subjects that a folder holds. Raises InputError where there are none."""
    return [*captures_of(root)]


def _files(capture: Path) -> list[Path]:
    """The files that a person's motion is read from."""
    return [capture, skeleton_file(capture)] if capture.suffix.lower() == AMC else [capture]


def _views(cameras: Sequence[str] | None, settings: MocapConfig) -> tuple[str, ...]:
    known = camera_names(settings.cameras)
    if unknown := [camera for camera in cameras or () if camera not in known]:
        raise InputError(f"data.cameras has {', '.join(unknown)}; expected some of {', '.join(known)}")
    return tuple(cameras or known)


def _parse(
    root: Path, recordings: Sequence[Recording], views: Sequence[str], settings: MocapConfig, fingerprint: str
) -> Takes:
    performances = [performance_of(one, settings) for one in tracked(recordings, "captures", len(recordings))]
    bodies = [body for performance in performances for body in performance.bodies]
    joints = tuple(joint for joint in CHI3D25.joints if all(joint in body for body in bodies))
    stretches = list(filmed(performances, joints, settings))
    _refuse_lying(stretches, joints, root, settings)
    order = [camera_names(settings.cameras).index(view) for view in views]
    parameters = {key: torch.stack([getattr(one.views, key)[order] for one in stretches]) for key in CAMERA_SHAPES}
    width, height = settings.cameras.image
    return Takes.joined(
        [torch.from_numpy(one.world.astype(np.float32)) for one in stretches],
        names=tuple(one.name for one in stretches),
        joints=joints,
        cameras=tuple(views),
        views=CalibratedCamera(**parameters),
        fingerprint=fingerprint,
        image=(float(width), float(height)),
    )


def _refuse_lying(stretches: Sequence[Stretch], joints: Sequence[str], root: Path, settings: MocapConfig) -> None:
    """Refuse people most of whom have their heads no higher than their feet."""
    head, left, right = (joints.index(joint) for joint in ("head_top", "left_ankle", "right_ankle"))
    heights = np.concatenate([one.world[..., 2].reshape(-1, len(joints)) for one in stretches])  # (person, joint)
    upright = float((heights[:, head] > heights[:, [left, right]].mean(1)).mean())
    if upright < 0.5:
        other = "z" if settings.up == "y" else "y"
        raise InputError(
            f"{root}: heads are above feet in {upright:.0%} of the poses with data.mocap.up={settings.up}; "
            f"expected people who stand, as perhaps with data.mocap.up={other}"
        )
