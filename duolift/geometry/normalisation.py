"""From pixels to centred poses, in a unit that networks learn from.

A head length is the mean distance from head top to root over the training set. It becomes 1/c, so that a pose lifted to
depth c measures about one head length from head to root. There are two ways to centre a pose on its root:

- `shift`, as in the paper, https://arxiv.org/abs/2309.14865: `x = (u - u_root) / (scale c)`. A shifted picture is not
  what the person looks like from the front, since perspective bends bodies towards the rim of the image.
- `ray`: the camera is turned to face the root, which shows the person from the front. It needs the intrinsics; then a
  perfect lift is exactly the person, and lies exactly on the ray to the root.

Camera frame: x right, y down, z forward.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.rotations import facing, rotate
from duolift.geometry.scene_batch import SceneBatch

CENTRINGS = ("shift", "ray")
"""Ways to centre a pose on its root."""

LEAST_DEPTH = 0.01
"""Least depth of a ray of depth 1 that was turned to face the root: a joint beside that camera, or behind it, keeps a
finite slope, of at most 89.4 degrees."""


def head_to_root(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """Mean distance between head top and root over poses `(..., joint, 2)`, in their unit.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> poses = torch.zeros(5, 19, 2)
    >>> poses[:, PAPER19.head_index, 1] = -80.0
    >>> head_to_root(poses, PAPER19)
    tensor(80.)
    """
    offset = poses[..., skeleton.head_index, :] - poses[..., skeleton.root_index, :]
    return offset.norm(dim=-1).mean()


@dataclass(frozen=True)
class Normalisation:
    """How image coordinates become poses, and how large a unit of a pose is.

    Attributes:
        scale: a head length in the image, the mean head-to-root distance of the data set: in pixels for `shift`, as a
            slope of rays for `ray`.
        c: distance from the camera to every root, in head lengths; 10 in ElePose, LInKs and the paper.
        centring: `shift` or `ray`.

    Raises:
        ValueError: another centring.

    >>> import torch
    >>> normalise = Normalisation(scale=80.0, c=10.0, centring="shift")
    >>> pixels = torch.tensor([[450.0, 300.0], [450.0, 220.0]])  # a pelvis, and a head top 80 pixels above it
    >>> normalise(pixels, root=pixels[0])
    tensor([[ 0.0000,  0.0000],
            [ 0.0000, -0.1000]])
    """

    scale: float
    c: float
    centring: str = "shift"

    def __post_init__(self) -> None:
        if self.centring not in CENTRINGS:
            raise ValueError(f"centring is {self.centring!r}; expected one of {', '.join(CENTRINGS)}")

    @classmethod
    def fitted(cls, scenes: SceneBatch, skeleton: Skeleton, c: float | None, centring: str) -> "Normalisation":
        """The normalisation of a data set: a head length is measured over all of its people.

        Args:
            c: None takes the cameras' own: a head length that is `scale` pixels long is `focal / scale` away.
        """
        unscaled = cls(1.0, 1.0, centring)
        coordinates = scenes.of_people(unscaled.coordinates(scenes))  # (pose, joint, 2)
        scale = float(head_to_root(unscaled(coordinates, coordinates[..., skeleton.root_index, :]), skeleton))
        return cls(scale, cls(scale, 1.0, centring).distance(scenes) if c is None else c, centring)

    def coordinates(self, scenes: SceneBatch) -> Tensor:
        """The coordinates that this normalisation takes, (scene, person, joint, 2): pixels, or slopes of rays."""
        return scenes.rays if self.centring == "ray" else scenes.pixels

    def __call__(self, coordinates: Tensor, root: Tensor) -> Tensor:
        """Poses centred on their roots.

        Args:
            coordinates: (..., joint, 2), see `coordinates`.
            root: (..., 2), in the same coordinates.

        Returns:
            (..., joint, 2), 0 at the root.
        """
        if self.centring == "ray":
            rays = torch.nn.functional.pad(coordinates, (0, 1), value=1.0)  # (..., joint, 3), at depth 1
            faced = rotate(facing(root), rays)
            centred = faced[..., :2] / faced[..., 2:].clamp(min=LEAST_DEPTH)
        else:
            centred = coordinates - root.unsqueeze(-2)
        return centred / (self.scale * self.c)

    def distance(self, scenes: SceneBatch) -> float:
        """The distance at which a head length looks `scale` long in these images, in head lengths."""
        return (1.0 if self.centring == "ray" else float(scenes.intrinsics.focal.mean())) / self.scale

    def places(self, scenes: SceneBatch, joint: int) -> Tensor:
        """Where a joint lies if it is at depth c: right of and below the camera, head lengths, (scene, person, 2)."""
        if self.centring == "ray":
            return scenes.rays_to(joint) / self.scale
        return (scenes.pixels[:, :, joint] - scenes.intrinsics.principal.unsqueeze(-2)) / self.scale

    def true_bodies(self, scenes: SceneBatch, skeleton: Skeleton) -> Tensor:
        """The output of a lifter without errors, (scene, person, joint, 3), for scenes with ground truth.

        Every person is seen from the front, centred on the root and scaled to the depth at which a head length has its
        usual size. Head lengths.
        """
        assert scenes.truth is not None
        root = scenes.truth[:, :, skeleton.root_index]  # (scene, person, 3)
        faced = rotate(facing(root[..., :2] / root[..., 2:]), scenes.truth)  # (scene, person, joint, 3)
        size = self.distance(scenes) / faced[:, :, skeleton.root_index, 2]
        return (faced - faced[:, :, skeleton.root_index, None]) * size[..., None, None]
