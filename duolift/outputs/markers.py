"""Joints as markers, y up, for biomechanics: `.trc`, a file a person, and `.c3d`, everybody in one."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duolift.errors import InputError
from duolift.files import whole_file, write_text
from duolift.outputs.libraries import library
from duolift.outputs.tracks import path_of, people_there, rate_of
from duolift.scene import Scene

MILLIMETRES = 1000.0

MOST_FRAMES = 65535
"""A C3D counts its frames in 16 bits."""


def write_trc(reconstruction: Scene, path: Path) -> list[Path]:
    """Write a `.trc` a person, metres; nothing in the cells of a frame that they are not in."""
    scene = reconstruction.scene()
    written = []
    for person in people_there(reconstruction, path):
        written.append(path_of(path, reconstruction.identities[person]))
        joints, rate = reconstruction.skeleton.joints, rate_of(reconstruction)
        write_text(written[-1], trc_text(scene[:, person], joints, rate, written[-1].name))
    return written


def trc_text(person: NDArray[np.floating], joints: tuple[str, ...], rate: float, name: str) -> str:
    """A TRC's text for one person (frame, joint, 3), metres, NaN where absent.

    Args:
        name: of the file, which its first line repeats.
    """
    count = len(person)
    fields = ("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate", "OrigDataStartFrame")
    lines = [
        ["PathFileType", "4", "(X/Y/Z)", name],
        [*fields, "OrigNumFrames"],
        [f"{rate:g}", f"{rate:g}", str(count), str(len(joints)), "m", f"{rate:g}", "1", str(count)],
        ["Frame#", "Time", *(cell for joint in joints for cell in (joint, "", ""))],
        ["", "", *(f"{axis}{number}" for number in range(1, len(joints) + 1) for axis in "XYZ")],
        [""],
    ]
    for frame, places in enumerate(person.reshape(count, -1)):
        cells = [f"{place:.5f}" if np.isfinite(place) else "" for place in places]
        lines.append([str(frame + 1), f"{frame / rate:.6f}", *cells])
    return "\n".join("\t".join(line) for line in lines) + "\n"


def write_c3d(reconstruction: Scene, path: Path) -> list[Path]:
    """Write a `.c3d`: markers `<identity>:<joint>`, millimetres; invalid in frames that a person is not in."""
    people_there(reconstruction, path)
    if len(reconstruction.names) > MOST_FRAMES:
        found = len(reconstruction.names)
        raise InputError(f"{path}: names has {found} frames; expected at most {MOST_FRAMES}, which is all a C3D holds")
    ezc3d = library("ezc3d", ".c3d")
    scene = reconstruction.scene()
    frames, people, joints = scene.shape[:3]
    points = np.ones((4, people * joints, frames))
    points[:3] = MILLIMETRES * scene.reshape(frames, people * joints, 3).transpose(2, 1, 0)
    content = ezc3d.c3d()
    about = content["parameters"]["POINT"]
    about["RATE"]["value"] = [rate_of(reconstruction)]
    about["UNITS"]["value"] = ["mm"]
    names = reconstruction.skeleton.joints
    about["LABELS"]["value"] = [f"{identity}:{joint}" for identity in reconstruction.identities for joint in names]
    for screen, axis in (("X_SCREEN", "+X"), ("Y_SCREEN", "+Y")):
        content.add_parameter("POINT", screen, [axis])
    content["data"]["points"] = points
    with whole_file(path) as part:
        named = part.with_name(part.name + ".c3d")  # the library gives every file this suffix
        try:
            content.write(str(named))
            _check_whole(named, points)
            named.replace(part)
        finally:
            named.unlink(missing_ok=True)
    return [path]


def _check_whole(path: Path, points: NDArray[np.float64]) -> None:
    """Raises OSError where a file lacks some of its points (4, marker, frame), of which its library does not tell."""
    with path.open("rb") as file:
        data = int.from_bytes(file.read(18)[-2:], "little")  # the block of 512 bytes in which they begin, from 1
    _, markers, frames = points.shape
    if data < 2 or path.stat().st_size < 512 * (data - 1) + 16 * markers * frames:
        raise OSError("it ends early: is the disk full?")
