"""What the data module asks of a data set, with 3D truth or without: its people's 2D poses as scenes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.errors import InputError
from duolift.geometry.scene_batch import SceneBatch

LEAST_PEOPLE = 2
"""In a scene, where there is something to place."""


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


def scored_scenes(scenes: SceneBatch, root: Path | str) -> SceneBatch:
    """The scenes that are scored: of two valid people or more, or all of them where people are alone.

    Args:
        root: where they are from, for messages.

    Raises:
        InputError: there is no such scene.
    """
    least = min(LEAST_PEOPLE, scenes.pixels.shape[1])
    some = scenes.of_several(least)
    if not len(some):
        who = "somebody" if least < LEAST_PEOPLE else f"{least} people"
        raise InputError(
            f"{root}: no image shows {who} from head to foot with all joints known; expected some to be scored "
            "(data.evaluate, data.cameras and data.skeleton choose others)"
        )
    return some
