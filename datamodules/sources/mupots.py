"""MuPoTS-3D as it is distributed, read by SciPy into arrays; docs/crowds.md describes it.

    <root>/TS<1 to 20>/annot.mat      of every frame and person the joints in the image, and before the camera

Mehta et al., "Single-Shot Multi-Person 3D Pose Estimation From Monocular RGB", 3DV 2018,
https://vcai.mpi-inf.mpg.de/projects/SingleShotMultiPerson. A test set: two or three people of whom not all are
annotated in every frame. The files have no cameras: a lens follows from joints whose place in the image and before the
camera is known, and where up is from people, who stand and walk upright on the whole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.cache import FileContents, fingerprint_of
from datamodules.sources.matlab import Fields, MatlabError, read_structures
from datamodules.takes import Takes, sizes_of
from duolift.errors import InputError
from duolift.files.reading import regular
from duolift.geometry.cameras import CalibratedCamera

Array = NDArray[np.float64]

JOINTS = (
    *("head_top", "neck"),
    *("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("pelvis", "spine", "head"),
)
"""The files' 17 joints, in their order, which is MPI-INF-3DHP's."""

ANNOTATIONS = "annotations"
"""What the file's array (frame, person) of structures is called."""

FIELDS = {"annot2": (2, len(JOINTS)), "annot3": (3, len(JOINTS)), "isValidFrame": (1, 1)}
"""Field of a structure -> its shape: pixels, millimetres before the camera, and whether it is a person's at all."""

SEQUENCES = tuple(f"TS{number}" for number in range(1, 21))
INDOORS = 5
"""The first sequences are indoors, in images of another size."""

IMAGES = ((2048.0, 2048.0), (1920.0, 1080.0))
"""Width and height of images indoors and outdoors, pixels."""

CAMERA = "camera"
METRES_PER_MILLIMETRE = 0.001

MOST_BYTES = 256 * 2**20
"""Of a file, at most: the largest has 2 MB."""

MOST_PIXELS = 4.0
"""How far, root mean square, joints may be from their places by the lens that follows from them."""


def read(root: Path, subjects: Sequence[str], cameras: Sequence[str] | None = None, cache: Path | None = None) -> Takes:
    """Read sequences.

    Args:
        root: the folder of sequences.
        subjects: such as `TS1`.
        cameras: None; every sequence has one camera.
        cache: not used, since files are read in seconds.

    Raises:
        InputError: anything that is missing or not as MuPoTS-3D has it.
    """
    if cameras is not None:
        raise InputError(f"data.cameras is {list(cameras)}; expected null, since every sequence has one camera")
    files = {subject: root / subject / "annot.mat" for subject in subjects}
    found = [
        sequence_of(path, fields)
        for path, fields in zip(files.values(), annotations_of([*files.values()]), strict=True)
    ]
    lenses = {
        "focal": [one.focal for one in found],
        "principal": [one.principal for one in found],
        "radial": [np.zeros(3)] * len(found),
        "tangential": [np.zeros(2)] * len(found),
        "rotation": [one.rotation for one in found],
        "centre": [np.zeros(3)] * len(found),
    }
    places = [_place(subject) for subject in subjects]
    return Takes.joined(
        [torch.from_numpy((one.people @ one.rotation).astype(np.float32)) for one in found],
        [torch.from_numpy(np.repeat(one.valid[..., None], len(JOINTS), axis=-1)) for one in found],
        names=tuple(f"{subject}/{place}" for subject, (place, _) in zip(subjects, places, strict=True)),
        joints=JOINTS,
        cameras=(CAMERA,),
        views=CalibratedCamera(
            **{key: torch.from_numpy(np.stack(values)[:, None]).float() for key, values in lenses.items()}
        ),
        fingerprint=fingerprint_of(FileContents(root, files.values(), MOST_BYTES), "mupots"),
        cameras_by_take=True,
        **sizes_of([size for _, size in places]),
    )


