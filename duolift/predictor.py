"""A trained lifter in use: keypoints in, people in one space out.

    from duolift import Lifter
    scene = Lifter.load().lift(keypoints, format="coco")

A lifter is one file, see `duolift.lifter_file`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import torch
from numpy.typing import ArrayLike

from duolift.camera import Camera
from duolift.choice import EVERYBODY, Choice
from duolift.devices import device_named
from duolift.errors import InputError
from duolift.inputs.arrays import from_arrays
from duolift.inputs.detections import JOINTS, Detections, Frame
from duolift.inputs.keypoints import THRESHOLD
from duolift.inputs.options import Options
from duolift.inputs.pixels import short
from duolift.inputs.reading import read
from duolift.inputs.tracking import TRACKING, counted, track
from duolift.lifter_file import read_lifter, write_lifter
from duolift.looking import with_detector
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement import DEFAULT_METHOD, METHODS
from duolift.placement.stature import UNKNOWN_STATURES, Statures
from duolift.reconstruction import Reconstruction
from duolift.scene import Scene
from duolift.streaming.stream import LAG, Stream

SHIPPED = Path(__file__).parent / "weights" / "shipped.safetensors"
"""The lifter that comes with the package, trained on the embedded set alone."""


class Lifter:
    """Lifts people and puts them into one space, on the CPU unless it is brought to another device.

    On every CPU of one kind the same keypoints give the same bytes; another device changes the last digits.

    Args:
        people: what lifts them.
        origin: what the file says of where its weights come from.
    """

    def __init__(self, people: PeopleLifter, origin: dict[str, Any] | None = None) -> None:
        self.people, self.origin = people.eval().requires_grad_(False), origin or {}

    @classmethod
    def load(cls, path: Path | str | None = None, device: str | torch.device | None = None) -> Self:
        """A lifter from its file; None takes the one that comes with the package.

        Args:
            path: of the file.
            device: where to lift, as torch names it, such as `cuda`; None for the CPU.

        Raises:
            InputError: the file is missing, or no lifter's; or there is no such device.
        """
        place = device_named("cpu" if device is None else device)
        return cls(*read_lifter(SHIPPED if path is None else Path(path))).to(place)

    @property
    def device(self) -> torch.device:
        """Where people are lifted and placed; scenes are in the CPU's memory always."""
        return self.people.mean_pose.device

    def to(self, device: str | torch.device) -> Self:
        """This lifter, from now on on a device.

        >>> Lifter.load().to("cpu").device
        device(type='cpu')

        Raises:
            InputError: there is no such device.
        """
        self.people.to(device_named(device))
        return self

    def save(self, path: Path) -> None:
        """Write the lifter's file, its weights in half precision, whole or not at all.

        Raises:
            InputError: a place that cannot be written to, or a disk that is full.
        """
        write_lifter(self.people, Path(path), self.origin)

    def lift(
        self,
        keypoints: ArrayLike,
        confidence: ArrayLike | None = None,
        format: str = JOINTS.name,
        camera: Camera | None = None,
        threshold: float = THRESHOLD,
        placement: str = DEFAULT_METHOD,
        stature: Statures = UNKNOWN_STATURES,
    ) -> Scene:
        """People in one scene from arrays of keypoints.

        Args:
            keypoints: (person, joint, 2|3) of an image, or (frame, person, joint, 2|3) of a video in which people keep
                their index; pixels, and confidence as a third number. NaN where a joint is not seen.
            confidence: (..., person, joint), 0 where a joint is not seen.
            format: of the joints, one of `duolift.inputs.keypoints.FORMATS`, such as `coco17`, or `coco` for short.
            camera: what is known of the camera.
            threshold: a joint of less confidence counts as not seen.
            placement: one of `duolift.placement.METHODS`.
            stature: how tall people are, as far as it is known: metres are metres then.

        Raises:
            InputError: an array of another shape than the format has, coordinates that are no pixels, an unknown
                format or placement.

        Example:
            >>> import numpy as np
            >>> keypoints = np.random.default_rng(0).uniform(100, 900, (2, 17, 2))
            >>> Lifter.load().lift(keypoints, format="coco", camera=Camera(image=(1000, 1000))).people.shape
            (1, 2, 19, 3)
        """
        return self.lift_detections(from_arrays(keypoints, confidence, format, threshold), camera, placement, stature)

    def lift_file(
        self,
        path: Path | str,
        camera: Camera | None = None,
        options: Options | None = None,
        placement: str = DEFAULT_METHOD,
        people: Sequence[int] | None = None,
        stature: Statures = UNKNOWN_STATURES,
    ) -> Scene:
        """People in one scene from a picture, a film, or a detector's file, or a folder of these.

        Args:
            path: of the file or folder, which holds one image or one video; see docs/formats.md for what is read.
            camera: what is known of the camera.
            options: what the file does not say, and the detector for pictures and films (otherwise the default one).
            placement: one of `duolift.placement.METHODS`.
            people: identities of those who are to be in the scene; None takes everybody but false detections.
            stature: how tall people are, as far as it is known.

        Raises:
            InputError: a detector that is not installed, a file that cannot be used, or one of several images or videos
                (`lift_frames` lifts those).
        """
        frames = read(path, with_detector(options or Options(), path))
        scenes = islice(self.lift_frames(frames, camera, placement, people, stature), 2)
        named = [*scenes]
        if len(named) != 1:
            found = "several images or videos" if named else "no frame"
            raise InputError(
                f"{path}: holds {found}; expected one image or one video (lift_frames lifts several, and the option "
                "video=True takes images for the frames of one video)"
            )
        return named[0][1]

    def lift_frames(
        self,
        frames: Iterable[Frame],
        camera: Camera | None = None,
        placement: str = DEFAULT_METHOD,
        people: Sequence[int] | None = None,
        stature: Statures = UNKNOWN_STATURES,
    ) -> Iterator[tuple[str, Scene]]:
        """People in one scene for every video and every image that stands alone, with its name.

        Of a long video only the keypoints are kept as they come; it is lifted once the last frame has come.

        Args:
            frames: of detectors' files, as `duolift.inputs.read` gives them.
            camera: what is known of the camera.
            placement: one of `duolift.placement.METHODS`.
            people: identities of those who are to be in the scenes; None takes everybody but false detections, who are
                in a few frames of a long video only, or are somebody once more.
            stature: how tall people are, as far as it is known.

        Raises:
            InputError: people who are not numbers, or not in a scene.
        """
        choice = Choice(None if people is None else _identities(people), without_ghosts=True)
        rate = None if camera is None else camera.rate
        for video, chunks in groupby(track(frames, rate=rate), key=lambda found: found.video):
            if not video:
                for found in chunks:
                    yield found.names[0], self._reconstructed([found], camera, placement, choice, stature)
            else:
                scene = self._reconstructed(chunks, camera, placement, choice, stature)
                yield video, scene.interpolated(round(TRACKING.gap / counted(scene.rate)))

    def lift_detections(
        self,
        detections: Detections,
        camera: Camera | None = None,
        placement: str = DEFAULT_METHOD,
        stature: Statures = UNKNOWN_STATURES,
    ) -> Scene:
        """People in one scene from the detections of one image or video, in which people keep their index.

        Unlike `lift_frames` it leaves gaps: a person is absent from the frames that they are not seen in.
        """
        return self._reconstructed([detections], camera, placement, EVERYBODY, stature)

    def stream(
        self,
        camera: Camera,
        format: str = JOINTS.name,
        threshold: float = THRESHOLD,
        stature: Statures = UNKNOWN_STATURES,
        lag: float = LAG,
    ) -> Stream:
        """People in one scene while they are filmed: frames of keypoints come one by one, scenes of one frame go out.

        Args:
            camera: what is known of it; it stands still, and the images' size has to be known.
            format: of the joints, as of `lift`.
            threshold: a joint of less confidence counts as not seen.
            stature: how tall people are, as far as it is known.
            lag: seconds that a scene is behind at most, from 0 to 0.2: the more, the steadier.

        Raises:
            InputError: a camera that moves or whose images have no size, an unknown format, or another lag.

        Example:
            >>> import numpy as np
            >>> keypoints = np.random.default_rng(0).uniform(100, 900, (2, 17, 2))
            >>> stream = Lifter.load().stream(Camera(image=(1000, 1000)), format="coco")
            >>> scenes = [scene for number in range(10) for scene in stream.add(keypoints, time=number / 30)]
            >>> [scene.names[0] for scene in scenes], scenes[-1].people.shape  # 0.2 s behind
            (['0', '1', '2', '3'], (1, 2, 19, 3))
            >>> [scene.names[0] for scene in stream.finish()]
            ['4', '5', '6', '7', '8', '9']
        """
        return Stream(self.people, camera, format, threshold, stature, lag)

    def _reconstructed(
        self, chunks: Iterable[Detections], camera: Camera | None, placement: str, choice: Choice, stature: Statures
    ) -> Scene:
        if placement not in METHODS:
            raise InputError(f"placement {placement!r} is unknown; expected one of {', '.join(METHODS)}")
        reconstruction = Reconstruction(self.people, camera or Camera(), METHODS[placement], choice, stature)
        for chunk in chunks:
            reconstruction.add(chunk)
        return reconstruction.scene()


def _identities(people: Sequence[int]) -> tuple[int, ...]:
    """Numbers of people, each once. Raises InputError where there are none, or they are no whole numbers."""
    whole = [one for one in people if isinstance(one, Integral) and not isinstance(one, bool)]
    if not whole or len(whole) < len(people):
        raise InputError(f"people is {short(people)}; expected numbers of people, such as [1, 2], or None for all")
    return tuple(dict.fromkeys(map(int, whole)))
