"""MPI-INF-3DHP's files on disk: archives like VideoPose3D's, or MMPose's.

    <root>/data_train_3dhp.npz  data["S1 Seq1"][0][camera]["data_2d" (frame, 17, 2), "data_3d" (frame, 17, 3)]
    <root>/data_test_3dhp.npz   data["TS1"]["data_2d", "data_3d", "valid" (frame,)]

in pixels and in the camera's frame, millimetres; or any archives of `datamodules.sources.mmpose`, such as
mpi_inf_3dhp_train.npz and mpi_inf_3dhp_test_valid.npz. Nothing tells where up is.

MPI-INF-3DHP: Mehta et al., "Monocular 3D Human Pose Estimation In The Wild Using Improved CNN Supervision", 3DV 2017,
https://vcai.mpi-inf.mpg.de/3dhp-dataset. The first archives are those of P-STMO and what builds on it,
https://github.com/paTRICK-swk/P-STMO#mpi-inf-3dhp.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datamodules.cache import FileContents, fingerprint_of
from datamodules.sources import mmpose
from datamodules.sources.mpi_inf_3dhp.lens import fitted_lens
from datamodules.sources.mpi_inf_3dhp.settings import Mpi3dhpConfig
from datamodules.sources.objects import archive, dictionary, entry, numbers
from datamodules.sources.singles import Sequence as View
from datamodules.sources.singles import views_of
from datamodules.views import Views
from duolift.errors import InputError
from duolift.progress import tracked

TRAIN = tuple(f"S{number}" for number in range(1, 9))
EVALUATE = tuple(f"TS{number}" for number in range(1, 7))
"""The people of the training videos, and the test videos."""

JOINTS = (
    *("head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "pelvis", "spine", "head"),
)
"""The joints of both kinds of archives, in their order."""

IMAGE = (2048.0, 2048.0)
"""Width and height of the images, pixels, but for those of TS5 and TS6."""

LARGEST_MISFIT = 10.0
"""Pixels. Where half of the joints are further from their projections, the 3D poses are not what the pixels show."""

FILES = {"train": "data_train_3dhp.npz", "test": "data_test_3dhp.npz"}
WRITTEN_BY = "an archive as of P-STMO"
IMAGE_NAME = re.compile(
    r"(?:(?P<subject>S\d+)_(?P<action>Seq\d+)_Cam(?P<camera>\d+)|(?P<test>TS\d+))_(?P<frame>\d{1,9})\.\w+$"
)
MOST_BYTES = 2 * 2**30
"""Of a file, at most."""

MILLIMETRES_PER_METRE = 1000.0


def read(
    root: Path,
    subjects: Sequence[str],
    cameras: Sequence[str] | None = None,
    cache: Path | None = None,
    settings: Mpi3dhpConfig | None = None,
) -> Views:
    """The images of some people.

    Args:
        root: the folder of the archives.
        subjects: some of `TRAIN` and `EVALUATE`.
        cameras: of the training videos, by their numbers, such as 0 and 8; None for all.
        cache: not used, since the archives are read in seconds.
        settings: None for the default.

    Raises:
        InputError: anything that is missing or not as the layout has it.
    """
    settings = settings or Mpi3dhpConfig()
    if unknown := [name for name in subjects if name not in (*TRAIN, *EVALUATE)]:
        raise InputError(
            f"MPI-INF-3DHP has no subject {', '.join(unknown)}; expected some of {', '.join((*TRAIN, *EVALUATE))}"
        )
    files = _files(root, subjects)
    read_file = _like_videopose3d if files[0].name in FILES.values() else _mmpose
    views = []
    for path in tracked(files, "reading archives", len(files)):
        for name, pixels, points in read_file(path, subjects, cameras):
            every = settings.every if name.split("/")[0] in TRAIN else 1
            views.append(_view(name, pixels[::every], points[::every], path))
    found = {view.name.split("/")[0] for view in views}
    if missing := [subject for subject in subjects if subject not in found]:
        raise InputError(f"{root}: holds no images of {', '.join(missing)}; expected them in {files[0].name}")
    chosen = None if cameras is None else tuple(cameras)
    fingerprint = fingerprint_of(FileContents(root, files, MOST_BYTES), settings.every, chosen)
    return views_of(views, JOINTS, fingerprint, IMAGE, False, str(root))


def subjects_of(root: Path) -> list[str]:
    """The people and test videos of the data set. Raises InputError where there is none of it."""
    files = _files(root, ())
    if files[0].name not in FILES.values():
        return [*TRAIN, *EVALUATE]
    kinds = (("train", TRAIN), ("test", EVALUATE))
    return [name for kind, names in kinds if root / FILES[kind] in files for name in names]


def _files(root: Path, subjects: Sequence[str]) -> list[Path]:
    """The archives that are read: of the layout of P-STMO those that hold the subjects, of MMPose's all."""
    ours = {kind: root / name for kind, name in FILES.items()}
    if any(path.is_file() for path in ours.values()):
        needed = {"train" if subject in TRAIN else "test" for subject in subjects}
        for kind in sorted(needed):
            if not ours[kind].is_file():
                raise InputError(f"{ours[kind]}: no such file; expected {WRITTEN_BY}, with {kind} videos")
        return [path for kind, path in ours.items() if (kind in needed if needed else path.is_file())]
    if not (found := mmpose.archives(root)):
        raise InputError(
            f"{root}: holds neither {' nor '.join(FILES.values())} nor archives of MMPose; expected {WRITTEN_BY}, or "
            "one of MMPose's converters"
        )
    return found


