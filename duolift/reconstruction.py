"""From the detections of one image or video to a scene: camera, lifting, placement, and what is doubtful.

A long video comes in chunks. Each is lifted as it comes, which is what takes memory; all are placed together at the
end, so that nothing changes at a seam.

The camera's image size and focal length are settled by the first chunk in which somebody is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from duolift.body.skeleton import Skeleton
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.geometry.bones import bone_lengths
from duolift.geometry.lifted import Lifted
from duolift.geometry.smoothing import smoothed
from duolift.inputs.detections import JOINTS, Detections, sample_of
from duolift.inputs.ghosts import fleeting_notes, ghosts
from duolift.joint_orders import best_order
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement import METHODS
from duolift.placement.focal import default_focal, focal_from_people
from duolift.placement.interface import FocalSource, Method, SceneCameras
from duolift.placement.paper import visibility_groups
from duolift.placement.stature import in_metres, on_ground_of
from duolift.scene import Scene

FRAME_MARGIN = 1.2
"""An image of unknown size is taken to be this many times as large as the part of it that people take up."""

USUAL_RATE = 30.0
"""Frames a second of a video that nothing is known of."""

USUAL_IMAGE = (1920.0, 1080.0)
"""Width and height in pixels of an image that nothing is known of, with nobody in it."""

DOUBTFUL = 0.1
"""Metres that the joints of a file's poses may be expected to be off, in the median over poses, before a note says so.

