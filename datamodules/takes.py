"""What any 3D data set gives: recordings of several people before calibrated cameras, and the scenes made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.errors import InputError
from duolift.geometry.cameras import CalibratedCamera
from duolift.geometry.scene_batch import SceneBatch
from duolift.learning.losses import bone_ratios

MILLIMETRES_PER_METRE = 1000.0
"""Takes are in metres, the truth of scenes in millimetres."""

CAMERA_SHAPES = {
    "rotation": (3, 3),
    "centre": (3,),
    "focal": (2,),
    "principal": (2,),
    "radial": (3,),
    "tangential": (2,),
}
"""Parameter of a `CalibratedCamera` -> the shape of one camera's."""


@dataclass(frozen=True)
class Takes:
    """Every take of some subjects, concatenated. A take is a recording of the same people by all cameras.

    Attributes:
        world: (frame, person, joint, 3), metres, z up, float32. All takes have as many people.
        start: (take + 1,), where each take's frames begin; the last entry is the number of frames.
        names: (take,), `<subject>/<action>`.
        joints: names of the joints, in the order of `world`'s joint axis, as `duolift.body.skeleton.PARENTS` has them.
        cameras: names of the views, in the order of `views`.
        views: camera parameters with leading axes (take, camera).
        fingerprint: a digest of the content of every file that was read; see `datamodules.cache.fingerprint_of`.
        image: width and height of the images, pixels, or None where nothing says so.

    Raises:
        ValueError: the parts do not fit each other, or hold what is no finite number: the source's reader is wrong.
    """

    world: Tensor
    start: Tensor
    names: tuple[str, ...]
    joints: tuple[str, ...]
    cameras: tuple[str, ...]
    views: CalibratedCamera
    fingerprint: str
    image: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        frames, takes, joints = len(self.world), len(self.names), len(self.joints)
        people = self.people if self.world.ndim == 4 else 1
        shapes = {"world": (frames, people, joints, 3), "start": (takes + 1,)}
        shapes |= {key: (takes, len(self.cameras), *shape) for key, shape in CAMERA_SHAPES.items()}
        for name, shape in shapes.items():
            tensor = getattr(self if name in ("world", "start") else self.views, name)
            kind = torch.int64 if name == "start" else torch.float32
            if tuple(tensor.shape) != shape or tensor.dtype != kind:
                raise ValueError(f"{name} is {tuple(tensor.shape)} of {tensor.dtype}; expected {shape} of {kind}")
            if not tensor.isfinite().all():
                raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
        if self.start[0] != 0 or self.start[-1] != frames or (self.start.diff() < 1).any():
            raise ValueError(f"start is {self.start.tolist()}; expected 0, where each take ends, and last {frames}")

    @classmethod
    def joined(cls, worlds: Sequence[Tensor], **others: Any) -> "Takes":
        """Takes of one tensor (frame, person, joint, 3) each, and the other attributes by name.

        Raises:
            InputError: the takes are of different numbers of people.
        """
        if len(counts := sorted({world.shape[1] for world in worlds})) > 1:
            found = " and ".join(map(str, counts))
            raise InputError(f"takes of {found} people; expected as many in all takes that are read together")
        start = torch.tensor([0, *(len(world) for world in worlds)]).cumsum(0)
        return cls(world=torch.cat(list(worlds)), start=start, **others)

    @property
    def people(self) -> int:
        """The number of people in every take."""
        return self.world.shape[1]

    def frames(self, take: int) -> Tensor:
        """A take's frames, (frame, person, joint, 3)."""
        return self.world[self.start[take] : self.start[take + 1]]

    def of(self, subjects: Sequence[str]) -> "Takes":
        """The takes of some of the subjects.

        Raises:
            InputError: there are none of one of them.
        """
        subject_of = [name.split("/")[0] for name in self.names]
        if missing := [subject for subject in subjects if subject not in subject_of]:
            found = ", ".join(dict.fromkeys(subject_of))
            raise InputError(f"the data has no takes of {', '.join(missing)}; expected subjects among {found}")
        chosen = [take for take, subject in enumerate(subject_of) if subject in subjects]
        kept = {name: getattr(self, name) for name in ("joints", "cameras", "fingerprint", "image")}
        names = tuple(self.names[take] for take in chosen)
        return Takes.joined([self.frames(take) for take in chosen], names=names, views=self.views[chosen], **kept)

    def with_joints(self, skeleton: Skeleton) -> "Takes":
        """The same takes with the joints of a skeleton, in its order.

        Raises:
            InputError: joints of the skeleton are not among the takes'.
        """
        if missing := [joint for joint in skeleton.joints if joint not in self.joints]:
            raise InputError(
                f"the data has no {', '.join(missing)}, which the skeleton {skeleton.name} holds; "
                f"expected data.skeleton with joints among {', '.join(self.joints)}"
            )
        order = [self.joints.index(joint) for joint in skeleton.joints]
        return replace(self, world=self.world[:, :, order], joints=skeleton.joints)

    def bone_ratios(self, skeleton: Skeleton) -> Tensor:
        """Mean ratio of each bone's length to the person's mean bone length, (bone,)."""
        bones = torch.tensor([skeleton.indices(bone) for bone in skeleton.bones])
        return bone_ratios(self.with_joints(skeleton).world, bones).flatten(0, -2).mean(0)

    def scenes(self, skeleton: Skeleton) -> SceneBatch:
        """All views of all frames, take by take and camera by camera: projected joints, and the 3D truth behind them.

        Raises:
            InputError: joints of the skeleton are not among the takes'.
        """
        parts, takes = [], self.with_joints(skeleton)
        for take, name in enumerate(self.names):
            world = takes.frames(take)  # (frame, person, joint, 3)
            views = self.views[take, :, None]  # (camera, 1): every frame of a camera has its parameters
            points = views.to_camera(world.flatten(1, 2))  # (camera, frame, person * joint, 3)
            truth = points.unflatten(2, world.shape[1:3])  # (camera, frame, person, joint, 3)
            pixels = self.views[take, :, None, None].project(truth)  # (camera, frame, person, joint, 2)
            cameras, frames = truth.shape[:2]
            parts.append(
                SceneBatch(
                    pixels=pixels.flatten(0, 1),
                    intrinsics=self.views.intrinsics[take].map(partial(torch.repeat_interleave, repeats=frames, dim=0)),
                    sequence=torch.arange(cameras).repeat_interleave(frames),
                    sequences=tuple(f"{name}/{camera}" for camera in self.cameras),
                    truth=truth.flatten(0, 1) * MILLIMETRES_PER_METRE,
                    up=views.up.expand(-1, frames, -1).flatten(0, 1),
                )
            )
        return SceneBatch.concatenate(parts)
