"""CMU Panoptic as it is distributed, read into arrays; docs/crowds.md describes it.

    <root>/<sequence>/hdPose3d_stage1_coco19/body3DScene_<frame>.json     everybody in a frame: centimetres, y down
    <root>/<sequence>/calibration_<sequence>.json                         all cameras of the dome

Joo et al., "Panoptic Studio: A Massively Multiview System for Social Motion Capture", ICCV 2015,
http://domedb.perception.cs.cmu.edu. Three to eight people come and go, and are seen in part: a joint that was not found
is not known, and who leaves the image is not in it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.cache import FileContents, cached, fingerprint_of
from datamodules.sources.json_arrays import finite_array, refuse_other_than_rotation, shaped_array
from datamodules.takes import Takes, sizes_of
from duolift.bounds import Fraction, Positive, check_bounds
from duolift.errors import InputError
from duolift.files.whole_json import json_object
from duolift.geometry.cameras import CalibratedCamera, opencv_tangential
from duolift.inputs.keypoints import PROPORTIONS
from duolift.progress import tracked

Array = NDArray[np.float64]

POSES = "hdPose3d_stage1_coco19"
"""The folder of a sequence's joints; some archives have them in a folder `hd` within it."""

JOINTS = (
    *("neck", "nose", "pelvis"),
    *("left_shoulder", "left_elbow", "left_wrist", "left_hip", "left_knee", "left_ankle"),
    *("right_shoulder", "right_elbow", "right_wrist", "right_hip", "right_knee", "right_ankle"),
    *("left_eye", "left_ear", "right_eye", "right_ear"),
)
"""The files' 19 joints, in their order: https://github.com/CMU-Perceptual-Computing-Lab/panoptic-toolbox."""

FACE = ("nose", "left_eye", "left_ear", "right_eye", "right_ear")
KEPT = (*(joint for joint in JOINTS if joint not in FACE), "head", "head_top")
"""Joints that takes have: the head is between the ears, and its top follows as it does of detectors' joints."""

CAMERAS = ("00_16", "00_30")
"""The two HD cameras by which monocular methods are measured, since MubyNet (Zanfir et al., NeurIPS 2018)."""

ACTIVITIES = ("haggling", "mafia", "ultimatum", "pizza")
"""The four activities by which they are measured."""

TRAIN = (
    *("160224_haggling1", "160226_haggling1", "161202_haggling1", "160906_ian1", "160906_ian2", "160906_ian3"),
    *("160906_band1", "160906_band2", "160906_band3"),
)
"""VoxelPose's training sequences, https://github.com/microsoft/voxelpose-pytorch, but for one that is scored here."""

EVALUATE = ("160422_haggling1", "160422_mafia2", "160422_ultimatum1", "160906_pizza1")
"""A sequence of each of the four activities, as they are usually scored."""

RATE = 29.97
"""Frames a second of the HD cameras."""

CENTIMETRES = 0.01
"""Metres of one."""

TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""From the files' world, y down, to one with z up."""

MOST_BYTES = 64 * 2**20
"""Of a file, at most: a frame of eight people has 8 kB, the calibration of 520 cameras 250."""


@dataclass(frozen=True)
class PanopticConfig:
    """Which frames are read, and which joints count as known: `data.panoptic` of a run.

    Attributes:
        every: one frame of so many: 3 are 10 a second, as of motion capture.
        confidence: a joint of no more than this is not known, as VoxelPose has it. Those that were not found have -1.
        longest: seconds of a take, at most: who comes back later is somebody else.
    """

    every: Positive[int] = 3
    confidence: Fraction = 0.1
    longest: Positive[float] = 60.0

    def __post_init__(self) -> None:
        check_bounds(self)


DEFAULT = PanopticConfig()