MPII's annotated people are at 0.08, OpenPose's on Shelf at 0.06 (medians; one in ten of the former is above 0.1). In
another joint order, upside down or with their legs swapped they are between 0.11 and 0.23."""

SUSPICIOUS = 0.07
"""The same, before other orders of joints are tried."""

NOBODY = -1
"""Identity of the placeholder that stands in frames without people; no scene holds it."""


@dataclass(frozen=True)
class Lens:
    """The camera's lens as it is used.

    Attributes:
        image: width and height, pixels; the principal point is taken to be the image's centre.
        focal: pixels.
        source: where the focal length comes from.
        notes: what was assumed, in words.
    """

    image: tuple[float, float]
    focal: float
    source: FocalSource
    notes: tuple[str, ...] = ()

    def rays(self, pixels: Tensor) -> Tensor:
        """Slopes (..., 2) of the rays through pixels (..., 2)."""
        return (pixels - pixels.new_tensor(self.image) / 2) / self.focal

    def rows(self, rays: Tensor) -> Tensor:
        """Pixel rows (...) of rays (..., 2)."""
        return rays[..., 1] * self.focal + self.image[1] / 2


@dataclass(frozen=True)
class Choice:
    """Who of the people that were found is in the scene.

    Attributes:
        people: their identities; None for all.
        without_ghosts: leave out of all those who are no people (`duolift.inputs.ghosts`).
    """

    people: tuple[int, ...] | None = None
    without_ghosts: bool = False


EVERYBODY = Choice()


@dataclass(frozen=True)
class LiftedChunk:
    """Consecutive frames, lifted.

    Attributes:
        detections: what was found in them.
        pixels: (frame, person, joint, 2), the joints that the lifter takes.
        visible: (frame, person, joint), whether a joint was detected.
        lifted: the people, by the same indices.
    """

    detections: Detections
    pixels: Tensor
    visible: Tensor
    lifted: Lifted


class Reconstruction:
    """One image or video on its way to a scene: `add` its detections, then ask for the `scene`.

    Everything is computed on the device of `people`; the scene is in the CPU's memory.

    Args:
        people: lifts everybody.
        camera: what the user knows of the camera.
        method: puts people into one scene.
        choice: of whom there are in the scene.
    """

    def __init__(self, people: PeopleLifter, camera: Camera, method: Method, choice: Choice = EVERYBODY) -> None:
        self.people, self.camera, self.method, self.choice = people, camera, method, choice
        self.chunks: list[LiftedChunk] = []
        self.lens: Lens | None = None
        self._settled = False

    @property
    def static(self) -> bool:
        """Whether the frames are those of a video by a static camera."""
        return self.camera.static and self.video

    @property
    def video(self) -> bool:
        """Whether the frames are those of a video."""
        return bool(self.chunks and self.chunks[0].detections.video)

    @property
    def rate(self) -> float | None:
        """Frames a second of the video, of which a file may have every fifth; None for an image that stands alone."""
        return self.camera.rate or (USUAL_RATE if self.video else None)

    @torch.no_grad()
    def add(self, detections: Detections) -> None:
        """Lift the next frames."""
        detections = detections if detections.identities else with_nobody(detections)
        joints = JOINTS.indices(self.people.skeleton.joints)
        device = self.people.mean_pose.device
        pixels = torch.as_tensor(detections.keypoints[:, :, joints], dtype=torch.float32).to(device)
        visible = torch.as_tensor(detections.confidence[:, :, joints] > 0).to(device)  # (frame, person, joint)
        if self._settled and self.lens is not None:
            lens, lifted = self.lens, self._lifted(self.lens, pixels, visible)
        else:
            lens = self._assumed_lens(detections, pixels, visible)
            lifted = self._lifted(lens, pixels, visible)
            if lens.source == FocalSource.DEFAULT and self.camera.static and detections.video:
                told = self._told_lens(lens, lifted)
                if told.source == FocalSource.PEOPLE:
                    lens, lifted = told, self._lifted(told, pixels, visible)
            self.lens, self._settled = lens, bool(lifted.valid.any())
        self.chunks.append(LiftedChunk(detections, pixels, visible, lifted))

    def _lifted(self, lens: Lens, pixels: Tensor, visible: Tensor) -> Lifted:
        lifted = self.people(lens.rays(pixels), visible, self.camera.noise)
        return replace(lifted, root_rows=lens.rows(lifted.root_rays))

    def _assumed_lens(self, detections: Detections, pixels: Tensor, visible: Tensor) -> Lens:
        """By what the user and the file say, and by what is usual."""
        notes = []
        image = self.camera.image or detections.image
        if image is None:
            image = apparent_image(pixels, visible)
            if visible.any():
                notes.append(f"the image's size is not known: taken to be {image[0]:.0f} x {image[1]:.0f} pixels")
        if focal := self.camera.focal or detections.focal:
            return Lens(image, focal, FocalSource.KNOWN, tuple(notes))
        return Lens(image, float(default_focal(torch.tensor(image) / 2)), FocalSource.DEFAULT, tuple(notes))

    def _told_lens(self, lens: Lens, lifted: Lifted) -> Lens:
        """By the people who are together in most frames, where they tell the focal length."""
        together = [*visibility_groups(lifted.valid)]
        if not together:
            return lens
        frames, persons = max(together, key=lambda group: group[0].sum() * group[1].sum())
        some = lifted[frames.nonzero(), persons.nonzero().squeeze(-1)]
        one = torch.zeros_like(some.valid[:, 0], dtype=torch.long)
        told = focal_from_people(some, some.bodies.new_tensor([lens.focal]), one, one)
        return replace(lens, focal=float(told.pixels[0]), source=told.source[0])

    @torch.no_grad()
    def scene(self) -> Scene:
        """Everybody in one scene, metres.

        Raises:
            ValueError: nothing was added.
            InputError: a person was chosen who is not there.
        """
        if self.lens is None:
            raise ValueError("no detections: expected at least one image's, given to add()")
        lens, static, skeleton = self.lens, self.static, self.people.skeleton
        together, chosen = self._chosen(joined(self.chunks, skeleton))
        lifted, frames = together.lifted, len(together.lifted)
        sequence = torch.zeros(frames, dtype=torch.long, device=lifted.bodies.device) if static else None
        cameras = SceneCameras(sequence)
        placed = (self.method.video if static else self.method.image)(lifted, cameras)
        placed = in_metres(placed, lifted.valid, skeleton, static)
        paper = METHODS["paper"].video(lifted, cameras)
        by_paper = on_ground_of(paper, placed, lifted.valid, skeleton, static)
        absent = ~lifted.valid[..., None, None]  # (frame, person, 1, 1)
        deviation = deviations(lifted, placed.people).masked_fill(absent.squeeze(-1), torch.nan)
        scene = Scene(
            skeleton=skeleton,
            names=together.detections.names,
            identities=together.detections.identities,
            people=placed.people.masked_fill(absent, torch.nan).cpu().numpy(),
            by_paper=by_paper.masked_fill(absent, torch.nan).cpu().numpy(),
            seen=(together.visible & lifted.valid.unsqueeze(-1)).cpu().numpy(),
            confidence=(placed.confidence * lifted.valid).cpu().numpy(),
            deviation=deviation.cpu().numpy(),
            up=placed.up.contiguous().cpu().numpy(),
            height=placed.height.contiguous().cpu().numpy(),
            keypoints=torch.where(together.visible.unsqueeze(-1), together.pixels, torch.nan).cpu().numpy(),
            image=lens.image,
            focal=lens.focal,
            focal_source=str(lens.source),
            rate=rate / together.detections.step if (rate := self.rate) is not None else None,
            notes=(
                *(*together.detections.notes, *chosen),
                *(*self._notes(lens, together), *self._doubts(lens, together, deviation)),
            ),
        )
        if static and scene.rate and self.camera.smoothing:
            over = self.camera.smoothing * scene.rate  # frames
            scene = replace(
                scene,
                people=smoothed(scene.people, scene.deviation, over),
                by_paper=smoothed(scene.by_paper, scene.deviation, over),
            )
        return scene.select([index for index, identity in enumerate(scene.identities) if identity != NOBODY])

    def _chosen(self, together: LiftedChunk) -> tuple[LiftedChunk, list[str]]:
        """Those people who are in the scene, and what to say of the others. Raises InputError as `scene` does."""
        detections = together.detections
        identities, wanted = detections.identities, self.choice.people
        if identities == (NOBODY,):
            if wanted:
                raise InputError(f"people: {_listed(wanted)} chosen, and nobody is in {_place(detections)}")
            return together, []
        visible = together.visible.cpu().numpy()
        few = fleeting_notes(visible, identities) if self.video else []
        if wanted is not None:
            if missing := [identity for identity in wanted if identity not in identities]:
                raise InputError(
                    f"people: {_listed(missing)} is not in {_place(detections)}; expected some of {_listed(identities)}"
                )
            return chosen_of(together, [identities.index(identity) for identity in wanted]), few
        if not self.choice.without_ghosts:
            return together, few
        nobody = ghosts(together.pixels.double().cpu().numpy(), visible, identities, self.video)
        kept = [index for index, identity in enumerate(identities) if identity not in nobody]
        notes = [f"person {one} {why}, and is left out (--people chooses)" for one, why in nobody.items()]
        few = [note for note in few if not any(note.startswith(f"person {one} ") for one in nobody)]
        return chosen_of(together, kept) if nobody else together, [*notes, *few]

    def _doubts(self, lens: Lens, together: LiftedChunk, deviation: Tensor) -> tuple[str, ...]:
        """What to say of people whose bodies may be anything, and the order of joints that fits them better."""
        poses, off = together.detections.detected, 100 * float(deviation.mean(-1).nanmedian())  # cm
        if poses is None or not off > 100 * SUSPICIOUS:  # NaN where nothing is known
            return doubts(deviation)
        better = best_order(poses, self.people, lens.rays, self.camera.noise)
        if better is None:
            return doubts(deviation)
        name, times = better
        return (
            f"half of the poses are expected to be off by {off:.0f} cm or more: their joints may be in another order "
            f"than the format's, {poses.joints}; in that of {name} it would be {times * off:.0f} cm (--joints {name})",
        )

    def _notes(self, lens: Lens, together: LiftedChunk) -> list[str]:
        """What was assumed, and what the user should know of people who were not wholly seen."""
        notes, skeleton = list(lens.notes), self.people.skeleton
        visible, valid = together.visible, together.lifted.valid
        shown = visible.any(-1)
        if not shown.any():
            return notes if together.detections.identities == (NOBODY,) else [*notes, "nobody is seen"]
        if lens.source == FocalSource.DEFAULT:
            notes.append(f"the focal length is not known: a normal lens, {lens.focal:.0f} pixels, is assumed")
        if self.video and self.camera.rate is None:
            notes.append(f"the video's rate is not known: {USUAL_RATE:g} frames a second are assumed")
        if few := int((shown & ~valid).sum()):
            notes.append(f"{few} poses show too few joints to be lifted, and were left out")
        if hidden := int((valid & ~visible[..., skeleton.root_index]).sum()):
            notes.append(f"the hips of {hidden} poses are not seen: their places are guessed from the other joints")
        if hidden := int((valid & ~visible[..., skeleton.feet].any(-1)).sum()):
            notes.append(f"the feet of {hidden} poses are not seen: how far away they are is a guess")
        if not together.detections.video and int(valid.sum()) == 1:
            notes.append("one person alone: how far away they are follows from their stature only")
        return notes


def joined(chunks: Sequence[LiftedChunk], skeleton: Skeleton) -> LiftedChunk:
    """The chunks of one video, one after the other; people keep an index throughout, and are not valid in the frames
    of chunks in which they do not occur."""
    if len(chunks) == 1:
        return chunks[0]
    first = chunks[0].detections
    identities = tuple(dict.fromkeys(i for chunk in chunks for i in chunk.detections.identities))
    columns = [[identities.index(i) for i in chunk.detections.identities] for chunk in chunks]

    def spread(values: Sequence[Tensor], absent: float = 0.0) -> Tensor:
        """(frame, person of the chunk, ...) each -> (frame, person, ...)."""
        frames = []
        for value, column in zip(values, columns, strict=True):
            whole = value.new_full((len(value), len(identities), *value.shape[2:]), absent)
            whole[:, column] = value
            frames.append(whole)
        return torch.cat(frames)

    parts = [chunk.lifted for chunk in chunks]
    rows = [part.root_rows for part in parts if part.root_rows is not None]
    detections = replace(
        first,
        names=tuple(name for chunk in chunks for name in chunk.detections.names),
        identities=identities,
        step=max(chunk.detections.step for chunk in chunks),
        detected=sample_of(chunk.detections.detected for chunk in chunks),
        keypoints=np.empty(0),  # those of the lifter's joints are in `pixels`
        confidence=np.empty(0),
        notes=tuple(dict.fromkeys(note for chunk in chunks for note in chunk.detections.notes)),
    )
    lifted = Lifted(
        skeleton=skeleton,
        bodies=spread([part.bodies for part in parts]),
        elevation=spread([part.elevation for part in parts]),
        root_rays=spread([part.root_rays for part in parts]),
        distance=spread([part.distance for part in parts], absent=1.0),
        valid=spread([part.valid for part in parts]),
        deviation=spread(told) if (told := [p.deviation for p in parts if p.deviation is not None]) else None,
        root_rows=spread(rows),
    )
    pixels, visible = (spread([getattr(chunk, name) for chunk in chunks]) for name in ("pixels", "visible"))
    return LiftedChunk(detections, pixels, visible, lifted)


def chosen_of(chunk: LiftedChunk, people: Sequence[int]) -> LiftedChunk:
    """Some of the people, by their index, in all frames."""
    index = slice(None), list(people)
    return LiftedChunk(
        replace(chunk.detections, identities=tuple(chunk.detections.identities[person] for person in people)),
        chunk.pixels[index],
        chunk.visible[index],
        chunk.lifted[index],
    )


def _listed(identities: Sequence[int]) -> str:
    return ", ".join(map(str, identities))


def _place(detections: Detections) -> str:
    """The video or image, as part of a message."""
    return detections.video or detections.names[0]


def doubts(deviation: Tensor) -> tuple[str, ...]:
    """What to say of people whose bodies may be anything.

    >>> doubts(torch.full((10, 2, 19), 0.14))[0][:51]
    'half of the poses are expected to be off by 14 cm o'
    >>> doubts(torch.full((10, 2, 19), 0.06)), doubts(torch.full((10, 2, 19), torch.nan))
    ((), ())

    Args:
        deviation: (scene, person, joint), metres; NaN where it is not known.
    """
    median = float(deviation.mean(-1).nanmedian())  # of poses
    if not median > DOUBTFUL:  # NaN where nothing is known
        return ()
    return (
        f"half of the poses are expected to be off by {100 * median:.0f} cm or more: most of their joints may be "
        "hidden, or be in another order than the format's",
    )


def deviations(lifted: Lifted, people: Tensor) -> Tensor:
    """How far off joints are expected to be in their bodies, as large as people were placed; NaN where it is not known.

    Args:
        lifted: the people as they were lifted.
        people: (scene, person, joint, 3), as they were placed.

    Returns:
        (scene, person, joint), in the unit of `people`.
    """
    if lifted.deviation is None:
        return torch.full_like(people[..., 0], torch.nan)
    before, after = (bone_lengths(bodies, lifted.skeleton).sum(-1, keepdim=True) for bodies in (lifted.bodies, people))
    return lifted.deviation * after / before


def with_nobody(detections: Detections) -> Detections:
    """Frames without people, as those of one person who is never seen: networks then have somebody to work on."""
    keypoints = np.zeros((len(detections.names), 1, len(JOINTS), 2))
    return replace(detections, keypoints=keypoints, confidence=keypoints[..., 0], identities=(NOBODY,))


def apparent_image(pixels: Tensor, visible: Tensor) -> tuple[float, float]:
    """Width and height of an image that holds everybody who is seen, its corner at the origin; usual ones for nobody.

    Args:
        pixels: (..., joint, 2).
        visible: (..., joint).
    """
    seen = pixels[visible]
    if not len(seen):
        return USUAL_IMAGE
    width, height = (FRAME_MARGIN * seen.amax(0).clamp(min=1.0)).ceil().tolist()
    return width, height
