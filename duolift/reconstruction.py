"""From the detections of one image or video to a scene: keypoints over time, camera, lifting, placement, bodies over
time, and what is doubtful.

A long video comes in chunks, of which the keypoints are kept; nothing is lifted before the last has come, so that
nothing changes at a seam.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from duolift import doubts
from duolift.camera import Camera
from duolift.choice import EVERYBODY, Choice
from duolift.geometry.bones import bone_lengths
from duolift.geometry.lifted import Lifted, together
from duolift.inputs.detections import Detections
from duolift.motion.fit import people_in_motion
from duolift.motion.keypoints import Tracks, tracked
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement import METHODS
from duolift.placement.focal import FOCAL_PRIOR, default_focal, focal_from_people
from duolift.placement.interface import FocalSource, Method, Placed, SceneCameras
from duolift.placement.paper import visibility_groups
from duolift.placement.stature import (
    UNKNOWN_STATURES,
    Statures,
    distance_deviation,
    in_metres,
    on_ground_of,
    tilt_deviation,
)
from duolift.placement.upright import direction
from duolift.scene import Scene
from duolift.sightings import Sightings, joined

FRAME_MARGIN = 1.2
"""An image of unknown size is taken to be this many times as large as the part of it that people take up."""

USUAL_RATE = 30.0
"""Frames a second of a video that nothing is known of."""

USUAL_IMAGE = (1920.0, 1080.0)
"""Width and height in pixels of an image that nothing is known of, with nobody in it."""

AT_ONCE = 4096
"""Frames that are lifted at once."""


@dataclass(frozen=True)
class Lens:
    """The camera's lens as it is used.

    Attributes:
        image: width and height, pixels; the principal point is taken to be the image's centre.
        focal: pixels.
        source: where the focal length comes from.
        deviation: of its logarithm: 0.1 is 10 %.
        notes: what was assumed, in words.
    """

    image: tuple[float, float]
    focal: float
    source: FocalSource
    deviation: float = 0.0
    notes: tuple[str, ...] = ()

    def rays(self, pixels: Tensor) -> Tensor:
        """Slopes (..., 2) of the rays through pixels (..., 2)."""
        return (pixels - pixels.new_tensor(self.image) / 2) / self.focal

    def told(self, lifted: Lifted) -> Self:
        """The lens by the people who are together in most frames, where they tell the focal length.

        Args:
            lifted: those of one static camera, with this lens.
        """
        groups = [*visibility_groups(lifted.valid)]
        if not groups:
            return self
        frames, persons = max(groups, key=lambda group: group[0].sum() * group[1].sum())
        some = lifted[frames.nonzero(), persons.nonzero().squeeze(-1)]
        one = torch.zeros_like(some.valid[:, 0], dtype=torch.long)
        found = focal_from_people(some, some.bodies.new_tensor([self.focal]), one, one)
        return replace(self, focal=float(found.pixels[0]), source=found.source[0], deviation=float(found.deviation[0]))

    def rows(self, rays: Tensor) -> Tensor:
        """Pixel rows (...) of rays (..., 2)."""
        return rays[..., 1] * self.focal + self.image[1] / 2


class Reconstruction:
    """One image or video on its way to a scene: `add` its detections, then ask for the `scene`.

    Everything is computed on the device of `people`; the scene is in the CPU's memory.

    Args:
        people: lifts everybody.
        camera: what the user knows of the camera.
        method: puts people into one scene.
        choice: of whom there are in the scene.
        stature: of people, as far as it is known.
    """

    def __init__(
        self,
        people: PeopleLifter,
        camera: Camera,
        method: Method,
        choice: Choice = EVERYBODY,
        stature: Statures = UNKNOWN_STATURES,
    ) -> None:
        self.people, self.camera, self.method = people, camera, method
        self.choice, self.stature = choice, stature
        self.chunks: list[Sightings] = []

    @property
    def video(self) -> bool:
        """Whether the frames are those of a video."""
        return bool(self.chunks and self.chunks[0].detections.video)

    @property
    def static(self) -> bool:
        """Whether the frames are those of a video by a static camera."""
        return self.camera.static and self.video

    @property
    def rate(self) -> float | None:
        """Frames a second, of which a video's file may have every fifth; None for an image that stands alone."""
        rate = self.camera.rate or self._rate_in_file or (USUAL_RATE if self.video else None)
        return None if rate is None else rate / max((chunk.detections.step for chunk in self.chunks), default=1)

    @property
    def _rate_in_file(self) -> float | None:
        """Frames a second of a video, by its file."""
        return next((chunk.detections.rate for chunk in self.chunks if chunk.detections.rate), None)

    @property
    def interval(self) -> float | None:
        """Seconds between two frames that are looked at together; None where each is looked at by itself."""
        return 1 / self.rate if self.static and self.rate and self.camera.smooth else None

    def add(self, detections: Detections) -> None:
        """Take the next frames."""
        self.chunks.append(Sightings.of(detections, self.people.skeleton, self.people.mean_pose.device))

    def _lifted(self, lens: Lens, seen: Sightings) -> tuple[Lifted, Tracks | None]:
        """Everybody by themselves, and their keypoints over time where frames are looked at together."""
        rays, visible, tracks = lens.rays(seen.pixels), seen.visible, None
        noise = torch.full_like(rays[..., 0, 0], self.camera.noise)  # (frame, person)
        if self.interval:
            framed = self.people.framed(rays, visible)
            size = torch.where(framed.valid, framed.unit * lens.focal, torch.nan)
            pixels, shown, sizes = (v.cpu().numpy() for v in (seen.pixels.double(), visible, size.double()))
            tracks = tracked(pixels, shown, sizes, self.camera.noise, self.interval)
            rays = lens.rays(torch.as_tensor(tracks.pixels, dtype=rays.dtype, device=rays.device))
            visible = torch.as_tensor(tracks.visible, device=rays.device) & framed.valid.unsqueeze(-1)
            noise = torch.as_tensor(tracks.noise, dtype=rays.dtype, device=rays.device)
        each = zip(rays.split(AT_ONCE), visible.split(AT_ONCE), noise.split(AT_ONCE), strict=True)
        lifted = together([self.people(*some) for some in each])
        return replace(lifted, root_rows=lens.rows(lifted.root_rays)), tracks

    def _assumed_lens(self, seen: Sightings) -> Lens:
        """By what the user and the file say, and by what is usual."""
        notes, detections = [], seen.detections
        image = self.camera.image or detections.image
        if image is None:
            image = apparent_image(seen.pixels, seen.visible)
            if seen.visible.any():
                notes.append(f"the image's size is not known: taken to be {image[0]:.0f} x {image[1]:.0f} pixels")
        if focal := self.camera.focal or detections.focal:
            return Lens(image, focal, FocalSource.KNOWN, notes=tuple(notes))
        usual = float(default_focal(torch.tensor(image) / 2))
        return Lens(image, usual, FocalSource.DEFAULT, FOCAL_PRIOR, tuple(notes))

    @torch.no_grad()
    def scene(self) -> Scene:
        """Everybody in one scene, metres.

        Raises:
            InputError: a person was chosen who is not there.
            ValueError: nothing was added.
        """
        if not self.chunks:
            raise ValueError("no detections: expected at least one image's, given to add()")
        static, skeleton = self.static, self.people.skeleton
        seen, chosen = self.choice.of(joined(self.chunks))
        lens, lifted, tracks = self._settled(seen)
        sequence = torch.zeros(len(lifted), dtype=torch.long, device=lifted.bodies.device) if static else None
        cameras = SceneCameras(sequence, self._known_up(lifted), 1 / (self.rate or USUAL_RATE))
        stature = self.stature.of(seen.detections.identities).to(lifted.bodies)  # (person,)
        placed = (self.method.video if static else self.method.image)(lifted, cameras)
        placed = in_metres(placed, lifted.valid, skeleton, static, stature)
        paper = METHODS["paper"].video(lifted, cameras)
        by_paper = on_ground_of(paper, placed, lifted.valid, skeleton, static, stature)
        absent = ~lifted.valid[..., None, None]  # (frame, person, 1, 1)
        deviation = deviations(lifted, placed.people).masked_fill(absent.squeeze(-1), torch.nan)
        people = placed.people
        if tracks is not None and self.interval:
            people = self._in_motion(lens, lifted, tracks, placed, deviation)
        scene = Scene(
            skeleton=skeleton,
            names=seen.detections.names,
            identities=seen.detections.identities,
            people=people.masked_fill(absent, torch.nan).cpu().numpy(),
            by_paper=by_paper.masked_fill(absent, torch.nan).cpu().numpy(),
            seen=(seen.visible & lifted.valid.unsqueeze(-1)).cpu().numpy(),
            confidence=(placed.confidence * lifted.valid).cpu().numpy(),
            deviation=deviation.cpu().numpy(),
            distance_deviation=distance_deviation(placed, lifted.valid, stature, lens.deviation).cpu().numpy(),
            tilt_deviation=tilt_deviation(placed).cpu().numpy(),
            up=placed.up.contiguous().cpu().numpy(),
            height=placed.height.contiguous().cpu().numpy(),
            keypoints=torch.where(seen.visible.unsqueeze(-1), seen.pixels, torch.nan).cpu().numpy(),
            image=lens.image,
            focal=lens.focal,
            focal_source=str(lens.source),
            rate=self.rate,
            notes=(*seen.detections.notes, *chosen, *lens.notes, *self._notes(lens, seen, lifted, deviation)),
        )
        return scene.select([] if seen.nobody else range(len(scene.identities)))

    def _known_up(self, lifted: Lifted) -> Tensor | None:
        """Where up is in every frame, (frame, 3), if the user knows the camera's tilt."""
        if self.camera.tilt is None:
            return None
        tilt = lifted.elevation.new_tensor(-self.camera.tilt).deg2rad()
        return direction(tilt, torch.zeros_like(tilt)).expand(len(lifted), 3)

    def _settled(self, seen: Sightings) -> tuple[Lens, Lifted, Tracks | None]:
        """The lens, and everybody as it shows them."""
        lens = self._assumed_lens(seen)
        lifted, tracks = self._lifted(lens, seen)
        if lens.source == FocalSource.DEFAULT and self.static:
            told = lens.told(lifted)
            if told.source == FocalSource.PEOPLE:
                return told, *self._lifted(told, seen)
        return lens, lifted, tracks

    def _in_motion(self, lens: Lens, lifted: Lifted, tracks: Tracks, placed: Placed, deviation: Tensor) -> Tensor:
        """Everybody (frame, person, joint, 3) over the frames of a static camera."""
        assert self.interval is not None
        seen = torch.as_tensor(tracks.visible, device=lifted.valid.device) & lifted.valid.unsqueeze(-1)
        rays = lens.rays(torch.as_tensor(tracks.pixels, dtype=placed.people.dtype, device=seen.device))
        head = metres_per_head_length(lifted, placed.people)
        noise = head * torch.as_tensor(tracks.noise, dtype=head.dtype, device=seen.device)
        given = (placed.people, rays, seen, noise, deviation, lifted.valid)
        points, slopes, shown, across, off, there = (value.cpu().double().numpy() for value in given)
        moving = people_in_motion(points, slopes, shown, across, off, there, lifted.skeleton, self.interval)
        return torch.as_tensor(moving, dtype=placed.people.dtype, device=seen.device)

    def _notes(self, lens: Lens, seen: Sightings, lifted: Lifted, deviation: Tensor) -> list[str]:
        """What was assumed, and what is doubtful."""
        if not seen.visible.any():
            return [] if seen.nobody else ["nobody is seen"]
        notes = []
        if lens.source == FocalSource.DEFAULT:
            notes.append(f"the focal length is not known: a normal lens, {lens.focal:.0f} pixels, is assumed")
        if self.video and self.camera.rate is None and self._rate_in_file is None:
            notes.append(f"the video's rate is not known: {USUAL_RATE:g} frames a second are assumed")
        notes += doubts.little_seen(seen.visible, lifted.valid, self.people.skeleton, seen.detections.video != "")
        notes += doubts.at_the_edge(lifted, self.people)
        notes += doubts.like_nobody(deviation, seen.detections.detected, self.people, lens.rays, self.camera.noise)
        return notes


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
    return lifted.deviation * metres_per_head_length(lifted, people).unsqueeze(-1)


def metres_per_head_length(lifted: Lifted, people: Tensor) -> Tensor:
    """How much larger people (scene, person, joint, 3) are than they were lifted, (scene, person)."""
    before, after = (bone_lengths(bodies, lifted.skeleton).sum(-1) for bodies in (lifted.bodies, people))
    return after / before


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
