"""Errors of the people of one image: each alone, and all in one scene. Millimetres and degrees.

Errors after alignment are those of `duolift.metrics`, over the joints whose truth is valid: a data set of real people
has gaps, and as many people as there are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.real.capture import View
from benchmarks.real.mean_pose import placed
from benchmarks.real.protocol import PROTOCOL, Estimated, Matched, Protocol
from duolift.geometry.alignment import align
from duolift.metrics.definitions import root_displacements

SIGNALS: dict[str, Callable[[Estimated], Tensor]] = {
    "confidence": lambda estimate: estimate.confidence,
    "visible joints": lambda estimate: estimate.visible.sum(-1).double(),
    "expected error": lambda estimate: estimate.deviation.square().mean(-1).sqrt(),
}
"""What a scene says of a person that may tell how wrong they are, (person,). More should mean less wrong, and of the
expected error more wrong."""


@dataclass(frozen=True)
class PersonErrors:
    """One person in one image. NaN for what there is none of.

    Attributes:
        view: name of the camera.
        hidden: how many of the joints the detector did not see.
        pa_mpjpe_mm: mean distance of the joints, the person aligned alone.
        along_mm, across_mm: its parts along the line of sight to the person, and across it.
        visible_pa_mpjpe_mm: the same of the joints that the detector saw, aligned by these.
        visible_ends_mm, filled_ends_mm: of wrists and ankles that it saw, and of those that were filled in, the person
            aligned by all joints.
        expected_mm: how far off the scene expects the joints to be, the root mean square.
        mean_pose_pa_mpjpe_mm, mean_pose_filled_ends_mm: the same of the mean pose.
        root_mm: distance of the middle of the hips, the scene aligned as a whole.
        place_mm, distance_mm: error of the middle of the hips, and of how far it is from the camera, in the metres that
            the scene is in: nothing is aligned.
        up_deg: angle between the estimated and the true direction against gravity.
        tilt_deg, true_tilt_deg: of the camera, negative where it looks down.
        signals: by name, see `SIGNALS`.
    """

    view: str
    hidden: int
    pa_mpjpe_mm: float
    along_mm: float
    across_mm: float
    visible_pa_mpjpe_mm: float
    visible_ends_mm: float
    filled_ends_mm: float
    expected_mm: float
    mean_pose_pa_mpjpe_mm: float
    mean_pose_filled_ends_mm: float
    root_mm: float
    place_mm: float
    distance_mm: float
    up_deg: float
    tilt_deg: float
    true_tilt_deg: float
    signals: Mapping[str, float]


@dataclass(frozen=True)
class SceneErrors:
    """All people of one image together.

    Attributes:
        view: name of the camera.
        arrangements: name of an arrangement (see `arrangements`) -> name of an error -> value, mm.
    """

    view: str
    arrangements: Mapping[str, Mapping[str, float]]


def aligned(points: Tensor, target: Tensor, joints: Tensor) -> Tensor:
    """Points moved by the one similarity that brings some of them closest to the target; NaN for the others.

    Args:
        points, target: (..., 3), of any number of people.
        joints: (...), those that count.

    >>> square = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    >>> aligned(2 * square, square, torch.tensor([True, True, True, False]))[2].round()
    tensor([1., 1., 0.])
    """
    moved = torch.full_like(target, torch.nan)
    moved[joints] = align(points[joints], target[joints])
    return moved


def off(points: Tensor, target: Tensor, joints: Tensor) -> float:
    """Mean distance of some joints; NaN where there is none."""
    return float((points - target).norm(dim=-1)[joints].mean())


def parts(errors: Tensor, sight: Tensor) -> tuple[Tensor, Tensor]:
    """How long errors (..., 3) are along a line of sight (3,), and across it: (...) each.

    >>> parts(torch.tensor([[3.0, 4.0, -12.0]]), torch.tensor([0.0, 0.0, 2.0]))
    (tensor([12.]), tensor([5.]))
    """
    direction = sight / sight.norm()
    along = errors @ direction  # (...)
    return along.abs(), (errors - along.unsqueeze(-1) * direction).norm(dim=-1)


def root_of(people: Tensor, protocol: Protocol = PROTOCOL) -> Tensor:
    """The middle of the hips: (..., joint, 3) -> (..., 3)."""
    return people[..., protocol.hips, :].mean(-2)


def person_errors(
    matched: Matched, view: View, mean: Tensor, protocol: Protocol = PROTOCOL
) -> tuple[list[PersonErrors], SceneErrors | None]:
    """Everybody's errors, and those of the scene where the places of two or more people are known.

    Args:
        matched: the people of an image.
        view: the camera.
        mean: (joint, 3), the mean pose.
    """
    whole = matched.truth.valid[:, protocol.hips].all(-1)  # whose place is known
    scene = scene_errors(matched, whole, view, mean, protocol) if whole.sum() >= 2 else None
    root = torch.full((len(matched),), torch.nan, dtype=torch.float64)
    if scene:
        joints = matched.truth.valid & whole.unsqueeze(-1)
        moved = aligned(matched.estimate.points, matched.truth.points, joints)
        root = (root_of(moved, protocol) - root_of(matched.truth.points, protocol)).norm(dim=-1)
    found, true = (root_of(each.points, protocol) for each in (matched.estimate, matched.truth))  # (person, 3)
    place = (found - true).norm(dim=-1)
    distance = (found.norm(dim=-1) - true.norm(dim=-1)).abs()
    place, distance = (
        torch.where(matched.truth.valid[:, protocol.hips].all(-1), x, torch.nan) for x in (place, distance)
    )
    camera = {
        "up_deg": float(torch.rad2deg((matched.up @ matched.estimated_up).clamp(-1, 1).acos())),
        "tilt_deg": tilt(matched.estimated_up),
        "true_tilt_deg": tilt(matched.up),
    }
    signals = {name: signal(matched.estimate) for name, signal in SIGNALS.items()}
    people = [
        PersonErrors(
            view=view.group or view.name,
            hidden=int((matched.truth.valid[person] & ~matched.estimate.visible[person]).sum()),
            **body_errors(matched, person, mean, protocol),
            root_mm=float(root[person]),
            place_mm=float(place[person]),
            distance_mm=float(distance[person]),
            **camera,
            signals={name: float(values[person]) for name, values in signals.items()},
        )
        for person in range(len(matched))
    ]
    return people, scene


def tilt(up: Tensor) -> float:
    """A camera's angle above the horizon, degrees; negative where it looks down.

    >>> round(tilt(torch.tensor([0.0, -0.8, -0.6])), 1)
    -36.9
    """
    return float(torch.rad2deg(up[2].clamp(-1, 1).asin()))


def body_errors(matched: Matched, person: int, mean: Tensor, protocol: Protocol = PROTOCOL) -> dict[str, float]:
    """A person's errors, aligned alone, by their names in `PersonErrors`."""
    points, target = matched.estimate.points[person], matched.truth.points[person]
    valid, visible = matched.truth.valid[person], matched.estimate.visible[person] & matched.truth.valid[person]
    ends = torch.zeros_like(valid)
    ends[protocol.ends] = True
    hidden = ends & valid & ~visible
    body, average = aligned(points, target, valid), aligned(mean, target, valid)
    enough = int(visible.sum()) >= protocol.fewest
    along, across = parts((body - target)[valid], target[valid].mean(0))
    return {
        "pa_mpjpe_mm": off(body, target, valid),
        "along_mm": float(along.mean()),
        "across_mm": float(across.mean()),
        "visible_pa_mpjpe_mm": off(aligned(points, target, visible), target, visible) if enough else torch.nan,
        "visible_ends_mm": off(body, target, ends & visible),
        "filled_ends_mm": off(body, target, hidden),
        "expected_mm": float(matched.estimate.deviation[person][valid].square().mean().sqrt()),
        "mean_pose_pa_mpjpe_mm": off(average, target, valid),
        "mean_pose_filled_ends_mm": off(average, target, hidden),
    }