def read(
    root: Path,
    subjects: Sequence[str],
    cameras: Sequence[str] | None = None,
    cache: Path | None = None,
    settings: PanopticConfig = DEFAULT,
) -> Takes:
    """Read sequences, from the cache where the same files were read before.

    Args:
        root: the folder of sequences.
        subjects: sequences by name, such as `160422_haggling1`, or activities, such as `haggling`: all of its.
        cameras: HD cameras by number or name, such as `16` or `00_16`; None for `CAMERAS`.
        cache: folder of parsed copies; None parses every time.
        settings: which frames.

    Raises:
        InputError: anything that is missing or not as CMU Panoptic has it.
    """
    names = tuple(dict.fromkeys(map(camera_name, CAMERAS if cameras is None else cameras)))
    takes = [stretch for subject in subjects for stretch in _stretches(root, subject, settings)]
    _refuse_twice(takes)
    files = [file for stretch in takes for file in stretch.files]
    calibrations = {
        stretch.sequence: root / stretch.sequence / f"calibration_{stretch.sequence}.json" for stretch in takes
    }
    contents = FileContents(root, [*files, *calibrations.values()], MOST_BYTES)
    fingerprint = fingerprint_of(contents, names, settings, [stretch.name for stretch in takes])

    def parse() -> Takes:
        found = {name: read_cameras(path, contents[_within(root, path)], names) for name, path in calibrations.items()}
        worlds, valid = [], []
        for stretch in tracked(takes, "reading takes", len(takes)):
            frames = [read_bodies(path, contents[_within(root, path)]) for path in stretch.files]
            world, known = people_of(frames, settings.confidence)
            worlds.append(world)
            valid.append(known)
        views = [found[stretch.sequence] for stretch in takes]
        _refuse_unlike_people(worlds, valid, root)
        return Takes.joined(
            [torch.from_numpy(world.astype(np.float32)) for world in worlds],
            [torch.from_numpy(known) for known in valid],
            names=tuple(stretch.name for stretch in takes),
            joints=KEPT,
            cameras=names,
            views=CalibratedCamera(
                **{key: torch.stack([view.lenses[key] for view in views]) for key in views[0].lenses}
            ),
            fingerprint=fingerprint,
            **sizes_of([view.image for view in views]),
        )

    return cached(cache, fingerprint, parse)


def subjects_of(root: Path) -> list[str]:
    """The sequences in a folder. Raises InputError where there are none."""
    found = sorted(path.parent.name for path in root.glob(f"*/{POSES}"))
    if not found:
        inside = f" (that is a sequence: give the folder that holds {root.name})" if (root / POSES).is_dir() else ""
        raise InputError(f"{root}: holds no sequences{inside}; expected <root>/<sequence>/{POSES}")
    return found


def camera_name(camera: object) -> str:
    """An HD camera's name by its number or name.

    >>> camera_name(3), camera_name("16"), camera_name("00_30")
    ('00_03', '00_16', '00_30')
    """
    text = str(camera)
    return f"00_{int(text):02d}" if text.isdecimal() and len(text) <= 2 else text


def activity_of(sequence: str) -> str:
    """The activity of a sequence: its name without the date and the number.

    >>> activity_of("160422_haggling1")
    'haggling'
    """
    return re.sub(r"^\d+_|\d+$", "", sequence)


# Sequences and stretches ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stretch:
    """A part of a sequence, read as a take: `name` is the take's, `<as it was asked for>/<sequence> <number>`."""

    sequence: str
    name: str
    files: tuple[Path, ...]


def _stretches(root: Path, subject: str, settings: PanopticConfig) -> Iterator[Stretch]:
    """All stretches of a sequence, or of all sequences of an activity."""
    there = subjects_of(root)
    sequences = [subject] if subject in there else [name for name in there if activity_of(name) == subject]
    if not sequences:
        raise InputError(f"{root}: has no sequence or activity {subject}; expected some of {', '.join(there)}")
    longest = max(1, round(settings.longest * RATE / settings.every))
    for sequence in sequences:
        runs = _runs(root / sequence / POSES, settings.every)
        parts = [run[start : start + longest] for run in runs for start in range(0, len(run), longest)]
        for number, files in enumerate(parts, start=1):
            yield Stretch(sequence, f"{subject}/{sequence} {number}", tuple(files))


