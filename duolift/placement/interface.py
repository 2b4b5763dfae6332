"""What every placement takes and gives: people lifted one by one, and people in one scene."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from torch import Tensor

from duolift.geometry.lifted import Lifted
from duolift.placement.up import Up

VERTICAL = 1 - 1e-6
"""Sines are clamped to this before their angle is taken: at exactly 90 degrees the gradient is infinite."""

SMALLEST = 1e-3
"""Mean bone length, head lengths, that nobody falls below."""


class FocalSource(StrEnum):
    """Where a focal length comes from: it was given, the people in the images tell it, or a normal lens is assumed.

    >>> [str(source) for source in FocalSource]
    ['known', 'people', 'default']
    """

    KNOWN = "known"
    PEOPLE = "people"
    DEFAULT = "default"


@dataclass(frozen=True)
class SceneCameras:
    """What is known of the cameras of a batch of scenes, beside their lenses.

    Attributes:
        sequence: (scene,), which sequence of a static camera each scene is a frame of, frames in order and people with
            the same index throughout; None where every image stands alone.
        up: (scene, 3), the world's up in the camera frame, where the extrinsics are known; None to estimate it.
        interval: seconds from a frame of a sequence to the next.
        height: (scene,), of the cameras above the plane that lowest joints are on, in the unit of the lifted people, if
            it is known; None for one height throughout.
        told: where up is by everybody in a scene, if these people have been asked already (`told_by_all`).

    >>> import torch
    >>> SceneCameras()  # images that stand alone
    SceneCameras(sequence=None, up=None, interval=0.03333333333333333, height=None, told=None)
    >>> static = SceneCameras(sequence=torch.tensor([0, 0, 0, 1, 1]))  # three frames of one camera, two of another
    """

    sequence: Tensor | None = None
    up: Tensor | None = None
    interval: float = 1 / 30
    height: Tensor | None = None
    told: Up | None = None


@dataclass(frozen=True)
class Placed:
    """People in one scene, and what the placement says of the camera.

    Attributes:
        people: (scene, person, joint, 3), camera frame (x right, y down, z forward), in an arbitrary unit.
        up: (scene, 3), unit vector in that frame.
        height: (scene,), of the camera above the ground: the plane that lowest joints are on.
        depth: (scene, person), distance of the roots from the camera.
        confidence: (scene, person), 0 to 1, in the person's place; 0 for a person who is not valid.
        depth_deviation: (scene, person), of the depths beside each other, as shares of them; None where the placement
            does not say.
        tilt_deviation: (scene,), of the camera's tilt, radians; None where the placement does not say, or was told.
    """

    people: Tensor
    up: Tensor
    height: Tensor
    depth: Tensor
    confidence: Tensor
    depth_deviation: Tensor | None = None
    tilt_deviation: Tensor | None = None

    @property
    def tilt(self) -> Tensor:
        """The camera's angle above the horizon, (scene,), radians; negative where it looks down.

        >>> import torch
        >>> up = torch.tensor([[0.0, -0.8, -0.6]])
        >>> Placed(torch.zeros(1, 2, 19, 3), up, torch.ones(1), torch.ones(1, 2), torch.ones(1, 2)).tilt.rad2deg()
        tensor([-36.8699])
        """
        return self.up[..., 2].clamp(-VERTICAL, VERTICAL).asin()


class Placement(Protocol):
    """A way to put people who were lifted one by one into one scene.

    A placement is a frozen dataclass of its options. It is registered in `duolift.placement.METHODS`, which makes it a
    row of the ablation and a choice of the command.

    >>> from duolift.placement import METHODS
    >>> placement: Placement = METHODS["paper"].image
    >>> placement.keeps_bodies
    True
    """

    def __call__(self, lifted: Lifted, cameras: SceneCameras) -> Placed:
        """Place everybody. What is given of people who are not valid changes nothing for the others."""
        ...

    @property
    def camera_estimate(self) -> Hashable:
        """A key that equals another placement's where both estimate the same `up` from the same people.

        The ablation then estimates it once. None where `up` is not estimated.
        """
        ...

    @property
    def keeps_bodies(self) -> bool:
        """Whether people are rotated, moved and scaled, and otherwise stay as they were lifted."""
        ...


@dataclass(frozen=True)
class Variant:
    """A placement as a row of the ablation.

    Attributes:
        name: as the table shows it.
        placement: with its options.
        published: what the paper reports, by metric, where it has this row.
        up_known: the world's up is given (a camera of known extrinsics), not estimated.
        focal: where the focal length comes from; unless it is known, lenses are taken to be free of distortion.
        on_perfect_lifts: the placement with which the same row is filled from the ground truth, lifted without error,
            to tell what error is left to the placement; None for no such row.

    >>> from duolift.placement.ground import GroundPlacement
    >>> Variant("ground", GroundPlacement()).focal
    <FocalSource.KNOWN: 'known'>
    """

    name: str
    placement: Placement
    published: Mapping[str, float] | None = None
    up_known: bool = False
    focal: FocalSource = FocalSource.KNOWN
    on_perfect_lifts: Placement | None = None


@dataclass(frozen=True)
class Method:
    """A placement as the product and the ablation use it: an entry of `duolift.placement.METHODS`.

    Attributes:
        image: places images that stand alone.
        video: places the frames of a static camera.
        variants: rows of the ablation, in order.

    >>> from duolift.placement import METHODS
    >>> method: Method = METHODS["ground"]
    >>> [variant.name for variant in method.variants][:3]
    ['ground', '+ one tilt a sequence', '+ one size a person']
    """

    image: Placement
    video: Placement
    variants: tuple[Variant, ...] = ()

    @property
    def main(self) -> Variant:
        """The variant that places as the product does a video, the camera's lens given: it stands for the method.

        >>> from duolift.placement import METHODS
        >>> [method.main.name for method in METHODS.values()]
        ['+ elevation compensation', '+ smooth depths', 'fit']
        """
        return next(variant for variant in self.variants if variant.placement == self.video)