def annotations_of(paths: Sequence[Path]) -> list[Fields]:
    """The fields of each file's structures. Raises InputError where a file is not as MuPoTS-3D has it."""
    for path in paths:
        if regular(path).stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: is larger than {MOST_BYTES // 2**20} MB; expected less")
    try:
        return read_structures(paths, ANNOTATIONS, FIELDS)
    except MatlabError as error:
        number, text = error.args
        raise InputError(f"{paths[number]}: {text}") from error


def subjects_of(root: Path) -> list[str]:
    """The sequences in a folder, in order. Raises InputError where there are none."""
    found = [path.parent.name for path in root.glob("*/annot.mat")]
    if not found:
        raise InputError(f"{root}: holds no sequences; expected <root>/TS<number>/annot.mat")
    return sorted(found, key=lambda name: (_number(name), name))


@dataclass(frozen=True)
class Sequence3D:
    """A sequence: people (frame, person, joint, 3) before the camera, metres, y down; who is annotated (frame, person);
    and the lens, pixels, and rotation, from a world with z up, that follow from them."""

    people: Array
    valid: NDArray[np.bool_]
    focal: Array
    principal: Array
    rotation: Array


def sequence_of(path: Path, fields: Fields) -> Sequence3D:
    """A file's sequence.

    Args:
        path: for messages.
        fields: of `FIELDS`, each (frame, person, ...).

    Raises:
        InputError: nobody is annotated, or the fields do not fit each other.
    """
    valid: NDArray[np.bool_] = np.asarray(fields["isValidFrame"][..., 0, 0] > 0)
    people = np.where(valid[..., None, None], fields["annot3"].swapaxes(-1, -2), 0.0) * METRES_PER_MILLIMETRE
    pixels = fields["annot2"].swapaxes(-1, -2)
    if not valid.any():
        raise InputError(f"{path}: {ANNOTATIONS} has no person with isValidFrame; expected at least one")
    if (people[valid][..., 2] <= 0).any():
        raise InputError(f"{path}: annot3 has joints behind the camera; expected millimetres before it, z forward")
    focal, principal = lens_of(path, people[valid].reshape(-1, 3), pixels[valid].reshape(-1, 2))
    return Sequence3D(people, valid, focal, principal, upright_rotation(path, people[valid]))


def lens_of(path: Path, points: Array, pixels: Array) -> tuple[Array, Array]:
    """The focal lengths (2,) and principal point (2,) by which points before the camera are seen at their pixels.

    Args:
        path: for messages.
        points: (point, 3), metres.
        pixels: (point, 2).

    Raises:
        InputError: no lens without distortion sees them so.

    >>> points = np.array([[0.0, 0.0, 2.0], [1.0, 0.5, 2.0], [-1.0, 1.0, 4.0]])
    >>> focal, principal = lens_of(Path("a.mat"), points, 1000 * points[:, :2] / points[:, 2:] + [960.0, 540.0])
    >>> focal.round(), principal.round()
    (array([1000., 1000.]), array([960., 540.]))
    """
    slopes = points[:, :2] / points[:, 2:]
    focal, principal, off = np.empty(2), np.empty(2), np.empty(2)
    for axis in range(2):
        design = np.column_stack([slopes[:, axis], np.ones(len(slopes))])
        (focal[axis], principal[axis]), *_ = np.linalg.lstsq(design, pixels[:, axis], rcond=None)
        off[axis] = np.sqrt(np.mean((design @ [focal[axis], principal[axis]] - pixels[:, axis]) ** 2))
    if not (off.max() <= MOST_PIXELS and focal.min() > 0):
        raise InputError(
            f"{path}: annot2 is off by {off.max():.1f} pixels from annot3 by the best lens; expected projections of it"
        )
    return focal, principal


def upright_rotation(path: Path, people: Array) -> Array:
    """The rotation (3, 3) to the camera from a world in which people (person, joint, 3) stand upright, z up.

    >>> people = np.zeros((1, 17, 3))
    >>> people[:, JOINTS.index("neck"), 1] = -1.0  # above the ankles: y points down
    >>> upright_rotation(Path("a.mat"), people) + 0.0
    array([[ 1.,  0.,  0.],
           [ 0.,  0., -1.],
           [ 0.,  1.,  0.]])
    """
    ankles = [JOINTS.index("left_ankle"), JOINTS.index("right_ankle")]
    rise = people[:, JOINTS.index("neck")] - people[:, ankles].mean(1)
    length = np.linalg.norm(rise, axis=-1, keepdims=True)
    up = np.median(rise / np.where(length > 0, length, 1.0), axis=0)
    if up[1] >= 0 or np.linalg.norm(up) < 0.5:
        raise InputError(f"{path}: most people of annot3 do not stand upright; expected y to point down")
    up /= np.linalg.norm(up)
    ahead = np.array([0.0, 0.0, 1.0]) - up[2] * up
    ahead /= np.linalg.norm(ahead)
    return np.column_stack([np.cross(ahead, up), ahead, up])


def _place(subject: str) -> tuple[str, tuple[float, float]]:
    """Indoors or outdoors, and the size of images there."""
    indoors = _number(subject) <= INDOORS
    return ("indoors", IMAGES[0]) if indoors else ("outdoors", IMAGES[1])


def _number(subject: str) -> int:
    digits = re.search(r"\d{1,6}$", subject)
    return int(digits.group()) if digits else INDOORS + 1
