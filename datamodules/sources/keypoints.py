"""Detectors' files, of any format that `duolift lift` reads, as a data set to train on: 2D alone.

    <root>/*.json, *.npz                    a file an image, a video or many of them
    <root>/<folder>/*.json, *.npz           the same, such as a folder a video

Every person is a pose of their own. A tenth of the images is held out: every tenth image, and of a video the last tenth
of its frames.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from datamodules.cache import FileContents, fingerprint_of
from datamodules.detected import DetectedPeople
from duolift.errors import InputError
from duolift.inputs.detections import Frame
from duolift.inputs.folders import detector_files, suffixes
from duolift.inputs.options import Options
from duolift.inputs.reading import read
from duolift.placement.focal import default_focal
from duolift.progress import tracked
from duolift.reconstruction import apparent_image

TRAIN, HELD_OUT = "train", "held_out"

PARTS = (TRAIN, HELD_OUT)
"""What takes the place of subjects."""

EVERY = 10
"""One image in so many is held out."""

MOST_BYTES = 2**30
"""Of a file, at most."""


def parts_of(root: Path) -> list[str]:
    """The parts of the data, which are the same for all."""
    return list(PARTS)


def read_people(
    root: Path, subjects: Sequence[str], cameras: Sequence[str] | None = None, cache: Path | None = None
) -> DetectedPeople:
    """Everybody in the files of a folder and of the folders in it, or in one file.

    Args:
        root: the folder or file.
        subjects: some of `PARTS`.
        cameras: None; detectors' files name no cameras.
        cache: not used, since files are read in seconds.

    Raises:
        InputError: there are no files, one is of no known format or not as its format has it, or nobody is in them.
    """
    if cameras is not None:
        raise InputError(f"data.cameras is {list(cameras)}; expected null, since detectors' files name no cameras")
    slopes, visible, subject = [], [], []
    places = _places(root)
    for frame, held_out in tracked(_frames(places), "reading detections", None):
        found = torch.from_numpy(frame.confidence > 0)  # (person, joint)
        slopes.append(_slopes(frame, found))
        visible.append(found)
        subject.append(torch.full((len(found),), PARTS.index(HELD_OUT if held_out else TRAIN)))
    if not sum(map(len, slopes)):
        raise InputError(f"{root}: nobody is in these files; expected people with joints of confidence above 0.3")
    files = FileContents(root.parent, _files(places), MOST_BYTES)
    return DetectedPeople(
        torch.cat(slopes), torch.cat(visible), torch.cat(subject), PARTS, fingerprint_of(files, "keypoints")
    )


def _places(root: Path) -> list[Path]:
    """The folder itself and all folders in it that hold files of detectors; a file by itself."""
    if root.is_file():
        return [root]
    places = [place for place in (root, *sorted(root.rglob("*/"))) if place.is_dir() and _files([place])]
    if not places:
        raise InputError(f"{root}: holds no {' or '.join(suffixes())} file; expected a folder of detectors' files")
    return places


def _files(places: Sequence[Path]) -> list[Path]:
    """All files in some places."""
    return sorted(file for place in places for file in ([place] if place.is_file() else detector_files(place)))


def _frames(places: Sequence[Path]) -> Iterator[tuple[Frame, bool]]:
    """Every frame, and whether it is held out."""
    for place in places:
        for video, group in groupby(read(place, Options()), key=lambda frame: frame.video):
            frames = list(group)
            for number, frame in enumerate(frames):
                last = number >= len(frames) - len(frames) // EVERY
                yield frame, last if video else number % EVERY == EVERY - 1


def _slopes(frame: Frame, visible: Tensor) -> Tensor:
    """Slopes of the rays to all joints, (person, joint, 2), through the frame's lens or a normal one."""
    keypoints = torch.from_numpy(frame.keypoints).float()
    if not len(keypoints):
        return keypoints
    image = frame.image or apparent_image(keypoints, visible)
    principal = torch.tensor(image) / 2
    focal = default_focal(principal) if frame.focal is None else torch.tensor(frame.focal)
    return (keypoints - principal) / focal