def _runs(folder: Path, every: int) -> list[list[Path]]:
    """A sequence's files, one frame of so many, in runs of frames that follow one another."""
    numbered = []
    for path in (*folder.glob("body3DScene_*.json"), *folder.glob("hd/body3DScene_*.json")):
        digits = path.stem.rpartition("_")[2]
        if not digits.isdecimal() or len(digits) > 12:
            raise InputError(f"{path}: has no frame's number; expected body3DScene_<frame>.json")
        numbered.append((int(digits), path))
    if not numbered:
        raise InputError(f"{folder}: no frames found; expected files body3DScene_<frame>.json")
    runs: list[list[Path]] = []
    last = None
    for number, path in sorted(numbered)[::every]:
        if last is None or number - last > 2 * every:
            runs.append([])
        runs[-1].append(path)
        last = number
    return runs


def _refuse_twice(stretches: Sequence[Stretch]) -> None:
    """A sequence that is learned from and scored on would score what was learned by heart."""
    asked: dict[str, str] = {}
    for stretch in stretches:
        subject = asked.setdefault(stretch.sequence, stretch.name.partition("/")[0])
        if subject != stretch.name.partition("/")[0]:
            other = stretch.name.partition("/")[0]
            raise InputError(f"{stretch.sequence} is asked for as {subject} and as {other}; expected each once")


