"""The paper's four metrics and their variants, per scene, in millimetres.

Every function takes people `(..., person, joint, 3)` in millimetres and gives one number a scene (...).
Prediction and truth are first brought together by ONE similarity for all people (`score` does).
"""

import torch
from torch import Tensor

from duolift.alignment import align, align_scene, planes, reversed_axes

CONTACT_MM = 100.0
"""A hand touches whoever has a joint within this: joints lie inside bodies, and hands are wrists as well."""


def score(predicted: Tensor, truth: Tensor, root: int) -> dict[str, Tensor]:
    """All metrics of scenes, each as one number a scene (...), by names with units.

    Args:
        predicted: (..., person, joint, 3), any unit, any frame.
        truth: (..., person, joint, 3), millimetres.
        root: index of the root joint.

    Raises:
        ValueError: arrays of other shapes, or true people of no size, of which nothing is a share.
    """
    if predicted.shape != truth.shape or truth.ndim < 3 or truth.shape[-3] < 2:
        raise ValueError(
            f"predicted {tuple(predicted.shape)}, truth {tuple(truth.shape)}: "
            "expected the same shape (..., person, joint, 3) with two people or more"
        )
    if not (truth != truth[..., root : root + 1, :]).any(-1).any(-1).all():
        raise ValueError("truth: all joints of somebody are in one place; expected people of some size")
    return aligned_scores(align_scene(predicted, truth), truth, root)


def aligned_scores(aligned: Tensor, truth: Tensor, root: int, alone: Tensor | None = None) -> dict[str, Tensor]:
    """The same of scenes that are aligned already.

    Args:
        alone: (...), `pa_mpjpe_person_mm`, where it is known.
    """
    size, true_size = pose_sizes(aligned, root), pose_sizes(truth, root)
    total, true_total = size.sum(-1), true_size.sum(-1)
    displacement, true_displacement = root_displacements(aligned, root), root_displacements(truth, root)
    return {
        "pa_mpjpe_mm": mpjpe(aligned, truth),
        "pa_mpjpe_person_mm": mpjpe(align(aligned, truth), truth) if alone is None else alone,
        "scale_error_mm": (size - true_size).abs().mean(-1),
        "scale_error_pct": 100 * ((size - true_size).abs() / true_size).mean(-1),
        "scene_scale_error_mm": (total - true_total).abs(),
        "scene_scale_error_pct": 100 * (total - true_total).abs() / true_total,
        "translation_error_mm": translation_error(aligned, truth, root),
        "root_displacement_error_mm": (displacement - true_displacement).norm(dim=-1).mean(-1),
        "root_distance_error_mm": (displacement.norm(dim=-1) - true_displacement.norm(dim=-1)).abs().mean(-1),
    }


def contact_distance_error(predicted: Tensor, truth: Tensor, hands: list[int]) -> Tensor:
    """How far off the distance is between those who touch: a hand of one and the nearest joint of another.

    Args:
        predicted, truth: (scene, person, joint, 3), millimetres, aligned.
        hands: indices of the joints that people touch each other with.

    Returns:
        (scene,), of the pair of joints that is closest in truth; NaN where that is no contact.
    """
    return contact_error(predicted, *contact(truth, hands))


def contact(truth: Tensor, hands: list[int]) -> tuple[Tensor, Tensor]:
    """Who touches whom: of scenes (scene, person, joint, 3), millimetres, a hand of one and another's nearest joint.

    Returns:
        the pair that is closest, (scene, 2), each counted over person * joint; and its distance (scene,), NaN where
        that is no contact.
    """
    people, joints = truth.shape[1:3]
    touching = truth[:, :, hands].flatten(1, 2)  # (scene, person * hand, 3)
    apart = torch.cdist(touching, truth.flatten(1, 2), compute_mode="donot_use_mm_for_euclid_dist")
    person = torch.arange(people, device=truth.device)
    own = person.repeat_interleave(len(hands)).unsqueeze(-1) == person.repeat_interleave(joints)
    nearest, which = apart.masked_fill(own, torch.inf).flatten(1).min(-1)
    hand, joint = which // (people * joints), which % (people * joints)
    hand = hand // len(hands) * joints + torch.tensor(hands, device=truth.device)[hand % len(hands)]
    return torch.stack([hand, joint], dim=-1), nearest.where(nearest < CONTACT_MM, torch.nan)


def contact_error(predicted: Tensor, pair: Tensor, distance: Tensor) -> Tensor:
    """How far off the distance of the pairs is that `contact` tells, (scene,)."""
    points = predicted.flatten(1, 2).gather(1, pair.unsqueeze(-1).expand(-1, -1, 3))
    return ((points[:, 0] - points[:, 1]).norm(dim=-1) - distance).abs()


def mpjpe(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean distance between joints, over all people of a scene."""
    return reversed_axes(_root(planes(predicted - truth).square().sum(0)).mean((0, 1)))


def pose_sizes(people: Tensor, root: int) -> Tensor:
    """L2 norm of each root-centred pose: (..., person, joint, 3) -> (..., person).

    The scale error compares these a person at a time; the scene's, their sum over its people.
    """
    return reversed_axes(_root(planes(people - people[..., root : root + 1, :]).square().sum((0, 1))))


def _root(squares: Tensor) -> Tensor:
    """Square roots, with a gradient at zero."""
    return squares.clamp(min=torch.finfo(squares.dtype).tiny).sqrt()


def translation_error(predicted: Tensor, truth: Tensor, root: int) -> Tensor:
    """L2 norm, over the axes, of the mean over people of |root - true root|."""
    return (predicted - truth)[..., root, :].abs().mean(-2).norm(dim=-1)


def root_displacements(people: Tensor, root: int) -> Tensor:
    """Vectors between the roots of every two people: (..., person, joint, 3) -> (..., pair, 3)."""
    first, second = torch.triu_indices(people.shape[-3], people.shape[-3], offset=1, device=people.device)
    roots = people[..., root, :]
    return roots[..., second, :] - roots[..., first, :]
