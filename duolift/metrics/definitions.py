"""The paper's four metrics and their variants (section 4.1), as they are defined: one number a scene, millimetres.

People are `(..., person, joint, 3)`. Predictions, in any unit and frame, and truth, in millimetres, are first brought
together by ONE similarity for all people of a scene. `duolift.metrics.batched` computes the same for many predictions
of one truth, twenty times as fast; this is what it is tested against.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from duolift.geometry.alignment import align, align_scene

CONTACT = "contact_distance_error_mm"

CONTACT_MM = 100.0
"""A hand touches another person who has a joint within this: joints lie inside bodies, and wrists count as hands."""


def score(predicted: Tensor, truth: Tensor, root: int, hands: Sequence[int] = ()) -> dict[str, Tensor]:
    """All metrics of scenes, each (...), by names with units.

    Args:
        predicted: (..., person, joint, 3), any unit, any frame.
        truth: (..., person, joint, 3), millimetres.
        root: index of the root joint.
        hands: indices of the joints that people touch each other with; without any, contact is not scored.

    Raises:
        ValueError: arrays of other shapes, or true people of no size, of which nothing is a share.

    Example:
        >>> truth = 500 * torch.randn(2, 19, 3)
        >>> scores = score(2 * truth, truth, root=0)
        >>> sorted(scores)[:3]
        ['pa_mpjpe_mm', 'pa_mpjpe_person_mm', 'root_displacement_error_mm']
        >>> bool(scores["pa_mpjpe_mm"] < 0.1)
        True
    """
    check_truth(truth, root)
    check_predicted(predicted, truth.shape)
    aligned = align_scene(predicted, truth)
    roots, true_roots = aligned[..., root, :], truth[..., root, :]  # (..., person, 3)
    size, true_size = (pose_norm(people, root) for people in (aligned, truth))  # (..., person)
    amiss, together = (size - true_size).abs(), (size.sum(-1) - true_size.sum(-1)).abs()
    displacement, true_displacement = (root_displacements(people, root) for people in (aligned, truth))
    scores = {
        "pa_mpjpe_mm": mpjpe(aligned, truth),
        "pa_mpjpe_person_mm": mpjpe(align(predicted, truth), truth),
        "scale_error_mm": amiss.mean(-1),
        "scale_error_pct": 100 * (amiss / true_size).mean(-1),
        "scene_scale_error_mm": together,
        "scene_scale_error_pct": 100 * together / true_size.sum(-1),
        "translation_error_mm": (roots - true_roots).abs().mean(-2).norm(dim=-1),
        "root_displacement_error_mm": (displacement - true_displacement).norm(dim=-1).mean(-1),
        "root_distance_error_mm": (displacement.norm(dim=-1) - true_displacement.norm(dim=-1)).abs().mean(-1),
    }
    return scores | ({CONTACT: contact_distance_error(aligned, truth, hands)} if hands else {})


def mpjpe(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean per-joint position error, over all people of a scene: (..., person, joint, 3) -> (...).

    Example:
        >>> mpjpe(torch.zeros(2, 19, 3), torch.full((2, 19, 3), 2.0))
        tensor(3.4641)
    """
    return (predicted - truth).norm(dim=-1).mean((-2, -1))


def pose_norm(people: Tensor, root: int) -> Tensor:
    """The size of a pose that the paper's scale error compares: the norm of all joints about the root, (..., person).

    Example:
        >>> pose_norm(torch.tensor([[[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 4.0, 0.0]]]), root=0)
        tensor([5.])
    """
    return (people - people[..., root : root + 1, :]).square().sum((-2, -1)).sqrt()


def root_displacements(people: Tensor, root: int) -> Tensor:
    """Vectors between the roots of every two people: (..., person, joint, 3) -> (..., pair, 3).

    Example:
        >>> root_displacements(torch.tensor([[[0.0, 0.0, 0.0]], [[1.0, 2.0, 3.0]]]), root=0)
        tensor([[1., 2., 3.]])
    """
    count = people.shape[-3]
    first, second = torch.triu_indices(count, count, offset=1, device=people.device)
    return people[..., second, root, :] - people[..., first, root, :]


def contact_distance_error(aligned: Tensor, truth: Tensor, hands: Sequence[int]) -> Tensor:
    """How far off the distance is between those who touch in truth: a hand of one, and the nearest joint of another.

    Args:
        aligned, truth: (..., person, joint, 3), millimetres.
        hands: indices of joints.

    Returns:
        (...), millimetres; NaN where nobody touches anybody.

    >>> truth = torch.tensor([[[0.0, 0.0, 0.0], [900.0, 0.0, 0.0]], [[930.0, 0.0, 0.0], [2000.0, 0.0, 0.0]]])
    >>> predicted = truth + torch.tensor([[[0.0]], [[70.0]]])  # the second person is moved
    >>> contact_distance_error(predicted, truth, hands=[1]).round()
    tensor(111.)
    """
    people, joints = truth.shape[-3:-1]
    everybody, others = truth.flatten(-3, -2), aligned.flatten(-3, -2)  # (..., person * joint, 3)
    owner = torch.arange(people, device=truth.device).repeat_interleave(joints)
    touching = torch.tensor([person * joints + hand for person in range(people) for hand in hands], device=truth.device)
    apart = (everybody[..., touching, None, :] - everybody[..., None, :, :]).norm(dim=-1)  # (..., hand, joint)
    apart = apart.masked_fill(owner[touching, None] == owner, torch.inf)
    distance, which = apart.flatten(-2).min(-1)  # (...)
    hand, joint = touching[which // len(owner)], which % len(owner)

    def at(index: Tensor) -> Tensor:
        return others.gather(-2, index[..., None, None].expand(*index.shape, 1, 3)).squeeze(-2)

    wrong = ((at(hand) - at(joint)).norm(dim=-1) - distance).abs()
    return wrong.where(distance < CONTACT_MM, torch.nan)


def check_truth(truth: Tensor, root: int) -> None:
    """Raise ValueError for anything but scenes of several people who have a size.

    >>> check_truth(torch.zeros(19, 3), root=0)
    Traceback (most recent call last):
    ValueError: truth (19, 3): expected (..., person, joint, 3) with two people or more
    """
    if truth.ndim < 3 or truth.shape[-3] < 2:
        raise ValueError(f"truth {tuple(truth.shape)}: expected (..., person, joint, 3) with two people or more")
    if not (truth != truth[..., root : root + 1, :]).any(-1).any(-1).all():
        raise ValueError("truth: all joints of somebody are in one place; expected people of some size")


def check_predicted(predicted: Tensor, shape: torch.Size) -> None:
    """Raise ValueError for predictions of another shape than the truth.

    >>> check_predicted(torch.zeros(2, 19, 3), torch.Size([2, 19, 3]))
    """
    if predicted.shape != shape:
        raise ValueError(
            f"predicted {tuple(predicted.shape)}, truth {tuple(shape)}: expected the same shape (..., person, joint, 3)"
        )