Found = Iterator[tuple[str, Tensor, Tensor]]
"""A sequence's name, its pixels (frame, joint, 2), and its points (frame, joint, 3) in metres."""


def _like_videopose3d(path: Path, subjects: Sequence[str], cameras: Sequence[str] | None) -> Found:
    data = dictionary(archive(path, ("data",), WRITTEN_BY)["data"], f"{path}: data", "videos by name")
    for key, value in data.items():
        subject, _, action = key.partition(" ")
        if subject not in subjects:
            continue
        where = f"{path}: {key}"
        if subject in EVALUATE:
            yield _poses(f"{subject}/Test/{subject}", value, where)
            continue
        held = value[0] if isinstance(value, list) and value else value
        by_camera = dictionary(held, where, "a list that begins with videos by camera")
        for camera, video in by_camera.items():
            if cameras is None or camera in cameras:
                yield _poses(f"{subject}/{action}/{camera}", video, f"{where}: {camera}")


def _poses(name: str, value: Any, where: str) -> tuple[str, Tensor, Tensor]:
    video = dictionary(value, where, "data_2d and data_3d")
    points = numbers(entry(video, "data_3d", where), (None, len(JOINTS), 3), f"{where}: data_3d", "(frame, 17, 3)")
    seen = entry(video, "data_2d", where)
    columns = seen.shape[-1] if isinstance(seen, np.ndarray) and seen.ndim == 3 and seen.shape[-1] == 3 else 2
    shape = (len(points), len(JOINTS), columns)
    pixels = numbers(seen, shape, f"{where}: data_2d", f"{(*shape[:2], 2)}, as many frames as data_3d")
    if "valid" in video:
        valid = np.ravel(video["valid"]) if isinstance(video["valid"], np.ndarray) else np.zeros(0)
        if valid.dtype.kind not in "fiub" or len(valid) != len(points) or not valid.any():
            raise InputError(
                f"{where}: valid does not say which frames are; expected {len(points)} numbers, some not 0"
            )
        points, pixels = points[valid.astype(bool)], pixels[valid.astype(bool)]
    return name, torch.from_numpy(pixels[..., :2].copy()), torch.from_numpy(points.copy()) / MILLIMETRES_PER_METRE


def _mmpose(path: Path, subjects: Sequence[str], cameras: Sequence[str] | None) -> Found:
    records = mmpose.read_records(path, IMAGE_NAME, "S4_Seq2_Cam0_001033.jpg or TS1_002001.jpg")
    for (subject, action, camera), some in records.by_sequence(list(subjects)):
        if cameras is None or subject in EVALUATE or camera in cameras:
            yield f"{subject}/{action or 'Test'}/{camera or subject}", records.pixels[some], records.points[some]


def _view(name: str, pixels: Tensor, points: Tensor, path: Path) -> View:
    if (points[..., 2] <= 0).any():
        raise InputError(f"{path}: {name}: joints are not before the camera; expected its frame, z forward")
    lens, left = fitted_lens(points, pixels)
    if not left.median() < LARGEST_MISFIT or not (lens.focal > 0).all():
        raise InputError(
            f"{path}: {name}: half of the joints are {left.median():.0f} pixels or more from their projections, "
            "through any lens; expected 3D poses in the frame of the camera that saw the 2D poses"
        )
    return View(name, pixels, points, lens, None)
