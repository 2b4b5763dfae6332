"""People in one scene while they are being filmed: frames of keypoints come in one by one, and scenes go out."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike

from duolift.camera import Camera
from duolift.errors import InputError
from duolift.inputs.arrays import from_arrays
from duolift.inputs.detections import JOINTS, Frame
from duolift.inputs.keypoints import format_named
from duolift.inputs.tracking import RATE, Tracker
from duolift.lens import Lens
from duolift.motion.fit import GIVES, USUAL, evidence_of, fitted, usual_lengths
from duolift.motion.quadratic import Array
from duolift.motion.terms.given import firmness
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement.focal import FOCAL_PRIOR, default_focal
from duolift.placement.interface import FocalSource
from duolift.placement.stature import Statures
from duolift.reconstruction import USUAL_RATE, deviations, metres_per_head_length
from duolift.scene import Scene
from duolift.streaming.frames import empty_scene, of_frame, scene_of
from duolift.streaming.memory import Pose
from duolift.streaming.rows import to_rows
from duolift.streaming.settling import Settling
from duolift.streaming.window import Moment, Sighting, Window

LAG = 0.2
"""Seconds that a scene is behind at most: the frames after it tell where joints were, and bodies."""

OUT_OF_SIGHT = 1.0
"""Seconds that a person may be out of sight and still be the same."""


class Stream:
    """People before one static camera, as they come: `add` frames of keypoints, and take the scenes that are ready.

    Every scene holds one frame. It is behind the newest one by at most `lag` seconds, and does not change any more.
    The camera (tilt, roll, height, and the focal length where it is not given), everybody's size and bones settle as
    evidence gathers: what is the same in all frames of a whole video's scene may differ by a little here.

    Memory and time a frame are bounded, however long it goes on.

    Args:
        people: lifts everybody.
        camera: what is known of the camera, at least the images' size.
        format: of the joints, one of `duolift.inputs.keypoints.FORMATS`.
        threshold: a joint of less confidence counts as not seen.
        stature: how tall people are, as far as it is known.
        lag: seconds, from 0 to `LAG`.

    Raises:
        InputError: a camera that moves or whose images have no size, an unknown format, or another lag.
    """

    def __init__(
        self, people: PeopleLifter, camera: Camera, format: str, threshold: float, stature: Statures, lag: float = LAG
    ) -> None:
        if camera.image is None:
            raise InputError("camera: image is None; a stream needs the images' width and height in pixels")
        if camera.calibration is not None:
            raise InputError(
                f"camera: calibration is {camera.calibration.source}; expected none; a stream needs a "
                "camera of which no more than focal length and tilt are given"
            )
        if not camera.static:
            raise InputError("camera: static is False; a stream needs a camera that stands still")
        if not (isinstance(lag, int | float) and 0 <= lag <= LAG):
            raise InputError(f"lag is {lag!r}; expected seconds, from 0 to {LAG:g}")
        self.people, self.camera, self.format, self.threshold = people, camera, format_named(format).name, threshold
        usual = float(default_focal(torch.tensor(camera.image) / 2))
        lens = Lens(camera.image, usual, FocalSource.DEFAULT, FOCAL_PRIOR)
        if camera.focal:
            lens = Lens(camera.image, camera.focal, FocalSource.KNOWN)
        self._settling = Settling(people, camera, stature, lens)
        lag, noise = (lag, camera.noise) if camera.smooth else (0.0, 0.0)
        self._window = Window(noise, lag, 1 / (camera.rate or USUAL_RATE))
        self._tracker = Tracker(round(OUT_OF_SIGHT * RATE))
        self._count, self._time = 0, -math.inf

    def add(
        self,
        keypoints: ArrayLike,
        confidence: ArrayLike | None = None,
        time: float | None = None,
        identities: Sequence[int] | None = None,
        name: str | None = None,
    ) -> list[Scene]:
        """The next frame comes.

        Args:
            keypoints: (person, joint, 2|3), as `Lifter.lift` takes them; people in any order. (0, joint, 2) where
                nobody is there.
            confidence: (person, joint), 0 where a joint is not seen.
            time: seconds, later than the frame before; None for one frame of `camera.rate` later.
            identities: (person,), whole numbers, where something else follows people; None follows them here.
            name: of the frame; None for its number.

        Returns:
            The scenes that are ready, in order: none or one as a rule.

        Raises:
            InputError: keypoints that `Lifter.lift` does not take, or a time that is not later. The frame is left out.
        """
        points = np.asarray(keypoints)
        if points.ndim != 3:
            raise InputError(f"keypoints have shape {points.shape}; expected (person, joint, 2 or 3) of one frame")
        found = from_arrays(keypoints, confidence, self.format, self.threshold)
        numbers = None if identities is None else tuple(int(number) for number in identities)
        if numbers is not None and len({*numbers}) != len(points):
            raise InputError(f"identities are {numbers}; expected a number for each of {len(points)} people")
        label = str(self._count) if name is None else name
        return self.add_frame(Frame(label, "stream", found.keypoints[0], found.confidence[0], identities=numbers), time)

    @torch.inference_mode()
    def add_frame(self, frame: Frame, time: float | None = None) -> list[Scene]:
        """The next frame comes as `duolift.inputs` has frames; see `add`."""
        step = self._window.usual if time is None or not self._count else time - self._time
        time = (self._time + step if self._count else 0.0) if time is None else float(time)
        if not (math.isfinite(time) and time > self._time):
            raise InputError(f"time is {time}; expected seconds, later than {self._time:g}, that of the frame before")
        there = frame.confidence.any(-1)
        some = None if frame.identities is None else tuple(np.array(frame.identities)[there].tolist())
        frame = replace(frame, keypoints=frame.keypoints[there], confidence=frame.confidence[there], identities=some)
        identities = self._tracker.follow(frame, step * RATE)
        self._tracker.forget()
        self._count, self._time = self._count + 1, time
        self._window.add(Moment(frame.name, time, self._sighted(frame, identities)))
        return self._given(self._window.due())

    def finish(self) -> list[Scene]:
        """No frame comes any more: the scenes that were held back."""
        with torch.inference_mode():
            return self._given([moment for moment in self._window.moments if not moment.given])

    def _sighted(self, frame: Frame, identities: Sequence[int]) -> dict[int, Sighting]:
        """The people of whom enough is seen."""
        if not identities:
            return {}
        joints, lens = JOINTS.indices(self.people.skeleton.joints), self._settling.lens
        pixels, visible = frame.keypoints[:, joints], frame.confidence[:, joints] > 0
        device = self.people.mean_pose.device
        rays = lens.rays(torch.as_tensor(pixels, dtype=torch.float32).to(device))
        framed = self.people.framed(rays[None], torch.as_tensor(visible, device=device)[None])
        sizes, valid = (lens.focal * framed.unit[0]).tolist(), framed.valid[0].tolist()
        each = zip(identities, pixels, visible, sizes, valid, strict=True)
        noise = self.camera.noise
        return {i: Sighting(p, seen, size, p, seen, noise) for i, p, seen, size, shown in each if shown}

    def _given(self, due: list[Moment]) -> list[Scene]:
        """The scenes of frames that are due."""
        if not due:
            return []
        if self.camera.smooth:
            self._window.track()
        self._lift()
        for moment in due:
            for identity, seen in moment.people.items():
                assert seen.row is not None
                self._settling.see(identity, moment.time, Pose(seen.track, seen.known, seen.noise, seen.row))
        if self._settling.settle(due[-1].time):
            for moment in self._window.moments:
                for seen in moment.people.values():
                    seen.row = None
            self._lift()
        scenes = self._scenes(due)
        for moment in due:
            moment.given, moment.firmness = True, firmness(self._time - moment.time)
        return scenes

    def _lift(self) -> None:
        """Lift everybody who is to be lifted (anew)."""
        new = [one for moment in self._window.moments for one in moment.people.values() if one.row is None]
        if not new:
            return
        track, known, noise = (np.stack([getattr(one, name) for one in new]) for name in ("track", "known", "noise"))
        lifted = self._settling.lifted(track[:, None], known[:, None], noise[:, None])
        for one, row in zip(new, to_rows(lifted), strict=True):
            one.row = row[0]

    def _scenes(self, due: list[Moment]) -> list[Scene]:
        known, lens, rate = self._settling.known, self._settling.lens, self.camera.rate
        moments = self._window.latest()
        everybody = dict.fromkeys(identity for moment in moments for identity in moment.people)
        people = tuple(identity for identity in everybody if known is not None and identity in known.identities)
        if not people:
            return [empty_scene(moment, known, self.people.skeleton, lens, rate) for moment in due]
        there = np.array([[identity in moment.people for identity in people] for moment in moments])
        rows = {(f, n): moments[f].people[people[n]].row for f, n in zip(*there.nonzero(), strict=True)}
        packed = np.zeros((*there.shape, len(next(row for row in rows.values() if row is not None))), dtype=np.float32)
        for place, row in rows.items():
            packed[place] = row
        lifted = self._settling.from_rows(packed, there)
        placed = self._settling.placed(lifted, people, self._window.interval)
        off, head = deviations(lifted, placed.people), metres_per_head_length(lifted, placed.people)
        points, deviation, unit = (value.double().cpu().numpy() for value in (placed.people, off, head))
        for number, identity in enumerate(people):
            (frames,) = there[:, number].nonzero()
            given = points[frames, number], deviation[frames, number], unit[frames, number]
            points[frames, number] = self._moved(identity, [moments[frame] for frame in frames], *given)
        stature = self._settling.stature.among(people).to(lifted.bodies)
        scenes = []
        for moment in due:
            if not moment.people:
                scenes.append(empty_scene(moment, known, self.people.skeleton, lens, rate))
                continue
            frame = moments.index(moment)
            self._remember(moment, people, points[frame], deviation[frame])
            here = lifted[frame : frame + 1], of_frame(placed, frame), points[frame], deviation[frame]
            scenes.append(scene_of(moment, people, *here, lens, stature, rate))
        return scenes

    def _moved(self, identity: int, moments: list[Moment], points: Array, deviation: Array, unit: Array) -> Array:
        """A person's joints (frame, joint, 3) over some frames, as they go on from those that were given out.

        Args:
            identity: of the person, who is in all of the frames.
            moments: the frames.
            points: (frame, joint, 3), as they were placed; metres.
            deviation: (frame, joint), how far off they are expected to be in their body.
            unit: (frame,), how long a head length is.
        """
        seen = [moment.people[identity] for moment in moments]
        if not self.camera.smooth or all(moment.given for moment in moments):
            return points
        pixels, shown, noise = (np.stack([getattr(one, name) for one in seen]) for name in ("track", "known", "noise"))
        rays = self._settling.lens.rays(torch.as_tensor(pixels)).numpy()
        times, there = np.array([moment.time for moment in moments]), np.ones(len(moments), dtype=bool)
        steps = np.diff(times, prepend=times[0] - self._window.interval)
        evidence = points, rays, shown, unit * noise, deviation, there
        known = evidence_of(*evidence, self.people.skeleton, self._window.interval, steps)
        lengths, gives = self._settling.lengths(identity) or (
            usual_lengths(points, known.deviation, known.skeleton),
            GIVES[0],
        )
        given = np.full_like(points, np.nan)
        for frame, (moment, one) in enumerate(zip(moments, seen, strict=True)):
            if moment.given and one.points is not None:
                given[frame] = one.points
        start = np.stack([p if one.points is None else one.points for p, one in zip(points, seen, strict=True)])
        firm = np.array([moment.firmness for moment in moments])
        found = fitted(replace(known, lengths=lengths, gives=gives, given=given, firmness=firm), start)
        for moment, one, where in zip(moments, seen, found, strict=True):
            if not moment.given:
                one.points = where
        return found

    def _remember(self, moment: Moment, people: Sequence[int], points: Array, deviation: Array) -> None:
        """Keep the bodies that are given out, which tell the lengths of bones."""
        assert self._settling.known is not None
        for number, identity in enumerate(people):
            pose = self._settling.memory.people[identity].poses.get(moment.time)
            if pose is not None and identity in moment.people:
                size = self._settling.known.size(identity)
                off = np.where(np.isfinite(deviation[number]), deviation[number], USUAL)
                pose.body, pose.deviation = points[number] / size, off / size
