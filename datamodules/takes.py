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

OPENCV_TANGENTIAL = (4,)
"""The shape of tangential coefficients where the distortion is OpenCV's."""

NOWHERE = (0.0, 0.0, 1.0)
"""Where all joints of a person stand who is not valid, camera frame, metres: any finite place before the camera."""


@dataclass(frozen=True)
class Takes:
    """Every take of some subjects, concatenated. A take is a recording of the same people by all cameras.

    Attributes:
        world: (frame, person, joint, 3), metres, z up, float32. A person keeps an index throughout a take.
        start: (take + 1,), where each take's frames begin; the last entry is the number of frames.
        names: (take,), `<subject>/<action>`.
        joints: names of the joints, in the order of `world`'s joint axis, as `duolift.body.skeleton.PARENTS` has them.
        cameras: names of the views, in the order of `views`.
        views: camera parameters with leading axes (take, camera).
        fingerprint: a digest of the content of every file that was read; see `datamodules.cache.fingerprint_of`.
        image: width and height of the images, pixels, or None where nothing says so.
        valid: (frame, person, joint), where somebody's joint is known: people come and go, takes have different numbers
            of them, and who leaves an image is not seen in it. None where everybody is seen in every frame by every
            camera, whatever the images' size.
        images: (take, 2), width and height where takes differ in them; `image` is then that of the first.
        cameras_by_take: whether a camera of one take is another one in the next: what is told of a lens is told by one
            take. Else a camera has one lens in all takes.

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
    valid: Tensor | None = None
    images: Tensor | None = None
    cameras_by_take: bool = False

    consecutive = True
    """The frames of a take follow each other."""

    def __post_init__(self) -> None:
        frames, takes, joints = len(self.world), len(self.names), len(self.joints)
        people = self.people if self.world.ndim == 4 else 1
        shapes = {"world": (frames, people, joints, 3), "start": (takes + 1,)}
        shapes |= {key: (takes, len(self.cameras), *shape) for key, shape in CAMERA_SHAPES.items()}
        if self.views.tangential.shape[-1:] == OPENCV_TANGENTIAL:
            shapes["tangential"] = (takes, len(self.cameras), *OPENCV_TANGENTIAL)
        for name, shape in shapes.items():
            tensor = getattr(self if name in ("world", "start") else self.views, name)
            kind = torch.int64 if name == "start" else torch.float32
            if tuple(tensor.shape) != shape or tensor.dtype != kind:
                raise ValueError(f"{name} is {tuple(tensor.shape)} of {tensor.dtype}; expected {shape} of {kind}")
            if not tensor.isfinite().all():
                raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
        for name, shape, kind in (("valid", shapes["world"][:3], torch.bool), ("images", (takes, 2), torch.float32)):
            given: Tensor | None = getattr(self, name)
            if given is not None and (tuple(given.shape) != shape or given.dtype != kind):
                raise ValueError(f"{name} is {tuple(given.shape)} of {given.dtype}; expected {shape} of {kind}")
        if self.start[0] != 0 or self.start[-1] != frames or (self.start.diff() < 1).any():
            raise ValueError(f"start is {self.start.tolist()}; expected 0, where each take ends, and last {frames}")

    @classmethod
    def joined(cls, worlds: Sequence[Tensor], valid: Sequence[Tensor] | None = None, **others: Any) -> "Takes":
        """Takes of one tensor (frame, person, joint, 3) each, and the other attributes by name.

        Where takes have different numbers of people, those of fewer get people who are not valid.

        Args:
            worlds: of each take.
            valid: of each take, (frame, person, joint); None where everybody is known throughout.
        """
        most = max(world.shape[1] for world in worlds)
        if valid is None and any(world.shape[1] < most for world in worlds):
            valid = [torch.ones(world.shape[:3], dtype=torch.bool) for world in worlds]
        start = torch.tensor([0, *(len(world) for world in worlds)]).cumsum(0)
        known = None if valid is None else torch.cat([_padded(of_take, most) for of_take in valid])
        return cls(world=torch.cat([_padded(world, most) for world in worlds]), start=start, valid=known, **others)

    @property
    def people(self) -> int:
        """The largest number of people in a take."""
        return self.world.shape[1]

    def counts(self, skeleton: Skeleton) -> set[int]:
        """The numbers of people who are seen from head to foot together, over all scenes."""
        valid = self.scenes(skeleton).valid
        return {self.people} if valid is None else set(valid.sum(-1).tolist())

    def frames(self, take: int) -> Tensor:
        """A take's frames, (frame, person, joint, 3)."""
        return self.world[self.start[take] : self.start[take + 1]]

    def known(self, take: int) -> Tensor:
        """Where somebody's joint is known in a take's frames, (frame, person, joint)."""
        frames = slice(int(self.start[take]), int(self.start[take + 1]))
        return (
            torch.ones_like(self.world[frames, ..., 0], dtype=torch.bool) if self.valid is None else self.valid[frames]
        )

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
        kept = {name: getattr(self, name) for name in ("joints", "cameras", "fingerprint", "image", "cameras_by_take")}
        names = tuple(self.names[take] for take in chosen)
        return Takes.joined(
            [self.frames(take) for take in chosen],
            None if self.valid is None else [self.known(take) for take in chosen],
            names=names,
            views=self.views[chosen],
            images=None if self.images is None else self.images[chosen],
            **kept,
        )

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
        valid = None if self.valid is None else self.valid[:, :, order]
        return replace(self, world=self.world[:, :, order], joints=skeleton.joints, valid=valid)

    def bone_ratios(self, skeleton: Skeleton) -> Tensor:
        """Mean ratio of each bone's length to the person's mean bone length, (bone,)."""
        bones = torch.tensor([skeleton.indices(bone) for bone in skeleton.bones])
        takes = self.with_joints(skeleton)
        people = takes.world if takes.valid is None else takes.world[takes.valid.all(-1)]
        return bone_ratios(people, bones).flatten(0, -2).mean(0)

    def scenes(self, skeleton: Skeleton) -> SceneBatch:
        """All views of all frames, take by take and camera by camera: projected joints, and the 3D truth behind them.

        Where `valid` says who is known, a person is valid in a scene all of whose joints are known, before the camera
        and within the image; images without any such person are left out.

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
            own = f" of {name.replace('/', ' ')}" if self.cameras_by_take else ""
            size = self.image if self.images is None else self.images[take]
            seen = None
            if takes.valid is not None:
                seen = takes.known(take) & in_image(truth, pixels, size)  # (camera, frame, person, joint)
                nowhere = ~seen.all(-1)[..., None, None]
                truth = truth.where(~nowhere, truth.new_tensor(NOWHERE))
                pixels = pixels.where(~nowhere, self.views[take, :, None, None].principal.unsqueeze(-2))
            parts.append(
                SceneBatch(
                    pixels=pixels.flatten(0, 1),
                    intrinsics=self.views.intrinsics[take].map(partial(torch.repeat_interleave, repeats=frames, dim=0)),
                    sequence=torch.arange(cameras).repeat_interleave(frames),
                    sequences=tuple(f"{name}/{camera}{own}" for camera in self.cameras),
                    truth=truth.flatten(0, 1) * MILLIMETRES_PER_METRE,
                    up=views.up.expand(-1, frames, -1).flatten(0, 1),
                    valid=None if seen is None else seen.all(-1).flatten(0, 1),
                    present=None if seen is None else seen.any(-1).flatten(0, 1),
                    image=None if self.images is None else self.images[take].expand(cameras * frames, 2),
                    frame=None if seen is None else torch.arange(frames).repeat(cameras),
                )
            )
        return SceneBatch.concatenate(parts).of_several(1)


def sizes_of(sizes: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The attributes `image` and `images` of takes whose images have these widths and heights.

    >>> sizes_of([(640.0, 480.0), (640.0, 480.0)])
    {'image': (640.0, 480.0), 'images': None}
    """
    alike = len(set(sizes)) == 1
    return {"image": sizes[0], "images": None if alike else torch.tensor(sizes, dtype=torch.float32)}


def in_image(points: Tensor, pixels: Tensor, size: Tensor | tuple[float, float] | None) -> Tensor:
    """Which joints are before the camera and within the image, (..., joint).

    Args:
        points: (..., joint, 3), camera frame.
        pixels: (..., joint, 2).
        size: width and height, pixels; None where it is not known, and nothing is cut off.

    >>> points = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 2.0], [0.0, 0.0, -2.0]])
    >>> pixels = torch.tensor([[10.0, 10.0], [-1.0, 10.0], [10.0, 10.0]])
    >>> in_image(points, pixels, (640.0, 480.0))
    tensor([ True, False, False])
    """
    before = points[..., 2] > 0
    if size is None:
        return before
    return before & ((pixels >= 0) & (pixels < torch.as_tensor(size, dtype=pixels.dtype))).all(-1)


def _padded(values: Tensor, people: int) -> Tensor:
    """Values (frame, person, ...) of so many people; of the further ones 0, or False."""
    more = values.new_zeros(len(values), people - values.shape[1], *values.shape[2:])
    return torch.cat([values, more], dim=1)
