"""CHI3D's folder layout on disk, read once into arrays and served as 2D poses.

    <root>/train/<subject>/joints3d_25/<action>.json                    world, metres, z up
    <root>/train/<subject>/camera_parameters/<camera>/<action>.json

Nothing is taken on trust: shapes, finite numbers, rotations and the side of the left leg are checked,
and every error names the file, what was found and what was expected.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from datamodules.batch_sampler import DistributedBatchSampler
from duolift.body.skeleton import CHI3D25, Skeleton
from duolift.errors import InputError
from duolift.files import locked, npz, read_bytes, whole_file
from duolift.geometry.cameras import CalibratedCamera
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.pairs import join_pair
from duolift.geometry.scene_batch import SceneBatch
from duolift.learning.losses import bone_ratios
from duolift.networks.partners import Partners
from duolift.progress import tracked

CAMERAS = ("50591643", "58860488", "60457274", "65906101")
"""The data set's four cameras."""

PEOPLE = 2
LARGEST_FILE = 256 * 2**20  # bytes
CACHE_VERSION = 1
MILLIMETRES = 1000.0
CAMERA_SHAPES = {
    "rotation": (3, 3),
    "centre": (3,),
    "focal": (2,),
    "principal": (2,),
    "radial": (3,),
    "tangential": (2,),
}


@dataclass(frozen=True)
class Takes:
    """Every take of some subjects, concatenated.

    Attributes:
        world: (frame, person, 25, 3), metres, z up, float32.
        start: (take + 1,), where each take's frames begin; the last entry is the number of frames.
        names: (take,), `<subject>/<action>`.
        cameras: names of the views, in the order of `views`.
        views: camera parameters with leading axes (take, camera).
        fingerprint: a digest of the content of every file that was read.
    """

    world: Tensor
    start: Tensor
    names: tuple[str, ...]
    cameras: tuple[str, ...]
    views: CalibratedCamera
    fingerprint: str

    def of(self, subjects: Sequence[str]) -> "Takes":
        """The takes of some of the subjects."""
        chosen = [take for take, name in enumerate(self.names) if name.split("/")[0] in subjects]
        worlds = [self.world[self.start[take] : self.start[take + 1]] for take in chosen]
        return replace(
            self,
            world=torch.cat(worlds),
            start=torch.tensor([0, *(len(world) for world in worlds)]).cumsum(0),
            names=tuple(self.names[take] for take in chosen),
            views=self.views[chosen],
        )

    def scenes(self, skeleton: Skeleton) -> SceneBatch:
        """All views of all frames: projected joints, and the truth they came from."""
        joints = CHI3D25.indices(skeleton.joints)
        parts = []
        for take, name in enumerate(self.names):
            world = self.world[self.start[take] : self.start[take + 1], :, joints]  # (frame, person, joint, 3)
            views = self.views[take, :, None]
            seen = views.to_camera(world.flatten(1, 2))  # (camera, frame, person * joint, 3)
            truth = seen.unflatten(2, world.shape[1:3])
            pixels = self.views[take, :, None, None].project(truth)
            cameras, frames = truth.shape[:2]
            parts.append(
                SceneBatch(
                    pixels=pixels.flatten(0, 1),
                    intrinsics=self.views.intrinsics[take].map(partial(torch.repeat_interleave, repeats=frames, dim=0)),
                    sequence=torch.arange(cameras).repeat_interleave(frames),
                    sequences=tuple(f"{name}/{camera}" for camera in self.cameras),
                    truth=truth.flatten(0, 1) * MILLIMETRES,
                    up=views.up.expand(-1, frames, -1).flatten(0, 1),
                )
            )
        return SceneBatch.concatenate(parts)


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
    content = {path: read_bytes(path, LARGEST_FILE) for take, views in files.items() for path in (take, *views)}
    digest = hashlib.blake2b(repr((CACHE_VERSION, cameras)).encode(), digest_size=16)
    for path, data in content.items():
        digest.update(repr((str(path.relative_to(root)), len(data))).encode() + hashlib.blake2b(data).digest())
    fingerprint = digest.hexdigest()

    cached = cache / f"{fingerprint}.npz" if cache else None
    if cached and (takes := _load(cached, fingerprint)):
        return takes
    takes = _parse(files, content, cameras, fingerprint)
    _refuse_swapped_sides(takes, root)
    if cached:
        _save(takes, cached)
    return takes


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
            names = _json(info, read_bytes(info, LARGEST_FILE)).get("all_camera_names")
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


