"""Scenes of one frame each."""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from duolift.body.skeleton import Skeleton
from duolift.geometry.lifted import Lifted
from duolift.lens import Lens
from duolift.motion.quadratic import Array
from duolift.placement import METHODS
from duolift.placement.interface import Placed, SceneCameras
from duolift.placement.stature import distance_deviation, on_ground_of, tilt_deviation
from duolift.placement.upright import HELD_DEG
from duolift.scene import Scene
from duolift.streaming.settling import Known
from duolift.streaming.window import Moment


def of_frame(placed: Placed, frame: int) -> Placed:
    """One of the frames.

    >>> up, one = torch.tensor([[0.0, -1.0, 0.0]]).expand(5, 3), torch.ones(5, 2)
    >>> of_frame(Placed(torch.zeros(5, 2, 19, 3), up, torch.ones(5), one, one), 3).people.shape
    torch.Size([1, 2, 19, 3])
    """
    tensors = {field.name: getattr(placed, field.name) for field in fields(Placed)}
    some: dict[str, Any] = {name: t[frame : frame + 1] for name, t in tensors.items() if t is not None}
    return Placed(**some)


def scene_of(
    moment: Moment,
    identities: Sequence[int],
    lifted: Lifted,
    placed: Placed,
    points: Array,
    deviation: Array,
    lens: Lens,
    stature: torch.Tensor,
    rate: float | None,
) -> Scene:
    """The scene of one frame.

    Args:
        moment: the frame.
        identities: (person,).
        lifted, placed: that frame's people.
        points: (person, joint, 3), where their joints are, metres.
        deviation: (person, joint), how far off they are expected to be.
        lens: the camera's.
        stature: (person,), metres, NaN where it is not known.
        rate: frames a second, where it is known.
    """
    paper = METHODS["paper"].video(replace(lifted, root_rows=lens.rows(lifted.root_rays)), SceneCameras())
    by_paper = on_ground_of(paper, placed, lifted.valid, lifted.skeleton, False, stature)
    distance = distance_deviation(placed, lifted.valid, stature, lens.deviation)
    present = [number for number, identity in enumerate(identities) if identity in moment.people]
    seen = [moment.people[identities[number]] for number in present]

    keypoints = np.stack([np.where(one.visible[:, None], one.pixels, np.nan) for one in seen])

    def of_those(values: torch.Tensor) -> NDArray[np.float32]:
        return np.asarray(values[:, present].cpu().numpy())

    return Scene(
        skeleton=lifted.skeleton,
        names=(moment.name,),
        identities=tuple(identities[number] for number in present),
        people=points[None, present].astype(np.float32),
        by_paper=of_those(by_paper),
        seen=np.stack([one.known for one in seen])[None],
        confidence=of_those(placed.confidence),
        deviation=deviation[None, present].astype(np.float32),
        distance_deviation=of_those(distance),
        tilt_deviation=tilt_deviation(placed).cpu().numpy(),
        up=placed.up.contiguous().cpu().numpy(),
        height=placed.height.contiguous().cpu().numpy(),
        keypoints=keypoints[None].astype(np.float32),
        image=lens.image,
        focal=lens.focal,
        focal_source=str(lens.source),
        rate=rate,
    )


def empty_scene(moment: Moment, known: Known | None, skeleton: Skeleton, lens: Lens, rate: float | None) -> Scene:
    """A frame without anybody: the camera is what it is taken to be, or as cameras are held."""
    tilt, spread = (math.radians(degrees) for degrees in HELD_DEG[0])
    up, metres, deviation = [0.0, -math.cos(tilt), math.sin(tilt)], 1.0, spread
    if known is not None:
        up, metres = known.settled.up[0].tolist(), known.metres
        deviation = math.nan if known.settled.deviation is None else float(known.settled.deviation[0])
    bodies = np.zeros((1, 0, len(skeleton), 3), dtype=np.float32)
    return Scene(
        skeleton=skeleton,
        names=(moment.name,),
        identities=(),
        people=bodies,
        by_paper=bodies,
        seen=bodies[..., 0] > 0,
        confidence=bodies[..., 0, 0],
        deviation=bodies[..., 0],
        distance_deviation=bodies[..., 0, 0],
        tilt_deviation=np.array([math.degrees(deviation)], dtype=np.float32),
        up=np.array([up], dtype=np.float32),
        height=np.array([metres], dtype=np.float32),
        keypoints=bodies[..., :2],
        image=lens.image,
        focal=lens.focal,
        focal_source=str(lens.source),
        rate=rate,
    )
