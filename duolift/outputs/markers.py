"""Joints as markers, y up, for biomechanics: `.trc`, a file a person, and `.c3d`, everybody in one.

Markers of a `.trc` have the names of the joint centres in Pose2Sim's models for OpenSim
(https://github.com/perfanalytics/pose2sim, `OpenSim_Setup/Markers_Halpe26.xml`), so that these scale and follow them.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duolift.body.skeleton import without_side
from duolift.errors import InputError
from duolift.files import whole_file, write_text
from duolift.outputs.libraries import library, needs
from duolift.outputs.tracks import ever_valid, path_of, rate_of
from duolift.scene import Scene

MM_PER_METRE = 1000.0

MARKERS = {
    "pelvis": "Hip",
    "spine": "Spine",
    "neck": "Neck",
    "head": "HeadCentre",
    "head_top": "Head",
    "toe": "BigToe",
}
"""Joint without its side -> the marker's name in a TRC; any other's is its own, such as `LKnee`. `HeadCentre`, `Spine`,
feet, hands and thumbs are none of Pose2Sim's, and OpenSim leaves them out."""

C3D_FRAMES = 65535
"""A C3D counts its frames in 16 bits."""

C3D_BLOCK = 512
"""Bytes; a C3D's parts begin at multiples of it."""

INVALID_RESIDUAL = -1.0
"""The residual of a C3D's marker that is absent from a frame, whose coordinates are 0 then (C3D user guide, "The 3D
point data section", https://www.c3d.org)."""


def write_trc(scene: Scene, path: Path) -> list[Path]:
    """Write a `.trc` a person, metres; cells are empty in frames that the person is not in."""
    world = scene.world()
    written = []
    for person in ever_valid(scene, path):
        written.append(path_of(path, scene.identities[person]))
        markers = tuple(map(marker_name, scene.skeleton.joints))
        text = trc_text(world[:, person], markers, rate_of(scene), written[-1].name)
        write_text(written[-1], text)
    return written


def marker_name(joint: str) -> str:
    """What a joint's marker is called in a TRC.

    >>> marker_name("left_knee"), marker_name("right_toe"), marker_name("pelvis")
    ('LKnee', 'RBigToe', 'Hip')
    """
    part = without_side(joint)
    side = "" if part == joint else joint[0].upper()
    return side + MARKERS.get(part, part.capitalize())


def trc_text(person: NDArray[np.floating], markers: tuple[str, ...], rate: float, name: str) -> str:
    """The text of a TRC.

    Args:
        person: (frame, joint, 3), metres; NaN in frames that the person is not in.
        markers: their names.
        rate: frames a second.
        name: of the file, which its first line repeats.
    """
    count = len(person)
    fields = ("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate", "OrigDataStartFrame")
    lines = [
        ["PathFileType", "4", "(X/Y/Z)", name],
        [*fields, "OrigNumFrames"],
        [f"{rate:g}", f"{rate:g}", str(count), str(len(markers)), "m", f"{rate:g}", "1", str(count)],
        ["Frame#", "Time", *(cell for marker in markers for cell in (marker, "", ""))],
        ["", "", *(f"{axis}{number}" for number in range(1, len(markers) + 1) for axis in "XYZ")],
        [""],
    ]
    for frame, numbers in enumerate(person.reshape(count, -1)):
        cells = [f"{number:.5f}" if np.isfinite(number) else "" for number in numbers]
        lines.append([str(frame + 1), f"{frame / rate:.6f}", *cells])
    return "\n".join("\t".join(line) for line in lines) + "\n"


@needs("ezc3d")
def write_c3d(scene: Scene, path: Path) -> list[Path]:
    """Write a `.c3d`: markers `<identity>:<joint>`, millimetres; residual -1 in frames that a person is not in."""
    ever_valid(scene, path)
    if (found := len(scene.names)) > C3D_FRAMES:
        raise InputError(f"{path}: names has {found} frames; expected at most {C3D_FRAMES}, which is all a C3D holds")
    ezc3d = library("ezc3d", ".c3d")
    content = ezc3d.c3d()
    about = content["parameters"]["POINT"]
    about["RATE"]["value"] = [rate_of(scene)]
    about["UNITS"]["value"] = ["mm"]
    joints = scene.skeleton.joints
    about["LABELS"]["value"] = [f"{identity}:{joint}" for identity in scene.identities for joint in joints]
    for screen, axis in (("X_SCREEN", "+X"), ("Y_SCREEN", "+Y")):
        content.add_parameter("POINT", screen, [axis])
    points, residuals = c3d_points(scene)
    content["data"]["points"] = points
    content["data"]["meta_points"]["residuals"] = residuals
    with whole_file(path) as part:
        named = part.with_name(part.name + ".c3d")  # the library gives every file this suffix
        try:
            content.write(str(named))
            _check_whole(named, points)
            named.replace(part)
        finally:
            named.unlink(missing_ok=True)
    return [path]


def c3d_points(scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Homogeneous coordinates (4, marker, frame) in millimetres and residuals (1, marker, frame) of all markers."""
    world = scene.world()
    frames, people, joints = world.shape[:3]
    markers = world.reshape(frames, people * joints, 3).transpose(2, 1, 0)  # (3, marker, frame)
    valid = np.isfinite(markers).all(0)  # (marker, frame)
    points = np.ones((4, people * joints, frames))
    points[:3] = MM_PER_METRE * np.where(valid, markers, 0.0)
    return points, np.where(valid, 0.0, INVALID_RESIDUAL)[None]


def _check_whole(path: Path, points: NDArray[np.float64]) -> None:
    """Raise OSError if a file lacks some of its points (4, marker, frame), which its library does not notice."""
    with path.open("rb") as file:
        data = int.from_bytes(file.read(18)[-2:], "little")  # the block in which they begin, from 1
    _, markers, frames = points.shape
    if data < 2 or path.stat().st_size < C3D_BLOCK * (data - 1) + 16 * markers * frames:
        raise OSError("it ends early: is the disk full?")