def _json(path: Path, content: bytes) -> dict:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); is the file cut off?") from error
    if not isinstance(parsed, dict):
        raise InputError(f"{path}: holds a {type(parsed).__name__}; expected a JSON object")
    return parsed


def _array(path: Path, key: str, value: object) -> NDArray[np.float64]:
    """A regular array of finite numbers, or an error that names the key."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: {key} is not a regular array of numbers ({error})") from error
    finite = np.abs(array) <= np.finfo(np.float32).max
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise InputError(f"{path}: {key} holds {array[where]} at {where}; expected finite numbers")
    return array


def _parse(
    files: dict[Path, list[Path]], content: dict[Path, bytes], cameras: Sequence[str], fingerprint: str
) -> Takes:
    joints, views = [], []
    for take in tracked(files, "reading takes", len(files)):
        joints.append(_parse_joints(take, content[take]))
        views.append([_parse_camera(view, content[view]) for view in files[take]])
    parameters = {key: np.array([[view[key] for view in take] for take in views]) for key in CAMERA_SHAPES}
    return Takes(
        world=torch.cat(joints),
        start=torch.tensor([0, *(len(j) for j in joints)]).cumsum(0),
        names=tuple(f"{take.parent.parent.name}/{take.stem}" for take in files),
        cameras=tuple(cameras),
        views=CalibratedCamera(
            **{key: torch.from_numpy(values.astype(np.float32)) for key, values in parameters.items()}
        ),
        fingerprint=fingerprint,
    )


def _parse_joints(path: Path, content: bytes) -> Tensor:
    """(frame, person, 25, 3) from the file's (person, frame, 25, 3)."""
    key = "joints3d_25"
    value = _json(path, content).get(key)
    if value is None:
        raise InputError(f"{path}: no key {key}; expected (person 2, frame, joint {len(CHI3D25)}, 3)")
    if isinstance(value, list) and len(value) == PEOPLE:
        frames = [len(person) if isinstance(person, list) else 0 for person in value]
        if frames[0] != frames[1]:
            raise InputError(
                f"{path}: {key} has {frames[0]} frames of one person and {frames[1]} of the other; expected as many"
            )
    array, expected = _array(path, key, value), f"expected two people, (2, frame, {len(CHI3D25)}, 3)"
    if array.ndim == 3:
        raise InputError(f"{path}: {key} has shape {array.shape}, the early one-person release; {expected}")
    if array.ndim != 4 or array.shape[0] != PEOPLE or array.shape[1] == 0 or array.shape[2:] != (len(CHI3D25), 3):
        raise InputError(f"{path}: {key} has shape {array.shape}; {expected}")
    return torch.from_numpy(array.astype(np.float32)).transpose(0, 1)


def _parse_camera(path: Path, content: bytes) -> dict[str, NDArray[np.float64]]:
    parsed = _json(path, content)
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
        array, shape = _array(path, f"{group}.{key}", section[key]), CAMERA_SHAPES[name]
        if array.size != np.prod(shape):
            raise InputError(f"{path}: {group}.{key} has shape {array.shape}; expected {shape}")
        camera[name] = array.reshape(shape)
    rotation = camera["rotation"]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise InputError(f"{path}: extrinsics.R is not a rotation")
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


