"""A trained lifter in use: keypoints in, people in one space out.

    from duolift import Lifter
    scene = Lifter.load().lift(keypoints, format="coco")

A lifter is one file, safetensors: weights, and in its metadata what they are the weights of.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Self

import safetensors
import safetensors.torch
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from duolift import __version__
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.files import regular, write_bytes
from duolift.inputs.arrays import from_arrays
from duolift.inputs.detections import JOINTS, Detections, Frame
from duolift.inputs.keypoints import THRESHOLD
from duolift.inputs.reading import Options, read
from duolift.inputs.tracking import TRACKING, track
from duolift.networks.people_lifter import Architecture, PeopleLifter
from duolift.placement import DEFAULT_METHOD, METHODS
from duolift.reconstruction import Reconstruction
from duolift.scene import Scene

SHIPPED = Path(__file__).parent / "weights" / "synthetic.safetensors"
"""The lifter that comes with the package, trained on the embedded set alone."""

FILE_FORMAT = 1
"""Version of the layout of a lifter's file."""


class Lifter:
    """Lifts people and puts them into one space.

    Args:
        people: what lifts them.
        origin: what the file says of where its weights come from.
    """

    def __init__(self, people: PeopleLifter, origin: dict[str, Any] | None = None) -> None:
        self.people, self.origin = people.eval().requires_grad_(False), origin or {}

    @classmethod
    def load(cls, path: Path | str | None = None) -> Self:
        """A lifter from its file; None takes the one that comes with the package.

        Raises:
            InputError: the file is missing, or no lifter's.
        """
        path = SHIPPED if path is None else Path(path)
        if path.suffix == ".ckpt":
            raise InputError(
                f"{path}: a checkpoint of a training stage; expected a .safetensors file (make pack RUN=name)"
            )
        try:
            with safetensors.safe_open(regular(path), "pt") as file:
                header = json.loads((file.metadata() or {}).get("duolift", "{}"))
                weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        except InputError:
            raise
        except (OSError, safetensors.SafetensorError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: not readable as a lifter ({error}); expected a safetensors file") from error
        if not isinstance(header, dict) or header.get("format") != FILE_FORMAT:
            found = header.get("format") if isinstance(header, dict) else header
            raise InputError(
                f"{path}: metadata 'duolift' has format {found}; expected {FILE_FORMAT}, of a trained lifter"
            )
        try:
            architecture = Architecture(**header["architecture"])
            if architecture.blocks + (architecture.completer_blocks or 0) > len(weights):
                raise ValueError(f"{len(weights)} weights for more blocks")
            expected = architecture.shapes()  # before anything is made that takes memory
            if wrong := next((k for k in {**expected, **weights} if _shape(weights, k) != expected.get(k)), None):
                raise ValueError(f"{wrong} has shape {_shape(weights, wrong)}, expected {expected.get(wrong)}")
            if wrong := next((name for name, weight in weights.items() if not weight.isfinite().all()), None):
                raise ValueError(f"{wrong} is not finite")
            people = PeopleLifter(architecture)
            people.load_state_dict(weights)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path}: weights and architecture disagree ({str(error).splitlines()[0]})") from error
        return cls(people, header.get("origin"))

    def save(self, path: Path) -> None:
        """Write the lifter's file, its weights in half precision, whole or not at all.

        Raises:
            InputError: a place that cannot be written to, or a disk that is full.
        """
        header = {
            "format": FILE_FORMAT,
            "version": __version__,
            "architecture": asdict(self.people.architecture),
            "origin": self.origin,
        }
        weights = {name: value.half().contiguous() for name, value in self.people.state_dict().items()}
        write_bytes(Path(path), safetensors.torch.save(weights, {"duolift": json.dumps(header)}))

    def lift(
        self,
        keypoints: ArrayLike,
        confidence: ArrayLike | None = None,
        format: str = JOINTS.name,
        camera: Camera | None = None,
        threshold: float = THRESHOLD,
        placement: str = DEFAULT_METHOD,
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

        Raises:
            InputError: an array of another shape than the format has, coordinates that are no pixels, an unknown
                format or placement.

        Example:
            >>> import numpy as np
            >>> keypoints = np.random.default_rng(0).uniform(100, 900, (2, 17, 2))
            >>> Lifter.load().lift(keypoints, format="coco", camera=Camera(image=(1000, 1000))).people.shape
            (1, 2, 19, 3)
        """
        return self.lift_detections(from_arrays(keypoints, confidence, format, threshold), camera, placement)

    def lift_file(
        self,
        path: Path | str,
        camera: Camera | None = None,
        options: Options | None = None,
        placement: str = DEFAULT_METHOD,
    ) -> Scene:
        """People in one scene from a detector's file, or folder of files, that holds one image or one video.

        Args:
            path: of the file or folder; see docs/formats.md for what is read.
            camera: what is known of the camera.
            options: what the file does not say.
            placement: one of `duolift.placement.METHODS`.

        Raises:
            InputError: a file that cannot be used, or one of several images or videos (`lift_frames` lifts those).
        """
        scenes = islice(self.lift_frames(read(path, options), camera, placement), 2)
        named = [*scenes]
        if len(named) != 1:
            found = "several images or videos" if named else "no frame"
            raise InputError(
                f"{path}: holds {found}; expected one image or one video (lift_frames lifts several, and the option "
                "video=True takes images for the frames of one video)"
            )
        return named[0][1]

    def lift_frames(
        self, frames: Iterable[Frame], camera: Camera | None = None, placement: str = DEFAULT_METHOD
    ) -> Iterator[tuple[str, Scene]]:
        """People in one scene for every video and every image that stands alone, with its name.

        The frames of a long video are lifted as they come, and placed together once the last has come.

        Args:
            frames: of detectors' files, as `duolift.inputs.read` gives them.
            camera: what is known of the camera.
            placement: one of `duolift.placement.METHODS`.
        """
        for video, chunks in groupby(track(frames), key=lambda found: found.video):
            if not video:
                yield from ((found.names[0], self.lift_detections(found, camera, placement)) for found in chunks)
            else:
                yield video, self._reconstructed(chunks, camera, placement).interpolated(TRACKING.gap)

    def lift_detections(
        self, detections: Detections, camera: Camera | None = None, placement: str = DEFAULT_METHOD
    ) -> Scene:
        """People in one scene from the detections of one image or video, in which people keep their index.

        Unlike `lift_frames` it leaves gaps: a person is absent from the frames that they are not seen in.
        """
        return self._reconstructed([detections], camera, placement)

    def _reconstructed(self, chunks: Iterable[Detections], camera: Camera | None, placement: str) -> Scene:
        if placement not in METHODS:
            raise InputError(f"placement {placement!r} is unknown; expected one of {', '.join(METHODS)}")
        reconstruction = Reconstruction(self.people, camera or Camera(), METHODS[placement])
        for chunk in chunks:
            reconstruction.add(chunk)
        return reconstruction.scene()


def _shape(weights: dict[str, Tensor], name: str) -> torch.Size | None:
    return weights[name].shape if name in weights else None
