"""Whose estimate is compared with whose truth, and by which joints. Everything here is a pure function.

Camera frame: x right, y down, z forward, millimetres. Joints are always the protocol's, in its order.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from benchmarks.real.capture import TruePeople, Truth, View
from duolift.scene import Scene

MILLIMETRES = 1000.0
"""Of a metre."""

IMPOSSIBLE = 1000.0
"""Cost of a pair that cannot be: finite, since an assignment pairs as many as it can."""

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


@dataclass(frozen=True)
class Protocol:
    """What counts. The limbs' joints are those that every detector and every data set has.

    Attributes:
        joints: what errors are averaged over, where their truth is valid.
        inside: a true person takes part if so many of the joints lie within the image ...
        nearest: ... and at least so far in front of the camera, mm.
        common: an estimated and a true person may be the same if so many joints are detected and valid ...
        apart: ... whose median distance in the image is less than this share of the true person's size there, the
            diagonal of the box around the valid joints.
        fewest: joints of a pose that is aligned alone.
    """

    joints: tuple[str, ...] = tuple(f"{side}_{joint}" for joint in _LIMBS for side in ("left", "right"))
    inside: int = 7
    nearest: float = 100.0
    common: int = 4
    apart: float = 0.35
    fewest: int = 5

    @property
    def hips(self) -> list[int]:
        """Positions of the joints whose middle is a person's place."""
        return [self.joints.index(f"{side}_hip") for side in ("left", "right")]

    @property
    def ends(self) -> list[int]:
        """Positions of the wrists and ankles: what is hidden most often."""
        return [number for number, joint in enumerate(self.joints) if joint.endswith(("_wrist", "_ankle"))]


PROTOCOL = Protocol()


class People:
    """A dataclass of tensors that all have the axis (person, ...) first."""

    def __getitem__(self, some: Any) -> Self:
        """Some of the people."""
        return replace(self, **{name: value[some] for name, value in vars(self).items()})  # type: ignore[type-var]


@dataclass(frozen=True)
class Seen(People):
    """True people as a camera sees them.

    Attributes:
        points: (person, joint, 3).
        valid: (person, joint), whether the joint's place is known.
        pixels: (person, joint, 2).
    """

    points: Tensor
    valid: Tensor
    pixels: Tensor


@dataclass(frozen=True)
class Estimated(People):
    """People of one frame of a scene.

    Attributes:
        points: (person, joint, 3); NaN for whoever is not in the frame.
        by_paper: (person, joint, 3), the same people placed as the paper does.
        keypoints: (person, joint, 2), pixels; NaN where the detector saw nothing.
        visible: (person, joint), whether the detector saw the joint.
        confidence: (person,), in the person's place, as the scene says.
        deviation: (person, joint), how far off the scene expects a joint to be in its body; NaN where it does not say.
    """

    points: Tensor
    by_paper: Tensor
    keypoints: Tensor
    visible: Tensor
    confidence: Tensor
    deviation: Tensor


@dataclass(frozen=True)
class Matched:
    """The people of one image whose estimate and truth are known, in one order.

    Attributes:
        truth, estimate: the same people, person by person.
        pairs: for each the position in the scene, and the position in the truth's frame.
        unmatched: how many true people who take part were not found.
        up: (3,), the true direction against gravity.
        estimated_up: (3,), the scene's.
    """

    truth: Seen
    estimate: Estimated
    pairs: tuple[tuple[int, int], ...]
    unmatched: int
    up: Tensor
    estimated_up: Tensor

    def __len__(self) -> int:
        return len(self.pairs)


def chosen(joints: tuple[str, ...], among: tuple[str, ...]) -> list[int]:
    """Positions of joints among others.

    >>> chosen(("neck", "pelvis"), among=("pelvis", "spine", "neck"))
    [2, 0]
    """
    return [among.index(joint) for joint in joints]


