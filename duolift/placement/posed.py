"""People as the real camera sees them, and how far below it: where every placement begins.

Lifted bodies are those before cameras that face their roots. Turned back, anywhere along their rays and leaning as the
scene's up has it, they are as large as the ground has them once their lowest joint meets it.

Camera frame: x right, y down, z forward; head lengths.
"""

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.bones import bone_lengths
from duolift.geometry.lifted import Lifted
from duolift.geometry.projection import lift, project
from duolift.geometry.rotations import facing, rotate
from duolift.placement.interface import SMALLEST, VERTICAL
from duolift.placement.sizes import below
from duolift.placement.standing import OUTSIDE
from duolift.placement.upright import DEGREE, ELEVATION_DEG

LEANS = 0.5
"""Who says another tilt than the scene is wrong about it, and about as wrong about how far they lean: this share of the
difference is taken off the lifted body. True pitch errors follow the differences with slopes of 0.35 and 0.26 (s04 and
s03)."""

MOST_LEAN = OUTSIDE * DEGREE * ELEVATION_DEG
"""Radians, 8.5 degrees: more than anybody is wrong by about elevation. Who disagrees by more lies or bends, and is not
wrong about that."""


def posed(lifted: Lifted, up: Tensor, lean: float) -> tuple[Tensor, Tensor]:
    """People (scene, person, joint, 3) turned as the camera is, anywhere along their rays, and the logarithms of their
    sizes (scene, person).

    Args:
        lifted: the people.
        up: (scene, 3), where the scene has it.
        lean: how much they lean as that says and not as they were lifted, 0 to 1: see `less_leaning`.

    >>> from duolift.body.skeleton import PAPER19
    >>> lifted = Lifted.of(PAPER19, torch.randn(1, 2, 19, 3), torch.zeros(1, 2), torch.zeros(1, 2, 2), 10.0)
    >>> people, size = posed(lifted, torch.tensor([[0.0, -1.0, 0.0]]), lean=0.5)
    >>> people.shape, size.shape
    (torch.Size([1, 2, 19, 3]), torch.Size([1, 2]))
    """
    bodies = lifted.bodies
    if lean:
        bodies = less_leaning(lifted, facing(lifted.root_rays).mT[..., :, 2], up, lean)
    return along_rays(lifted, bodies), log_size(bodies, lifted.skeleton)


def along_rays(lifted: Lifted, bodies: Tensor) -> Tensor:
    """Bodies (scene, person, joint, 3) as the real camera sees them, at the distances that they were lifted for.

    >>> from duolift.body.skeleton import PAPER19
    >>> lifted = Lifted.of(PAPER19, torch.zeros(1, 1, 19, 3), torch.zeros(1, 1), torch.zeros(1, 1, 2), 10.0)
    >>> along_rays(lifted, lifted.bodies)[0, 0, 0]  # straight ahead
    tensor([ 0.,  0., 10.])
    """
    turn = facing(lifted.root_rays).mT  # (scene, person, 3, 3), from the camera that faces a root to the real one
    return rotate(turn, bodies) + (lifted.distance.unsqueeze(-1) * turn[..., :, 2]).unsqueeze(-2)


def pitched(bodies: Tensor, angle: Tensor, c: Tensor) -> Tensor:
    """Bodies (scene, person, joint, 3) whose depths are those of a body pitched by small angles (scene, person).

    Every joint stays on its ray; a positive angle, radians, takes the head nearer to the camera and the feet away.

    >>> feet = torch.tensor([[[[0.0, 1.0, 0.0]]]])  # a head length below the root
    >>> away = pitched(feet, torch.tensor([[0.1]]), torch.tensor([[10.0]]))
    >>> bool(away[..., 2] > 0.09)
    True
    """
    return lift(project(bodies, c), bodies[..., 2] + angle.unsqueeze(-1) * bodies[..., 1], c)


def less_leaning(lifted: Lifted, ahead: Tensor, up: Tensor, share: float) -> Tensor:
    """Bodies (scene, person, joint, 3) that lean as the scene's up has it, by a share of what they say beside it.

    Args:
        lifted: the people.
        ahead: (scene, person, 3), the rays to the roots.
        up: (scene, 3).
        share: from 0 to 1.

    >>> from duolift.body.skeleton import PAPER19
    >>> lifted = Lifted.of(PAPER19, torch.zeros(1, 1, 19, 3), torch.zeros(1, 1), torch.zeros(1, 1, 2), 10.0)
    >>> level = torch.tensor([[0.0, -1.0, 0.0]])
    >>> less_leaning(lifted, torch.tensor([[[0.0, 0.0, 1.0]]]), level, share=0.5).shape
    torch.Size([1, 1, 19, 3])
    """
    seen = (ahead * up.unsqueeze(-2)).sum(-1).clamp(-VERTICAL, VERTICAL).asin()
    wrong = (lifted.elevation - seen).clamp(-MOST_LEAN, MOST_LEAN)
    return pitched(lifted.bodies, share * wrong, lifted.distance)


def log_size(bodies: Tensor, skeleton: Skeleton) -> Tensor:
    """Logarithm of the mean bone length of lifted people: (..., joint, 3) -> (...).

    >>> from duolift.body.skeleton import PAPER19
    >>> body = torch.rand(19, 3)
    >>> bool((log_size(2 * body, PAPER19) - log_size(body, PAPER19)).exp().sub(2).abs() < 1e-5)
    True
    """
    return bone_lengths(bodies, skeleton).mean(-1).clamp(min=SMALLEST).log()


def drop(people: Tensor, up: Tensor) -> Tensor:
    """How far each person's lowest joint lies below the camera: (scene, person, joint, 3) -> (scene, person).

    >>> drop(torch.tensor([[[[0.0, 1.5, 4.0], [0.0, -0.1, 4.0]]]]), torch.tensor([[0.0, -1.0, 0.0]]))
    tensor([[1.5000]])
    """
    return below(along(people, up).amin(-1))


def along(people: Tensor, axis: Tensor) -> Tensor:
    """How far joints lie along a scene's axis (scene, 3): (scene, person, joint, 3) -> (scene, person, joint).

    >>> along(torch.tensor([[[[0.0, 1.5, 4.0]]]]), torch.tensor([[0.0, 0.0, 1.0]]))
    tensor([[[4.]]])
    """
    return (people.flatten(1, 2) @ axis.unsqueeze(-1)).view(people.shape[:-1])


def level_ahead(up: Tensor) -> Tensor:
    """Where the camera looks, along the ground: unit vectors across up (scene, 3).

    >>> level_ahead(torch.tensor([[0.0, -0.8, -0.6]])).abs()  # of a camera that looks down
    tensor([[0.0000, 0.6000, 0.8000]])
    """
    right = torch.nn.functional.normalize(torch.linalg.cross(up, up.new_tensor([0.0, 0.0, 1.0]).expand_as(up)), dim=-1)
    return torch.linalg.cross(right, up)
