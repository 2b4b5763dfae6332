"""The joints that a lifter takes of what was detected, over the frames of one image or video."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.inputs.detections import JOINTS, Detections, sample_of

NOBODY = -1
"""Identity of the placeholder that stands in frames without people; no scene holds it."""


@dataclass(frozen=True)
class Sightings:
    """The joints that the lifter takes, over the frames of one image or video.

    Attributes:
        detections: what was found, but for its keypoints: those of the lifter's joints are here.
        pixels: (frame, person, joint, 2).
        visible: (frame, person, joint), whether a joint was detected.
    """

    detections: Detections
    pixels: Tensor
    visible: Tensor

    @classmethod
    def of(cls, detections: Detections, skeleton: Skeleton, device: torch.device) -> Self:
        """What the lifter of a skeleton takes of detections, on its device."""
        detections = detections if detections.identities else with_nobody(detections)
        joints = JOINTS.indices(skeleton.joints)
        pixels = torch.as_tensor(detections.keypoints[:, :, joints], dtype=torch.float32).to(device)
        visible = torch.as_tensor(detections.confidence[:, :, joints] > 0).to(device)
        return cls(replace(detections, keypoints=np.empty(0), confidence=np.empty(0)), pixels, visible)

    @property
    def nobody(self) -> bool:
        """Whether there are no people in any frame."""
        return self.detections.identities == (NOBODY,)

    def chosen(self, people: Sequence[int]) -> Self:
        """Some of the people, by their index, in all frames."""
        identities = tuple(self.detections.identities[person] for person in people)
        return type(self)(
            replace(self.detections, identities=identities), self.pixels[:, list(people)], self.visible[:, list(people)]
        )


def joined(chunks: Sequence[Sightings]) -> Sightings:
    """The chunks of one video, one after the other; people keep an index throughout, and nothing is seen of them in the
    frames of chunks in which they do not occur."""
    if len(chunks) == 1:
        return chunks[0]
    first = chunks[0].detections
    everybody = dict.fromkeys(i for chunk in chunks for i in chunk.detections.identities)
    identities = tuple(i for i in everybody if i != NOBODY) or (NOBODY,)

    def spread(values: Sequence[Tensor]) -> Tensor:
        """(frame, person of the chunk, ...) each -> (frame, person, ...)."""
        frames = []
        for value, chunk in zip(values, chunks, strict=True):
            whole = value.new_zeros((len(value), len(identities), *value.shape[2:]))
            if not chunk.nobody:
                whole[:, [identities.index(i) for i in chunk.detections.identities]] = value
            frames.append(whole)
        return torch.cat(frames)

    detections = replace(
        first,
        names=tuple(name for chunk in chunks for name in chunk.detections.names),
        identities=identities,
        step=max(chunk.detections.step for chunk in chunks),
        detected=sample_of(chunk.detections.detected for chunk in chunks),
        notes=tuple(dict.fromkeys(note for chunk in chunks for note in chunk.detections.notes)),
        image=next((c.detections.image for c in chunks if c.detections.image), None),
        focal=next((c.detections.focal for c in chunks if c.detections.focal), None),
        rate=next((c.detections.rate for c in chunks if c.detections.rate), None),
    )
    return Sightings(detections, spread([c.pixels for c in chunks]), spread([c.visible for c in chunks]))


def with_nobody(detections: Detections) -> Detections:
    """Frames without people, as those of one person who is never seen: networks then have somebody to work on."""
    keypoints = np.zeros((len(detections.names), 1, len(JOINTS), 2))
    return replace(detections, keypoints=keypoints, confidence=keypoints[..., 0], identities=(NOBODY,))