def _save(takes: Takes, path: Path) -> None:
    views = {key: getattr(takes.views, key).numpy() for key in CAMERA_SHAPES}
    names = {"names": np.array(takes.names), "cameras": np.array(takes.cameras)}
    arrays = {"world": takes.world.numpy(), "start": takes.start.numpy(), **names, **views}
    with locked(path, wait=True), whole_file(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _load(path: Path, fingerprint: str) -> Takes | None:
    """A parsed copy, or None where there is none that can be read."""
    try:
        arrays = npz.read_arrays(path, str(path), "this")
        return _takes(arrays, fingerprint)
    except (InputError, KeyError, ValueError, TypeError):
        return None


def _takes(arrays: dict[str, NDArray[Any]], fingerprint: str) -> Takes:
    """What `_save` has written. Raises ValueError or KeyError for anything else."""
    world, start, names, cameras = (arrays[key] for key in ("world", "start", "names", "cameras"))
    shapes = {key: (len(names), len(cameras), *shape) for key, shape in CAMERA_SHAPES.items()}
    shapes |= {"world": (len(world), PEOPLE, len(CHI3D25), 3), "start": (len(names) + 1,)}
    for key, shape in shapes.items():
        if arrays[key].shape != shape or arrays[key].dtype != (np.int64 if key == "start" else np.float32):
            raise ValueError(key)
        if not np.isfinite(arrays[key]).all():
            raise ValueError(key)
    if start[0] != 0 or start[-1] != len(world) or (np.diff(start) < 1).any():
        raise ValueError("start")
    if {names.dtype.kind, cameras.dtype.kind} != {"U"}:
        raise ValueError("names")
    return Takes(
        world=torch.from_numpy(world),
        start=torch.from_numpy(start),
        names=tuple(names.tolist()),
        cameras=tuple(cameras.tolist()),
        views=CalibratedCamera(**{key: torch.from_numpy(arrays[key]) for key in CAMERA_SHAPES}),
        fingerprint=fingerprint,
    )


class Poses(Dataset[Any]):
    """Normalised poses (pose, joint, 2) in one tensor, and labels in others; a batch is one indexing, no collation."""

    def __init__(self, poses: Tensor, *labels: Tensor) -> None:
        self.tensors = (poses, *labels)

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> Any:
        chosen = tuple(tensor[index] for tensor in self.tensors)
        return chosen if len(chosen) > 1 else chosen[0]


def _as_is(batch: Any) -> Any:
    return batch


class CHI3DDataModule(pl.LightningDataModule):
    """Serves a CHI3D tree: normalised 2D poses for training, scenes with ground truth for evaluation.

    Training and validation batches are poses (batch, joint, 2) and nothing else: no 3D reaches a module
    from here, but for the supervised reference, which asks for `labels`. `evaluation` is what the evaluation
    callback scores on.

    Args:
        root: the folder that holds `train`.
        train: subjects to train on.
        evaluate: subjects to evaluate on; their 2D poses also serve as held-out poses for likelihoods.
        skeleton: the joints to serve.
        bodies: `person` serves each person's pose; `pair` both people as one pose about the mid-point
            of their pelvises.
        c: head lengths from camera to root, or None to derive it from the cameras' focal length.
        centring: `shift` or `ray`; see `duolift.geometry.normalisation`.
        batch_size: poses a step, of all of the trainer's processes together.
        held_out: at most so many poses for validation, evenly spaced.
        cameras: views to read, or None for those the data set names.
        cache: folder for parsed copies.
        labels: serve (poses, depth offsets (batch, joint), elevations (batch,)) instead.
        extra: further trees, whose poses of all subjects, in their own head lengths, join the training poses.
        extra_share: at most so many of them for every training pose.
        partners: serve (poses, the nearest other person's (batch, joint, 2), whether there is one within reach
            (batch,)) instead; see `duolift.networks.partners`.
        seed: of the order in which poses are trained on.
    """

    def __init__(
        self,
        root: Path,
        skeleton: Skeleton,
        train: Sequence[str] = ("s02", "s03"),
        evaluate: Sequence[str] = ("s04",),
        bodies: str = "person",
        c: float | None = None,
        centring: str = "ray",
        batch_size: int = 256,
        held_out: int = 4096,
        cameras: Sequence[str] | None = None,
        cache: Path | None = None,
        labels: bool = False,
        extra: Sequence[Path] = (),
        extra_share: float = 0.5,
        partners: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if partners and (labels or bodies == "pair"):
            raise ValueError("partners are beside a single person's poses: expected no labels, no pairs")
        if labels and (extra or bodies == "pair"):
            raise ValueError("labels are a single person's and the training subjects' own: expected no extra, no pairs")
        self.root, self.cache, self.labels = Path(root), cache, labels
        self.extra, self.extra_share, self.partners = tuple(extra), extra_share, partners
        self.skeleton, self.train, self.evaluate, self.cameras = skeleton, tuple(train), tuple(evaluate), cameras
        self.bodies, self.c, self.centring, self.batch_size, self.held_out = bodies, c, centring, batch_size, held_out
        self.seed = seed

    def setup(self, stage: str | None = None) -> None:
        """Read the takes, measure the unit of length on the training set, normalise."""
        if hasattr(self, "normalisation"):
            return
        takes = read(self.root, [*self.train, *self.evaluate], self.cameras, self.cache)
        labelled = takes.of(self.train).scenes(self.skeleton)
        training = labelled.without_truth()
        self.normalisation = Normalisation.fitted(training, self.skeleton, self.c, self.centring)
        self.evaluation = takes.of(self.evaluate).scenes(self.skeleton)
        self.fingerprint = takes.fingerprint
        self._training_world = takes.of(self.train).world[:, :, CHI3D25.indices(self.skeleton.joints)]
        self.training_poses = self.poses(training)
        if self.partners:
            self.training_partners = self._beside(training)
        for root in self.extra:
            self._join(root, int(self.extra_share * len(self.training_poses)))
        held_out = self.poses(self.evaluation)
        every = -(-len(held_out) // self.held_out)
        self.validation_poses = held_out[::every]
        if self.partners:
            self.validation_partners = tuple(part[::every] for part in self._beside(self.evaluation))
        if self.labels:
            self.training_labels = self._labels(labelled)
            self.validation_labels = tuple(label[::every] for label in self._labels(self.evaluation))

    def in_batches_of(self, size: int) -> Self:
        """The same data, read once, in batches of another size."""
        other = copy(self)
        other.batch_size = size
        return other

    def _join(self, root: Path, most: int) -> None:
        """Add another tree's poses, evenly spaced, to the training poses."""
        takes = read(root, subjects_of(root), None, self.cache)
        scenes = takes.scenes(self.skeleton).without_truth()
        own = Normalisation.fitted(scenes, self.skeleton, self.normalisation.c, self.centring)
        poses = self.poses(scenes, own)
        chosen = torch.linspace(0, len(poses) - 1, min(most, len(poses))).long()
        self.training_poses = torch.cat([self.training_poses, poses[chosen]])
        if self.partners:
            pairs = zip(self.training_partners, self._beside(scenes, own), strict=True)
            self.training_partners = tuple(torch.cat([ours, theirs[chosen]]) for ours, theirs in pairs)
        self.fingerprint += f" + {takes.fingerprint}"

    @property
    def pose_skeleton(self) -> Skeleton:
        """The skeleton of the poses served: a person's, or a pair's."""
        return self.skeleton if self.bodies == "person" else self.skeleton.pair()

    def poses(self, scenes: SceneBatch, normalisation: Normalisation | None = None) -> Tensor:
        """Normalised poses (pose, joint, 2) of every body in the scenes, by the training set's unit or another."""
        normalisation = normalisation or self.normalisation
        seen = normalisation.coordinates(scenes)
        seen = seen if self.bodies == "person" else join_pair(seen, self.skeleton)
        return normalisation(seen, seen[..., self.pose_skeleton.root_index, :]).flatten(0, 1)

    def partners_of(
        self, scenes: SceneBatch, visible: Tensor | None = None, normalisation: Normalisation | None = None
    ) -> Partners:
        """The nearest other person beside every person of `poses`, (pose, joint, 2).

        Args:
            visible: (scene, person, joint), or None where everything is.
        """
        normalisation = normalisation or self.normalisation
        seen = normalisation.coordinates(scenes)
        visible = torch.ones_like(seen[..., 0], dtype=torch.bool) if visible is None else visible
        return Partners.of(seen, visible, normalisation, self.skeleton).map(lambda tensor: tensor.flatten(0, 1))

    def _beside(self, scenes: SceneBatch, normalisation: Normalisation | None = None) -> tuple[Tensor, ...]:
        """Partners (pose, joint, 2), all of whose joints are seen, and which of them are there (pose,)."""
        partners = self.partners_of(scenes, None, normalisation)
        return partners.poses, partners.visible.any(-1)

    def _labels(self, scenes: SceneBatch) -> tuple[Tensor, Tensor]:
        """True depth offsets (pose, joint), as a perfect lifter gives them, and elevations (pose,)."""
        offsets = self.normalisation.true_bodies(scenes, self.skeleton)[..., 2]
        return offsets.flatten(0, 1), scenes.elevations(self.skeleton.root_index).flatten()

    def bone_ratios(self) -> Tensor:
        """Mean bone-length ratios (bone,) of the training subjects: statistics of their 3D skeletons, not of any
        pose, which ElePose and LInKs take as known."""
        ratios = bone_ratios(
            self._training_world, torch.tensor([self.skeleton.indices(bone) for bone in self.skeleton.bones])
        )
        mean = ratios.flatten(0, -2).mean(0)
        return mean if self.bodies == "person" else mean.repeat(PEOPLE)

    def train_dataloader(self) -> DataLoader[Any]:
        stack = self.training_labels if self.labels else self.training_partners if self.partners else ()
        return self._loader(Poses(self.training_poses, *stack), self.batch_size, self.seed)

    def val_dataloader(self) -> DataLoader[Any]:
        stack = self.validation_labels if self.labels else self.validation_partners if self.partners else ()
        return self._loader(Poses(self.validation_poses, *stack), 4 * self.batch_size, None)

    def _loader(self, poses: Poses, batch_size: int, seed: int | None) -> DataLoader[Any]:
        """What serves this process its share of every batch."""
        process, processes = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        shares = DistributedBatchSampler(len(poses), batch_size, process, processes, seed)
        return DataLoader(poses, batch_size=None, sampler=shares, collate_fn=_as_is)
