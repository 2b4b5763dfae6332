"""CHI3D's folder layout on disk, read into arrays; docs/chi3d.md describes it.

    <root>/train/<subject>/joints3d_25/<action>.json                    world, metres, z up
    <root>/train/<subject>/camera_parameters/<camera>/<action>.json

CHI3D: Fieraru et al., "Three-Dimensional Reconstruction of Human Interactions", CVPR 2020, https://ci3d.imar.ro.

Nothing is taken on trust: shapes, finite numbers, rotations and the side of the left leg are checked,
and every error names the file, what was found and what was expected.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.cache import cached, fingerprint_of
from datamodules.sources.json_arrays import finite_array, refuse_other_than_rotation, shaped_array
from datamodules.takes import CAMERA_SHAPES, Takes
from duolift.body.skeleton import CHI3D25
from duolift.errors import InputError
from duolift.files import read_bytes
from duolift.files.whole_json import json_object
from duolift.geometry.cameras import CalibratedCamera
from duolift.progress import tracked

CAMERAS = ("50591643", "58860488", "60457274", "65906101")
"""The data set's four cameras."""

IMAGE = (900.0, 900.0)
"""Width and height of the data set's images, pixels."""

PEOPLE = 2
"""People in every take."""

MOST_BYTES = 256 * 2**20
"""Of a file, at most: a larger one is no take of some minutes, and is refused before it fills the memory."""


def read(root: Path, subjects: Sequence[str], cameras: Sequence[str] | None = None, cache: Path | None = None) -> Takes:
    """Read the takes of `subjects`, from the cache where the same files were read before.

    Args:
        root: the folder that holds `train`.
        subjects: such as s02 and s03.
        cameras: the views to read. Default: those `info.json` names, else CHI3D's four where any of
            them is there, else every camera found.
        cache: folder of parsed copies, keyed by the files' content; None parses every time.

    Raises:
        InputError: anything that is missing or not as CHI3D has it.
    """
    folders = {subject: _subject_folder(root, subject) for subject in subjects}
    cameras = tuple(cameras or _expected_cameras(root, folders.values()))
    files = _files(folders.values(), cameras)
    content = {path: read_bytes(path, MOST_BYTES) for take, views in files.items() for path in (take, *views)}
    fingerprint = fingerprint_of({str(path.relative_to(root)): data for path, data in content.items()}, cameras)

    def parse() -> Takes:
        takes = _parse(files, content, cameras, fingerprint)
        _refuse_swapped_sides(takes, root)
        return takes

    return cached(cache, fingerprint, parse)


def subjects_of(root: Path) -> list[str]:
    """The subjects that a tree holds. Raises InputError where there are none."""
    subjects = sorted(path.name for path in (root / "train").glob("*") if path.is_dir())
    if not subjects:
        raise InputError(f"{root}: holds no subjects; expected CHI3D's layout, <root>/train/<subject>/joints3d_25")
    return subjects


def _subject_folder(root: Path, subject: str) -> Path:
    for folder in (root, root / "train", root / "train" / subject, root / "train" / subject / "joints3d_25"):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; expected CHI3D's layout, <root>/train/{subject}/joints3d_25")
    return root / "train" / subject


def _expected_cameras(root: Path, subjects: Iterable[Path]) -> list[str]:
    for info in (root / "info.json", root / "chi3d_info.json"):
        if info.is_file():
            names = json_object(info, read_bytes(info, MOST_BYTES)).get("all_camera_names")
            if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
                raise InputError(f"{info}: all_camera_names is {names!r}; expected a list of folder names")
            return names
    found = {path.name for subject in subjects for path in (subject / "camera_parameters").glob("*") if path.is_dir()}
    if not found:
        raise InputError(f"{root}: no cameras found; expected folders in train/<subject>/camera_parameters")
    return list(CAMERAS) if found & set(CAMERAS) else sorted(found)


def _files(folders: Iterable[Path], cameras: Sequence[str]) -> dict[Path, list[Path]]:
    """Each take's file of joints and its cameras' files; refuses a take that a camera lacks."""
    files = {}
    for subject in folders:
        takes = sorted((subject / "joints3d_25").glob("*.json"))
        if not takes:
            raise InputError(f"{subject / 'joints3d_25'}: no takes found; expected files <action>.json")
        for take in takes:
            files[take] = [subject / "camera_parameters" / camera / take.name for camera in cameras]
            for view in files[take]:
                if not view.is_file():
                    raise InputError(
                        f"{view}: missing; expected the parameters of camera {view.parent.name} for {take.name}"
                    )
    return files


