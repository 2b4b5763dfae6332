"""Recordings whose 2D poses are given, such as a detector's, beside the 3D truth before the camera."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.errors import InputError
from duolift.geometry.scene_batch import SceneBatch
from duolift.learning.losses import bone_ratios


@dataclass(frozen=True)
class Views:
    """Images of people as a data set gives them: 2D poses, the lens, and the 3D truth in the camera's frame.

    Unlike of `datamodules.takes.Takes`, whose 2D poses are projections.

    Attributes:
        batch: all of them, with the truth. Sequences are called `<subject>/<action>/<camera>`.
        joints: names of the joints, in the order of the batch's, as `duolift.body.skeleton.PARENTS` has them.
        fingerprint: a digest of the content of every file that was read; see `datamodules.cache.fingerprint_of`.
        image: width and height of the images, pixels, or None where nothing says so.
        consecutive: whether the scenes of a sequence are consecutive frames of a video.

    Raises:
        ValueError: the parts do not fit each other, or hold what is no finite number: the source's reader is wrong.

    >>> from duolift.geometry.cameras import Intrinsics
    >>> lenses = Intrinsics.ideal(torch.full((2, 2), 1000.0), torch.full((2, 2), 500.0))
    >>> names = ("S1/Walking/1", "S9/Walking/1")
    >>> batch = SceneBatch(torch.rand(2, 1, 2, 2), lenses, torch.tensor([0, 1]), names, truth=torch.rand(2, 1, 2, 3))
    >>> Views(batch, ("pelvis", "head_top"), "").of(["S9"]).batch.sequences
    ('S9/Walking/1',)
    """

    batch: SceneBatch
    joints: tuple[str, ...]
    fingerprint: str
    image: tuple[float, float] | None = None
    consecutive: bool = False

    def __post_init__(self) -> None:
        scenes, people, joints = len(self.batch), self.people, len(self.joints)
        shapes = {"pixels": (scenes, people, joints, 2), "truth": (scenes, people, joints, 3), "sequence": (scenes,)}
        for name, shape in shapes.items():
            tensor = getattr(self.batch, name)
            if tensor is None or tuple(tensor.shape) != shape:
                found = "missing" if tensor is None else tuple(tensor.shape)
                raise ValueError(f"{name} is {found}; expected {shape}")
            if not tensor.isfinite().all():
                raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")

    @property
    def people(self) -> int:
        """The number of people in every image."""
        return self.batch.pixels.shape[1]

    def of(self, subjects: Sequence[str]) -> "Views":
        """Those of some of the subjects. Raises InputError where there are none of one of them."""
        subject_of = [name.split("/")[0] for name in self.batch.sequences]
        if missing := [subject for subject in subjects if subject not in subject_of]:
            found = ", ".join(dict.fromkeys(subject_of))
            raise InputError(f"the data has no images of {', '.join(missing)}; expected subjects among {found}")
        kept = [number for number, subject in enumerate(subject_of) if subject in subjects]
        renumbered = torch.full((len(subject_of),), -1)
        renumbered[kept] = torch.arange(len(kept))
        sequence = renumbered[self.batch.sequence]
        some = self.batch[sequence >= 0]
        names = tuple(self.batch.sequences[number] for number in kept)
        return replace(self, batch=replace(some, sequence=sequence[sequence >= 0], sequences=names))

    def scenes(self, skeleton: Skeleton) -> SceneBatch:
        """All images, with the joints of a skeleton.

        Raises:
            InputError: joints of the skeleton are not among those that there are.
        """
        order = self._order(skeleton)
        assert self.batch.truth is not None
        return replace(self.batch, pixels=self.batch.pixels[:, :, order], truth=self.batch.truth[:, :, order])

    def bone_ratios(self, skeleton: Skeleton) -> Tensor:
        """Mean ratio of each bone's length to the person's mean bone length, (bone,)."""
        bones = torch.tensor([skeleton.indices(bone) for bone in skeleton.bones])
        truth = self.scenes(skeleton).truth
        assert truth is not None
        return bone_ratios(truth, bones).flatten(0, -2).mean(0)

    def _order(self, skeleton: Skeleton) -> list[int]:
        if missing := [joint for joint in skeleton.joints if joint not in self.joints]:
            raise InputError(
                f"the data has no {', '.join(missing)}, which the skeleton {skeleton.name} holds; "
                f"expected data.skeleton with joints among {', '.join(self.joints)}"
            )
        return [self.joints.index(joint) for joint in skeleton.joints]
