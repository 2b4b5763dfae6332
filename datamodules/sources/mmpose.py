"""MMPose's archives of single people, as its converters write them of Human3.6M and of MPI-INF-3DHP.

`imgname` (record,), `part` (record, 17, 3) in pixels with a visibility, and `S` (record, 17, 4) in the camera's frame,
metres, with a confidence; boxes beside them. See
https://mmpose.readthedocs.io/en/latest/dataset_zoo/3d_body_keypoint.html.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datamodules.sources.objects import archive, numbers
from duolift.errors import InputError

KEYS = ("imgname", "part", "S")
JOINTS = 17


@dataclass(frozen=True)
class Records:
    """Images of single people.

    Attributes:
        names: of each record, what the image's name tells: subject, action and camera.
        frames: (record,), the frame's number in its video.
        pixels: (record, joint, 2).
        points: (record, joint, 3), camera frame, metres.
    """

    names: list[tuple[str, str, str]]
    frames: Tensor
    pixels: Tensor
    points: Tensor

    def by_sequence(self, subjects: list[str]) -> Iterator[tuple[tuple[str, str, str], Tensor]]:
        """The records (record,) of every sequence of some subjects, in the order of their frames."""
        of: dict[tuple[str, str, str], list[int]] = {}
        for number, name in enumerate(self.names):
            of.setdefault(name, []).append(number)
        for name, numbers_of in of.items():
            if name[0] in subjects:
                some = torch.tensor(numbers_of)
                yield name, some[self.frames[some].argsort(stable=True)]


def archives(root: Path) -> list[Path]:
    """The archives of a folder."""
    return sorted(path for path in root.glob("*.npz") if path.is_file())


def read_records(path: Path, image: re.Pattern[str], such_as: str) -> Records:
    """The records of an archive.

    Args:
        image: groups subject, action, camera and frame in an image's name; those that are missing are empty. A group
            `test` is the subject where there is no other.
        such_as: a name, for messages.

    Raises:
        InputError: the file is no such archive, or an image is called otherwise.
    """
    content = archive(path, KEYS, "what MMPose's converters write")
    names = content["imgname"]
    if not isinstance(names, np.ndarray) or names.dtype.kind != "U" or names.ndim != 1 or not len(names):
        raise InputError(f"{path}: imgname is no list of texts; expected names such as {such_as}")
    found = []
    for name in names.tolist():
        match = image.search(name)
        if match is None:
            raise InputError(f"{path}: imgname holds {name[:80]!r}; expected names such as {such_as}")
        found.append(match.groupdict(default=""))
    records = len(found)
    part = numbers(content["part"], (records, JOINTS, 3), f"{path}: part", f"({records}, {JOINTS}, 3)")
    points = numbers(content["S"], (records, JOINTS, 4), f"{path}: S", f"({records}, {JOINTS}, 4)")
    if (points[..., 2] <= 0).any():
        raise InputError(f"{path}: S holds joints that are not before the camera; expected its frame, z forward")
    return Records(
        [(one["subject"] or one.get("test", ""), one["action"], one["camera"]) for one in found],
        torch.tensor([int(one["frame"]) for one in found]),
        torch.from_numpy(part[..., :2].copy()),
        torch.from_numpy(points[..., :3].copy()),
    )