def seen(view: View, people: TruePeople, joints: list[int]) -> Seen:
    """True people before a camera.

    Args:
        joints: positions of the protocol's joints.
    """
    points = view.camera.to_camera(people.points[:, joints])  # (person, joint, 3), metres
    return Seen(MILLIMETRES * points, people.valid[:, joints], view.camera.project(points))


def estimated(scene: Scene, frame: int, joints: tuple[str, ...]) -> Estimated:
    """The people of a frame of a scene."""
    which = scene.skeleton.indices(joints)

    def of(name: str) -> Tensor:
        return torch.from_numpy(getattr(scene, name)[frame])

    return Estimated(
        points=MILLIMETRES * of("people")[:, which].double(),
        by_paper=MILLIMETRES * of("by_paper")[:, which].double(),
        keypoints=of("keypoints")[:, which].double(),
        visible=of("seen")[:, which],
        confidence=of("confidence").double(),
        deviation=MILLIMETRES * of("deviation")[:, which].double(),
    )


def taking_part(truth: Seen, image: tuple[float, float], protocol: Protocol = PROTOCOL) -> Tensor:
    """Which true people are in the image, (person,)."""
    inside = ((truth.pixels > 0) & (truth.pixels < truth.pixels.new_tensor(image))).all(-1)
    return (inside & truth.valid & (truth.points[..., 2] > protocol.nearest)).sum(-1) >= protocol.inside


def distances(estimate: Estimated, truth: Seen, protocol: Protocol = PROTOCOL) -> Tensor:
    """How far estimated and true people are apart in the image, in sizes of the true one: (estimated, true).

    Infinite for two who cannot be compared.
    """
    keypoints, pixels = estimate.keypoints.unsqueeze(1), truth.pixels.unsqueeze(0)
    common = keypoints.isfinite().all(-1) & truth.valid & estimate.points.isfinite().all((-1, -2))[:, None, None]
    apart = (keypoints - pixels).norm(dim=-1).where(common, torch.nan)  # (estimated, true, joint)
    valid = truth.valid.unsqueeze(-1)
    low, high = truth.pixels.where(valid, torch.inf).amin(1), truth.pixels.where(valid, -torch.inf).amax(1)
    size = (high - low).norm(dim=-1)  # (true,)
    return (apart.nanquantile(0.5, dim=-1) / size).where(common.sum(-1) >= protocol.common, torch.inf)


def match(estimate: Estimated, truth: Seen, protocol: Protocol = PROTOCOL) -> list[tuple[int, int]]:
    """Pairs (estimated, true) of the same person: the assignment that is closest in the image altogether."""
    if not len(estimate.points) or not len(truth.points):
        return []
    apart = distances(estimate, truth, protocol)
    cost = apart.clamp(max=IMPOSSIBLE)
    return [
        (int(one), int(other))
        for one, other in zip(*linear_sum_assignment(cost.numpy()), strict=True)
        if apart[one, other] < protocol.apart
    ]


def compare(
    scene: Scene, frame: int, view: View, truth: Truth, true_frame: int, protocol: Protocol = PROTOCOL
) -> Matched:
    """The people of an image whose estimate and truth are known.

    Args:
        scene, frame: which frame of which scene.
        view: the camera.
        truth, true_frame: which frame of which truth.
    """
    true = seen(view, truth.frames[true_frame], chosen(protocol.joints, truth.joints))
    estimate = estimated(scene, frame, protocol.joints)
    part = taking_part(true, view.image, protocol).nonzero().squeeze(-1)
    pairs = [
        (one, int(part[other]))
        for one, other in match(estimate, true[part], protocol)
        if true.valid[part[other]].sum() >= protocol.fewest
    ]
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    up = view.camera.up / view.camera.up.norm()
    said = torch.from_numpy(scene.up[frame]).double()
    return Matched(true[theirs], estimate[ours], tuple(pairs), len(part) - len(pairs), up, said)
