"""Which order the joints of a file are in, by what the bodies look like.

A file that does not name its joints says how many there are, and several formats have as many: in another order than
theirs, people come out as nobody looks. The lifter says how far off it expects a body to be, which is least in the
order that the joints are in.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from duolift.geometry.bones import bone_lengths
from duolift.inputs.detections import JOINTS, DetectedPoses
from duolift.inputs.keypoints import FORMATS, formats_with, to_joints
from duolift.networks.people_lifter import PeopleLifter

CLEARLY = 0.8
"""Another order fits better where the expected deviation is at most so many times that in the file's own."""


def best_order(
    poses: DetectedPoses, people: PeopleLifter, rays: Callable[[Tensor], Tensor], noise: float
) -> tuple[str, float] | None:
    """The format with as many joints as the file's in which the bodies are expected to be least off.

    Args:
        poses: as they were detected.
        people: lifts them.
        rays: slopes (..., 2) of the rays through pixels (..., 2).
        noise: standard error of the joints, head lengths.

    Returns:
        The format's name, and by how much less the bodies are expected to be off than in the file's own format, as a
        factor below 1; None where no other fits clearly better.

    >>> import numpy as np
    >>> from duolift import Lifter
    >>> pose = np.random.default_rng(0).uniform(400, 600, (1, 15, 2))  # no other format has 15 joints
    >>> best_order(DetectedPoses("mpi15", pose, np.ones((1, 15)), 0.3), Lifter.load().people, lambda p: p / 1000, 0.02)
    """
    off = {name: _off(poses, name, people, rays, noise) for name in formats_with(poses.keypoints.shape[1])}
    own = _off(poses, poses.joints, people, rays, noise) if poses.joints in FORMATS else torch.inf
    name, least = min(off.items(), key=lambda one: one[1], default=("", torch.inf))
    return (name, least / own) if name != poses.joints and least <= CLEARLY * own else None


@torch.no_grad()
def _off(
    poses: DetectedPoses, name: str, people: PeopleLifter, rays: Callable[[Tensor], Tensor], noise: float
) -> float:
    """How far off bodies are expected to be in the order of a format, in lengths of all bones; infinite for nobody.

    The median over poses.
    """
    keypoints, confidence = to_joints(poses.keypoints, poses.confidence, FORMATS[name], poses.threshold)
    joints = JOINTS.indices(people.skeleton.joints)
    device = people.mean_pose.device
    pixels = torch.as_tensor(keypoints[:, None, joints], dtype=torch.float32).to(device)  # (pose, 1, joint, 2)
    lifted = people(rays(pixels), torch.as_tensor(confidence[:, None, joints] > 0).to(device), noise)
    if lifted.deviation is None or not lifted.valid.any():
        return torch.inf
    size = bone_lengths(lifted.bodies, people.skeleton).sum(-1)  # (pose, 1)
    return float((lifted.deviation.mean(-1) / size)[lifted.valid].median())
