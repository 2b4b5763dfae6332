"""A webcam's frames, as the page sends them one by one, become scenes while it is filming."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from threading import Lock

from duolift.camera import Camera
from duolift.detectors.following import for_a_film
from duolift.detectors.interface import Detector
from duolift.detectors.registry import LIVE_DETECTOR
from duolift.errors import InputError
from duolift.files.pictures import picture_of, size_of
from duolift.placement.stature import UNKNOWN_STATURES, Statures
from duolift.predictor import Lifter
from duolift.scene import Scene
from duolift.streaming.stream import Stream

LAG = 0.1
"""Seconds that a scene is held back at most. Detection takes as long again: at 5 frames a second nothing is held back,
at 10 one frame."""

LARGEST_PICTURE = 4096 * 2160
"""Pixels of a frame."""

SLOW = 0.2
"""Seconds of detection a frame from which it is said that `LIVE_DETECTOR` is faster than another one."""

TIMED = 9
"""Frames of whose times the median counts."""


@dataclass(frozen=True)
class LiveFrame:
    """A frame as it came.

    Attributes:
        session: of the page that films; another one begins anew.
        name: of the frame.
        time: seconds, on the page's clock.
        content: a JPEG, or another picture.
    """

    session: str
    name: str
    time: float
    content: bytes


class Live:
    """One webcam at a time: the last page that began to film.

    Args:
        lifter: what lifts people.
        detector: what makes the detector that finds them, which is loaded when the first frame comes.
        camera: what is known of it. A focal length is one of `camera.image`, or else of the frames as they come.
        stature: how tall people are, as far as it is known.

    >>> import io
    >>> import numpy as np
    >>> from PIL import Image
    >>> class Nobody:
    ...     name, joints = "nobody", "coco17"
    ...
    ...     def detect(self, picture):
    ...         return np.zeros((0, 17, 3), dtype=np.float32)
    >>> Image.new("RGB", (640, 360)).save(jpeg := io.BytesIO(), "JPEG")
    >>> live = Live(Lifter.load(), Nobody)
    >>> ready = [live.look(LiveFrame("a page", name, float(name), jpeg.getvalue())) for name in ("0", "1")]
    >>> [[(scene.names, scene.identities) for scene in scenes] for scenes in ready]
    [[], [(('0',), ()), (('1',), ())]]
    """

    def __init__(
        self,
        lifter: Lifter,
        detector: Callable[[], Detector],
        camera: Camera | None = None,
        stature: Statures = UNKNOWN_STATURES,
    ) -> None:
        self.lifter, self.camera, self.stature = lifter, camera or Camera(), stature
        self._load, self._lock, self._of = detector, Lock(), ("", (0.0, 0.0))
        self._detector: Detector | None = None
        self._filming: tuple[Detector, Stream] | None = None
        self._seconds: deque[float] = deque(maxlen=TIMED)

    def look(self, frame: LiveFrame) -> list[Scene]:
        """The scenes that are ready with a frame: none or one as a rule.

        Raises:
            InputError: a frame that is no picture, is too large or does not come after the one before, or a detector
                that is not there.
        """
        with self._lock:
            if self._detector is None:
                self._detector = self._load()
            picture = picture_of(frame.content, f"frame {frame.name}", LARGEST_PICTURE)
            image = size_of(picture)
            if self._filming is None or self._of != (frame.session, image):
                self._filming = for_a_film(self._detector), self._begun(image, self._detector.joints)
                self._of = frame.session, image
            detector, stream = self._filming
            began = time.perf_counter()
            found = detector.detect(picture)
            self._seconds.append(time.perf_counter() - began)
            notes = self._slow(detector)
            scenes = stream.add(found, time=frame.time, name=frame.name)
            return [replace(scene, notes=(*scene.notes, *notes)) for scene in scenes]

    def _slow(self, detector: Detector) -> list[str]:
        """What there is to say of how long detection takes."""
        if detector.name == LIVE_DETECTOR or len(self._seconds) < TIMED or (seconds := median(self._seconds)) < SLOW:
            return []
        return [f"finding people takes {seconds:.2f} s a frame here; --detector {LIVE_DETECTOR} is faster"]

    def _begun(self, image: tuple[float, float], joints: str) -> Stream:
        known = self.camera
        focal = known.focal
        if focal and known.image:
            focal *= image[0] / known.image[0]
        if not (known.static and known.smooth):
            raise InputError(
                "a webcam that is lifted live stands still; expected neither --moving nor --frame-by-frame"
            )
        camera = replace(known, image=image, focal=focal)
        return self.lifter.stream(camera, joints, stature=self.stature, lag=LAG)
