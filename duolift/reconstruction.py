"""From the detections of one image or video to a scene: keypoints over time, camera, lifting, placement, bodies over
time, and what is doubtful.

A long video comes in chunks, of which the keypoints are kept; nothing is lifted before the last has come, so that
nothing changes at a seam.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duolift import doubts
from duolift.calibration.calibration import Solved
from duolift.camera import Camera
from duolift.choice import EVERYBODY, Choice
from duolift.geometry.bones import bone_lengths
from duolift.geometry.lifted import Lifted, together
from duolift.inputs.detections import Detections
from duolift.lens import Lens
from duolift.levelled import lifted_level
from duolift.looks import Looks
from duolift.motion.fit import people_in_motion
from duolift.motion.keypoints import Tracks, tracked
from duolift.motion.panorama import Panorama
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement import METHODS
from duolift.placement.focal import DOUBTFUL, FOCAL_PRIOR, default_focal
from duolift.placement.interface import FocalSource, Method, Placed, SceneCameras
from duolift.placement.stature import (
    UNKNOWN_STATURES,
    Statures,
    distance_deviation,
    in_metres,
    on_ground_of,
    tilt_deviation,
)
from duolift.placement.up import Up
from duolift.placement.upright import known_up
from duolift.scene import Scene
from duolift.sight import Sight
from duolift.sightings import Sightings, joined
from duolift.standpoints import Standpoints, cameras_in, headings, standpoints

FRAME_MARGIN = 1.2
"""An image of unknown size is taken to be this many times as large as the part of it that people take up."""

USUAL_RATE = 30.0
"""Frames a second of a video that nothing is known of."""

USUAL_IMAGE = (1920.0, 1080.0)
"""Width and height in pixels of an image that nothing is known of, with nobody in it."""

AT_ONCE = 512
"""Frames that are lifted at once. Networks are as fast for them as for more, and memory is that of these."""


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
        """Whether the frames are those of a video by a camera that is static, or of which it is known how it moves."""
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

    def _lifted(
        self, lens: Lens, seen: Sightings, solved: Solved | None, stature: Tensor
    ) -> tuple[Lifted, Up | None, Sight | None]:
        """Everybody by themselves, where they say that up is, and their keypoints over time where frames are looked at
        together."""
        rays, visible, sight = lens.rays(seen.pixels), seen.visible, None
        if lens.lenses:
            visible = visible & rays.isfinite().all(-1)
        noise = torch.full_like(rays[..., 0, 0], self.camera.noise)  # (frame, person)
        if self.interval:
            looks = self._looks(rays, visible)
            rays, tracks = self._tracked(lens, seen.pixels, rays, visible, looks, solved)
            visible = torch.as_tensor(tracks.visible, device=rays.device) & looks.valid.unsqueeze(-1)
            if lens.lenses:
                visible = visible & rays.isfinite().all(-1)
            noise = torch.as_tensor(tracks.noise, dtype=rays.dtype, device=rays.device)
            sight = Sight(rays, visible, noise)

        def lift(rays: Tensor) -> Lifted:
            return together([self.people(*some) for some in _in_parts(rays, visible, noise)])

        lifted, told = lifted_level(
            lift, rays, lambda found: self._cameras(found, solved, self._standpoints(found, solved, stature))
        )
        return replace(lifted, root_rows=lens.rows(lifted.root_rays)), told, sight

    def _looks(self, rays: Tensor, visible: Tensor) -> Looks:
        """How large everybody looks, and where."""
        each = [Looks.of(self.people.framed(*some)) for some in _in_parts(rays, visible)]
        return Looks(*map(torch.cat, zip(*((one.valid, one.unit, one.roots) for one in each), strict=True)))

    def _tracked(
        self, lens: Lens, pixels: Tensor, rays: Tensor, visible: Tensor, looks: Looks, solved: Solved | None
    ) -> tuple[Tensor, Tracks]:
        """Rays to the joints over time (frame, person, joint, 2), and their tracks: in the image of a static camera,
        round a camera that turns."""
        assert self.interval is not None
        shown = visible.cpu().numpy()
        noise, interval = self.camera.noise, self.interval
        if self._moving and solved is not None and solved.rotation is not None:
            slopes = np.where(shown[..., None], rays.cpu().double().numpy(), 0.0)
            unit = torch.where(looks.valid, looks.unit, torch.nan)
            panorama = Panorama.of(slopes, shown, solved.rotation)
            on_map = panorama.size(unit.cpu().double().numpy(), looks.roots.cpu().double().numpy())
            tracks = tracked(panorama.coordinates(slopes), shown, on_map, noise, interval)
            found = panorama.rays(tracks.pixels)
            return torch.as_tensor(found, dtype=rays.dtype, device=rays.device), tracks
        size = torch.where(looks.valid, looks.unit * lens.focal, torch.nan)
        tracks = tracked(pixels.cpu().numpy(), shown, size.cpu().double().numpy(), noise, interval)
        return lens.rays(torch.as_tensor(tracks.pixels, dtype=rays.dtype, device=rays.device)), tracks

    @property
    def _moving(self) -> bool:
        """Whether it is known how the camera moves."""
        return self.camera.calibration is not None and self.camera.calibration.moving

    def _assumed_lens(self, seen: Sightings, solved: Solved | None) -> Lens:
        """By what the user and the file say, and by what is usual."""
        notes, detections = [], seen.detections
        image = self.camera.image or detections.image
        if solved is not None and self.camera.calibration is not None:
            self.camera.calibration.check_image(image)
            image = image or self.camera.calibration.image
        if image is None:
            image = apparent_image(seen.pixels, seen.visible)
            if seen.visible.any():
                notes.append(f"the image's size is not known: taken to be {image[0]:.0f} x {image[1]:.0f} pixels")
        if solved is not None:
            usual = float(np.median([np.mean(lens.focal) for lens in solved.lenses]))
            return Lens(image, usual, FocalSource.KNOWN, 0.0, (*notes, *solved.notes), solved.lenses)
        if focal := self.camera.focal or detections.focal:
            return Lens(image, focal, FocalSource.KNOWN, notes=tuple(notes))
        usual = float(default_focal(torch.tensor(image) / 2))
        return Lens(image, usual, FocalSource.DEFAULT, FOCAL_PRIOR, tuple(notes))

    @torch.inference_mode()
    def scene(self) -> Scene:
        """Everybody in one scene, metres.

        Raises:
            InputError: a person was chosen who is not there.
            ValueError: nothing was added.
        """
        if not self.chunks:
            raise ValueError("no detections: expected at least one image's, given to add()")
        static, skeleton = self.static, self.people.skeleton
        self.chunks = [joined(self.chunks)]  # of a long video, nothing is there twice
        seen, chosen = self.choice.of(self.chunks[0])
        calibration = self.camera.calibration
        solved = None if calibration is None else calibration.of(seen.detections.names)
        stature = self.stature.of(seen.detections.identities).to(seen.pixels)  # (person,)
        lens, lifted, told, sight = self._settled(seen, solved, stature)
        stand = self._standpoints(lifted, solved, stature)
        cameras = replace(self._cameras(lifted, solved, stand), told=told)
        placed = (self.method.video if static else self.method.image)(lifted, cameras)
        if stand is not None and calibration is not None:
            placed, metres = stand.in_metres(placed, lifted, stature)
            reference = stand.reference(calibration.source, metres)
        else:
            placed, reference = in_metres(placed, lifted.valid, skeleton, static, stature), None
        by_paper = self._by_paper(lifted, cameras, placed, stature)
        absent = ~lifted.valid[..., None, None]  # (frame, person, 1, 1)
        deviation = deviations(lifted, placed.people).masked_fill(absent.squeeze(-1), torch.nan)
        people, height = placed.people, placed.height
        where: dict[str, Any] = {}
        in_world = None
        if reference is not None and solved is not None:
            in_world = rotation, position = cameras_in(reference, solved)
            height = torch.as_tensor(position[:, 1], dtype=height.dtype)
            heading, place = headings(rotation, placed.up.cpu().double().numpy()), position[:, [0, 2]]
            where = {"heading": heading.astype(np.float32), "place": place.astype(np.float32), "reference": reference}
        if sight is not None and self.interval:
            people = self._in_motion(lifted, sight, placed, deviation, in_world if self._moving else None)
        scene = Scene(
            skeleton=skeleton,
            names=seen.detections.names,
            identities=seen.detections.identities,
            people=people.masked_fill_(absent, torch.nan).cpu().numpy(),
            by_paper=by_paper.masked_fill_(absent, torch.nan).cpu().numpy(),
            seen=(seen.visible & lifted.valid.unsqueeze(-1)).cpu().numpy(),
            confidence=(placed.confidence * lifted.valid).cpu().numpy(),
            deviation=deviation.cpu().numpy(),
            distance_deviation=distance_deviation(placed, lifted.valid, stature, lens.deviation).cpu().numpy(),
            tilt_deviation=self._tilt_deviation(placed, stand).cpu().numpy(),
            up=placed.up.contiguous().cpu().numpy(),
            height=height.contiguous().cpu().numpy(),
            keypoints=torch.where(seen.visible.unsqueeze(-1), seen.pixels, torch.nan).cpu().numpy(),
            image=lens.image,
            focal=lens.focal,
            focal_source=str(lens.source),
            rate=self.rate,
            notes=(
                *seen.detections.notes,
                *chosen,
                *lens.notes,
                *(() if stand is None else stand.notes),
                *self._notes(lens, seen, lifted, deviation),
            ),
            lenses=lens.kept,
            **where,
        )
        return scene.select([] if seen.nobody else range(len(scene.identities)))

    def _by_paper(self, lifted: Lifted, cameras: SceneCameras, placed: Placed, stature: Tensor) -> Tensor:
        """Everybody (frame, person, joint, 3) as the paper places them, on the ground of another placement."""
        paper = METHODS["paper"].video(lifted, cameras)
        return on_ground_of(paper, placed, lifted.valid, self.people.skeleton, self.static, stature)

    def _standpoints(self, lifted: Lifted, solved: Solved | None, stature: Tensor) -> Standpoints | None:
        """Where the cameras are beside the people, if the user knows that."""
        if solved is None or self.camera.calibration is None:
            return None
        interval = 1 / (self.rate or USUAL_RATE)
        return standpoints(self.camera.calibration, solved, lifted, stature, interval, self.static)

    def _cameras(self, lifted: Lifted, solved: Solved | None, stand: Standpoints | None) -> SceneCameras:
        """What is known of the cameras, for the placement."""
        like = lifted.elevation
        sequence = torch.zeros(len(lifted), dtype=torch.long, device=like.device) if self.static else None
        up, height = known_up(self.camera.tilt, lifted), None
        if stand is not None:
            up, height = (torch.as_tensor(each).to(like) for each in (stand.up_in_camera, stand.height))
        elif solved is not None and solved.rotation is not None and (known := self._world_up) is not None:
            up = torch.as_tensor(solved.rotation @ np.array(known)).to(like)
        return SceneCameras(sequence, up, 1 / (self.rate or USUAL_RATE), height)

    @property
    def _world_up(self) -> tuple[float, float, float] | None:
        """Where up is in the calibration's world, if it is known."""
        return None if self.camera.calibration is None else self.camera.calibration.world.up

    @staticmethod
    def _tilt_deviation(placed: Placed, stand: Standpoints | None) -> Tensor:
        """How far off the tilt is expected to be, (frame,), degrees; NaN where it is known."""
        if stand is None:
            return tilt_deviation(placed)
        off = float(np.degrees(stand.tilt_deviation)) if stand.tilt_deviation else np.nan
        return torch.full_like(placed.height, off)

    def _settled(
        self, seen: Sightings, solved: Solved | None, stature: Tensor
    ) -> tuple[Lens, Lifted, Up | None, Sight | None]:
        """The lens, and everybody as it shows them."""
        lens = self._assumed_lens(seen, solved)
        lifted, up, sight = self._lifted(lens, seen, solved, stature)
        if lens.source == FocalSource.DEFAULT and self.static:
            told = lens.told(lifted, 1 / (self.rate or USUAL_RATE))
            if told.source == FocalSource.PEOPLE:
                return told, *self._lifted(told, seen, solved, stature)
        return lens, lifted, up, sight

    def _in_motion(
        self,
        lifted: Lifted,
        sight: Sight,
        placed: Placed,
        deviation: Tensor,
        cameras: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    ) -> Tensor:
        """Everybody (frame, person, joint, 3) over the frames of a static camera, or of cameras (rotations from the
        world, and positions in it) that move."""
        assert self.interval is not None
        seen = sight.visible & lifted.valid.unsqueeze(-1)
        noise = metres_per_head_length(lifted, placed.people) * sight.noise
        rays = torch.where(seen.unsqueeze(-1), sight.rays, 0.0)
        given = (placed.people, rays, seen, noise, deviation, lifted.valid)
        points, slopes, shown, across, off, there = (value.cpu().numpy() for value in given)
        if cameras is not None:
            rotation, position = cameras
            points = points @ rotation[:, None] + position[:, None, None]
        moving = people_in_motion(points, slopes, shown, across, off, there, lifted.skeleton, self.interval, cameras)
        if cameras is not None:
            moving = (moving - position[:, None, None]) @ rotation[:, None].swapaxes(-1, -2)
        return torch.as_tensor(moving, dtype=placed.people.dtype, device=seen.device)

    def _notes(self, lens: Lens, seen: Sightings, lifted: Lifted, deviation: Tensor) -> list[str]:
        """What was assumed, and what is doubtful."""
        if not seen.visible.any():
            return [] if seen.nobody else ["nobody is seen"]
        notes = []
        if lens.source == FocalSource.DEFAULT:
            notes.append(
                f"the focal length is not known: a normal lens, {lens.focal:.0f} pixels, is assumed, "
                f"give or take {100 * lens.deviation:.0f} %"
            )
        elif lens.deviation > DOUBTFUL:
            notes.append(
                f"the focal length is doubtful: by the people it is {lens.focal:.0f} pixels, "
                f"give or take {100 * lens.deviation:.0f} %"
            )
        if self.video and self.camera.rate is None and self._rate_in_file is None:
            notes.append(f"the video's rate is not known: {USUAL_RATE:g} frames a second are assumed")
        notes += doubts.little_seen(seen.visible, lifted.valid, self.people.skeleton, seen.detections.video != "")
        notes += doubts.at_the_edge(lifted, self.people)
        notes += doubts.like_nobody(
            deviation, seen.detections.detected, self.people, lens.usual_rays, self.camera.noise
        )
        return notes


def _in_parts(*values: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Values (frame, ...) of as many frames as are looked at at once."""
    return zip(*(each.split(AT_ONCE) for each in values), strict=True)


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
    before, after = (
        torch.cat([bone_lengths(part, lifted.skeleton).sum(-1) for (part,) in _in_parts(bodies)])
        for bodies in (lifted.bodies, people)
    )
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