def _parse(
    files: dict[Path, list[Path]], content: dict[Path, bytes], cameras: Sequence[str], fingerprint: str
) -> Takes:
    joints, views = [], []
    for take in tracked(files, "reading takes", len(files)):
        joints.append(_parse_joints(take, content[take]))
        views.append([_parse_camera(view, content[view]) for view in files[take]])
    parameters = {key: np.array([[view[key] for view in take] for take in views]) for key in CAMERA_SHAPES}
    return Takes.joined(
        joints,
        names=tuple(f"{take.parent.parent.name}/{take.stem}" for take in files),
        joints=CHI3D25.joints,
        cameras=tuple(cameras),
        views=CalibratedCamera(
            **{key: torch.from_numpy(values.astype(np.float32)) for key, values in parameters.items()}
        ),
        fingerprint=fingerprint,
        image=IMAGE,
    )


def _parse_joints(path: Path, content: bytes) -> Tensor:
    """(frame, person, 25, 3) from the file's (person, frame, 25, 3)."""
    key = "joints3d_25"
    value = json_object(path, content).get(key)
    if value is None:
        raise InputError(f"{path}: no key {key}; expected (person {PEOPLE}, frame, joint {len(CHI3D25)}, 3)")
    if isinstance(value, list) and len(value) == PEOPLE:
        frames = [len(person) if isinstance(person, list) else 0 for person in value]
        if frames[0] != frames[1]:
            raise InputError(
                f"{path}: {key} has {frames[0]} frames of one person and {frames[1]} of the other; expected as many"
            )
    array, expected = finite_array(path, key, value), f"expected two people, (2, frame, {len(CHI3D25)}, 3)"
    if array.ndim == 3:
        raise InputError(f"{path}: {key} has shape {array.shape}, the early one-person release; {expected}")
    if array.ndim != 4 or array.shape[0] != PEOPLE or array.shape[1] == 0 or array.shape[2:] != (len(CHI3D25), 3):
        raise InputError(f"{path}: {key} has shape {array.shape}; {expected}")
    return torch.from_numpy(array.astype(np.float32)).transpose(0, 1)


def _parse_camera(path: Path, content: bytes) -> dict[str, NDArray[np.float64]]:
    parsed = json_object(path, content)
    keys = {
        "rotation": ("extrinsics", "R"),
        "centre": ("extrinsics", "T"),
        "focal": ("intrinsics_w_distortion", "f"),
        "principal": ("intrinsics_w_distortion", "c"),
        "radial": ("intrinsics_w_distortion", "k"),
        "tangential": ("intrinsics_w_distortion", "p"),
    }
    camera = {}
    for name, (group, key) in keys.items():
        section = parsed.get(group)
        if not isinstance(section, dict) or key not in section:
            raise InputError(f"{path}: no key {group}.{key}")
        camera[name] = shaped_array(path, f"{group}.{key}", section[key], CAMERA_SHAPES[name])
    refuse_other_than_rotation(path, "extrinsics.R", camera["rotation"])
    if (camera["focal"] <= 0).any():
        raise InputError(f"{path}: intrinsics_w_distortion.f is {camera['focal'].tolist()}; expected positive pixels")
    return camera


def _refuse_swapped_sides(takes: Takes, root: Path) -> None:
    """Toes point forward, so left = up x forward; converters are known to swap the legs."""

    def joint(name: str) -> Tensor:
        return takes.world[:, :, CHI3D25.index(name)]

    forward = sum((joint(f"{side}_toe") - joint(f"{side}_ankle") for side in ("left", "right")), torch.zeros(3))
    left = torch.linalg.cross(joint("neck") - joint("pelvis"), forward)
    agrees = ((joint("left_hip") - joint("right_hip")) * left).sum(-1) > 0
    if agrees.float().mean() < 0.5:
        raise InputError(
            f"{root}: the left hip lies on the right of the body in {1 - agrees.float().mean():.0%} of the poses; "
            f"expected joints in CHI3D's order, the left leg first ({', '.join(CHI3D25.joints[:7])})"
        )