def scene_errors(
    matched: Matched, whole: Tensor, view: View, mean: Tensor, protocol: Protocol = PROTOCOL
) -> SceneErrors:
    """Errors of a scene, by each arrangement of its people.

    Args:
        whole: (person,), who is compared: those whose hips are valid, two or more.
    """
    truth = matched.truth[whole]
    errors = {}
    for name, people in arrangements(matched, whole, view, mean, protocol).items():
        moved = aligned(people, truth.points, truth.valid)
        found, true = (root_displacements(root_of(x, protocol).unsqueeze(-2), 0) for x in (moved, truth.points))
        errors[name] = {
            "pa_mpjpe_mm": off(moved, truth.points, truth.valid),
            "root_displacement_error_mm": float((found - true).norm(dim=-1).mean()),
            "root_distance_error_mm": float((found.norm(dim=-1) - true.norm(dim=-1)).abs().mean()),
        }
    return SceneErrors(view.group or view.name, errors)


def arrangements(
    matched: Matched, whole: Tensor, view: View, mean: Tensor, protocol: Protocol = PROTOCOL
) -> dict[str, Tensor]:
    """The people of a scene as estimated, and as they would be if one part were known or not estimated.

    Returns:
        by name (person, joint, 3), camera frame:
        `estimate`; `paper`, the same bodies placed as the paper does; `one_depth`, everybody at the mean depth, scaled
        along their rays; `one_depth_own_size`, everybody at it in their own size; `mean_pose`, the mean pose in
        everybody's place; `true_places`, lifted bodies in their true places and sizes: what bodies alone cost;
        `true_bodies`, true bodies at their lifted depths: what places alone cost.
    """
    truth, estimate = matched.truth[whole], matched.estimate[whole]
    people = estimate.points
    roots, true_roots = (root_of(x, protocol).unsqueeze(-2) for x in (people, truth.points))  # (person, 1, 3)
    depth, true_depth = roots[..., 2:], true_roots[..., 2:]  # (person, 1, 1)
    one = depth.mean() / depth
    size = spread(truth.points, truth.valid) / spread(people, truth.valid)
    return {
        "estimate": people,
        "paper": estimate.by_paper,
        "one_depth": people * one,
        "one_depth_own_size": people + roots * (one - 1),
        "mean_pose": placed(mean, truth, view, matched.up),
        "true_places": (people - roots) * size + true_roots,
        "true_bodies": truth.points * (depth / true_depth),
    }


def spread(people: Tensor, valid: Tensor) -> Tensor:
    """How large people are: the norm of the valid joints about their mean, (person, joint, 3) -> (person, 1, 1)."""
    weight = valid.unsqueeze(-1).to(people)
    middle = (people * weight).sum(-2, keepdim=True) / weight.sum(-2, keepdim=True)
    return ((people - middle) * weight).square().sum((-2, -1), keepdim=True).sqrt()
