"""What the data module asks of a data set, with 3D truth or without: its people's 2D poses as scenes."""

from collections.abc import Sequence
from typing import Protocol, Self

from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.scene_batch import SceneBatch


class Recordings(Protocol):
    """The recordings of some subjects: `datamodules.takes.Takes`, `datamodules.views.Views`, or without a 3D truth
    `datamodules.detected.DetectedPeople`.

    Attributes:
        people: of every scene.
        fingerprint: a digest of the content of every file that was read.
        image: width and height of the images, pixels, or None where nothing says so.
        consecutive: whether the scenes of a sequence are consecutive frames of a video.
    """

    @property
    def people(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def image(self) -> tuple[float, float] | None: ...

    @property
    def consecutive(self) -> bool: ...

    def of(self, subjects: Sequence[str]) -> Self:
        """Those of some of the subjects. Raises InputError where there are none of one of them."""

    def scenes(self, skeleton: Skeleton) -> SceneBatch:
        """All scenes, with the truth where there is one. Raises InputError where the skeleton has other joints."""

    def bone_ratios(self, skeleton: Skeleton) -> Tensor:
        """Mean ratio of each bone's length to the person's mean bone length, (bone,). InputError without 3D."""