def _within(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


# Cameras --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Views:
    """Some cameras of a sequence: their parameters with a leading axis (camera,), and width and height of images."""

    lenses: Mapping[str, torch.Tensor]
    image: tuple[float, float]


def read_cameras(path: Path, content: bytes, names: Sequence[str]) -> Views:
    """Some of a calibration's cameras, z up, metres.

    Raises:
        InputError: a camera is not there, or not as a calibration has it.
    """
    listed = json_object(path, content).get("cameras")
    if not isinstance(listed, list):
        raise InputError(f"{path}: cameras is {type(listed).__name__}; expected a list")
    cameras = [camera for camera in listed if isinstance(camera, dict) and camera.get("type") == "hd"]
    by_name = {str(camera.get("name")): camera for camera in cameras}
    found: list[dict[str, Array]] = []
    for name in names:
        if name not in by_name:
            there = ", ".join(str(known) for known in by_name)[:200]
            raise InputError(f"{path}: has no HD camera {name}; expected some of {there or 'those of type hd'}")
        found.append(_camera(path, name, by_name[name]))
    sizes = {tuple(camera.pop("image").tolist()) for camera in found}
    if len(sizes) > 1:
        raise InputError(f"{path}: cameras have images of {len(sizes)} sizes; expected one, such as 1920 x 1080")
    stacked = {key: torch.from_numpy(np.stack([camera[key] for camera in found])).float() for key in found[0]}
    width, height = sizes.pop()
    return Views(stacked, (width, height))


def _camera(path: Path, name: str, camera: Mapping[str, Any]) -> dict[str, Array]:
    """A camera's parameters and the size of its image."""
    shapes = {"K": (3, 3), "distCoef": (5,), "R": (3, 3), "t": (3,), "resolution": (2,)}
    if missing := [key for key in shapes if key not in camera]:
        raise InputError(f"{path}: camera {name} has no key {missing[0]}")
    given = {key: shaped_array(path, f"{key} of camera {name}", camera[key], shape) for key, shape in shapes.items()}
    matrix, rotation = given["K"], given["R"]
    refuse_other_than_rotation(path, f"R of camera {name}", rotation)
    if min(matrix[0, 0], matrix[1, 1], *given["resolution"]) <= 0:
        raise InputError(f"{path}: K or resolution of camera {name} is not positive; expected pixels")
    k1, k2, p1, p2, k3 = given["distCoef"]
    return {
        "rotation": rotation @ TO_Z_UP.T,
        "centre": TO_Z_UP @ (-rotation.T @ given["t"]) * CENTIMETRES,
        "focal": matrix[[0, 1], [0, 1]],
        "principal": matrix[:2, 2],
        "radial": np.array([k1, k2, k3]),
        "tangential": opencv_tangential(torch.tensor([p1, p2], dtype=torch.float64)).numpy(),
        "image": given["resolution"],
    }


# People ---------------------------------------------------------------------------------------------------------------


def read_bodies(path: Path, content: bytes) -> dict[int, Array]:
    """Everybody in a frame: identity -> (joint, 4), as the file has them.

    Raises:
        InputError: what is no list of bodies of 19 joints.
    """
    bodies = json_object(path, content).get("bodies")
    if not isinstance(bodies, list):
        raise InputError(f"{path}: bodies is {type(bodies).__name__}; expected a list")
    found: dict[int, Array] = {}
    for number, body in enumerate(bodies):
        identity = body.get("id") if isinstance(body, dict) else None
        if type(identity) is not int or abs(identity) >= 2**31 or identity in found:
            raise InputError(
                f"{path}: bodies[{number}].id is {str(identity)[:40]!r}; expected a whole number of its own"
            )
        joints = finite_array(path, f"bodies[{number}].joints19", body.get("joints19"))
        if joints.shape != (4 * len(JOINTS),):
            raise InputError(
                f"{path}: bodies[{number}].joints19 has shape {joints.shape}; expected ({4 * len(JOINTS)},)"
            )
        found[identity] = joints.reshape(-1, 4)
    return found


def people_of(frames: Sequence[Mapping[int, Array]], confidence: float) -> tuple[Array, NDArray[np.bool_]]:
    """The people of a take, each with an index throughout.

    Args:
        frames: of each, identity -> (joint, 4) as the files have them.
        confidence: of a joint, at most, that is not known.

    Returns:
        (frame, person, joint, 3), of the joints of `KEPT`, metres, z up; and which are known, (frame, person, joint).
    """
    identities = sorted({identity for frame in frames for identity in frame})
    files = np.zeros((len(frames), max(1, len(identities)), len(JOINTS), 4))
    files[..., 3] = -1.0
    for number, frame in enumerate(frames):
        for identity, joints in frame.items():
            files[number, identities.index(identity)] = joints
    known: NDArray[np.bool_] = np.greater(files[..., 3], confidence)
    places = np.where(known[..., None], files[..., :3], 0.0) @ TO_Z_UP.T * CENTIMETRES
    ears, neck = [JOINTS.index("left_ear"), JOINTS.index("right_ear")], places[..., JOINTS.index("neck"), :]
    head, head_known = places[..., ears, :].mean(-2), known[..., ears[0]] & known[..., ears[1]]
    top, top_known = neck + (head - neck) / PROPORTIONS.head, head_known & known[..., JOINTS.index("neck")]
    own = [JOINTS.index(joint) for joint in KEPT[:-2]]
    world = np.concatenate([places[..., own, :], head[..., None, :], top[..., None, :]], axis=-2)
    valid = np.concatenate([known[..., own], head_known[..., None], top_known[..., None]], axis=-1)
    return np.where(valid[..., None], world, 0.0), valid


def _refuse_unlike_people(worlds: Sequence[Array], valid: Sequence[NDArray[np.bool_]], root: Path) -> None:
    """People have their necks above their pelvises, and are of people's size: another unit or axis is a mistake."""
    whole = [known.all(-1) for known in valid]
    if not any(known.any() for known in whole):
        raise InputError(f"{root}: nobody has all joints known in any frame; expected people of {len(JOINTS)} joints")
    neck, pelvis = (
        np.concatenate([world[..., KEPT.index(joint), :][known] for world, known in zip(worlds, whole, strict=True)])
        for joint in ("neck", "pelvis")
    )
    trunk = neck - pelvis
    length = float(np.median(np.linalg.norm(trunk, axis=-1)))
    if not 0.2 < length < 1.0:
        raise InputError(f"{root}: trunks are {100 * length:.3g} cm long; expected joints in centimetres")
    if np.mean(trunk[:, 2] > 0) < 0.5:
        raise InputError(f"{root}: most necks lie below the pelvis; expected a world whose y points down")
