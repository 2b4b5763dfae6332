"""What is doubtful of people, in sentences for the user."""

from collections.abc import Callable

import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.geometry.lifted import Lifted
from duolift.inputs.detections import DetectedPoses
from duolift.joint_orders import best_order
from duolift.networks.people_lifter import PeopleLifter

DOUBTFUL = 0.1
"""Metres that the joints of a file's poses may be expected to be off, in the median over poses, before a note says so.

MPII's annotated people are at 0.08, OpenPose's on Shelf at 0.06 (medians; one in ten of the former is above 0.1). In
another joint order, upside down or with their legs swapped they are between 0.11 and 0.23."""

SUSPICIOUS = 0.065
"""The same, before other orders of joints are tried. In a wrong order people may come out small, and so may what is
expected of them: five frames in Human3.6M's order, read as COCO's, are at 0.072."""

EDGE_DEG = 5.0
"""Degrees from the end of the tilts that a lifter was trained on, within which an estimate may be of one beyond it:
those of 15 degrees up are said to be 10, at an end of 25."""

LARGEST = 0.9
"""Share of the largest size that a lifter was trained on, above which people are nearer than it knows."""


def little_seen(visible: Tensor, valid: Tensor, skeleton: Skeleton, video: bool) -> list[str]:
    """Of people who were not wholly seen.

    Args:
        visible: (frame, person, joint), whether a joint was detected.
        valid: (frame, person), whether a person was lifted.
        skeleton: of the people.
        video: whether the frames are a video's.

    >>> from duolift.body.skeleton import PAPER19
    >>> visible = torch.ones(1, 2, 19, dtype=torch.bool)
    >>> visible[0, 1, PAPER19.feet] = False
    >>> little_seen(visible, torch.ones(1, 2, dtype=torch.bool), PAPER19, video=False)
    ['the feet of 1 pose are not seen: how far away they are is a guess']
    """
    notes = []
    if few := int((visible.any(-1) & ~valid).sum()):
        show, were = ("show", "were") if few > 1 else ("shows", "was")
        notes.append(f"{_poses(few)} {show} too few joints to be lifted, and {were} left out")
    if hidden := int((valid & ~visible[..., skeleton.root_index]).sum()):
        notes.append(f"the hips of {_poses(hidden)} are not seen: their places are guessed from the other joints")
    if hidden := int((valid & ~visible[..., skeleton.feet].any(-1)).sum()):
        notes.append(f"the feet of {_poses(hidden)} are not seen: how far away they are is a guess")
    if not video and int(valid.sum()) == 1:
        notes.append("one person alone: how far away they are follows from their stature only")
    return notes


def _poses(count: int) -> str:
    return f"{count} pose{'s' * (count > 1)}"


def at_the_edge(lifted: Lifted, people: PeopleLifter) -> list[str]:
    """Of people who are seen as the lifter has hardly ever seen any in training: from a steep angle, or near by.

    Args:
        lifted: the people.
        people: what lifted them.
    """
    if people.detection is None or not lifted.valid.any():
        return []
    notes, (tilts, sizes) = [], people.detection.range.tolist()
    low, high = (float(torch.tensor(tilt).rad2deg()) for tilt in tilts)  # elevations: negative from above
    usual = float(lifted.elevation[lifted.valid].median().rad2deg())
    if not low + EDGE_DEG < usual < high - EDGE_DEG:
        where = "above" if usual < 0 else "below"
        notes.append(
            f"people are seen from {abs(usual):.0f} degrees {where} or more: the lifter has learned from views of at "
            f"most {-low:.0f} degrees above and {high:.0f} below"
        )
    if (near := float((1 / lifted.distance[lifted.valid]).median())) > LARGEST * sizes[1]:
        notes.append(
            f"people are {1 / near:.1f} head lengths from the camera, or less: the lifter has learned from people at "
            f"least {1 / sizes[1]:.1f} away"
        )
    return notes


def like_nobody(
    deviation: Tensor,
    detected: DetectedPoses | None,
    people: PeopleLifter,
    rays: Callable[[Tensor], Tensor],
    noise: float,
) -> list[str]:
    """Of people whose bodies may be anything, and the order of joints that fits them better, if there is one.

    Args:
        deviation: (frame, person, joint), metres; NaN where it is not known.
        detected: some of the poses as they were in the file; None if that is not known.
        people: lifts them.
        rays: slopes (..., 2) of the rays through pixels (..., 2).
        noise: standard error of the joints, head lengths.

    >>> from duolift import Lifter
    >>> people, rays = Lifter.load().people, lambda pixels: pixels / 1000
    >>> like_nobody(torch.full((9, 2, 19), 0.14), None, people, rays, noise=0.02)[0][:51]
    'half of the poses are expected to be off by 14 cm o'
    """
    off = float(deviation.mean(-1).nanmedian())  # of poses; NaN where nothing is known
    expected = f"half of the poses are expected to be off by {100 * off:.0f} cm or more"
    if detected is not None and off > SUSPICIOUS and (better := best_order(detected, people, rays, noise)):
        name, times = better
        return [
            f"{expected}: their joints may be in another order than the format's, {detected.joints}; in that of {name} "
            f"it would be {100 * times * off:.0f} cm (--joints {name})"
        ]
    if off > DOUBTFUL:
        return [f"{expected}: most of their joints may be hidden, or be in another order than the format's"]
    return []
