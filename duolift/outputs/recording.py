"""A scene as a recording of the Rerun viewer (`.rrd`), with the camera, the image's poses and a time line."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duolift.errors import install
from duolift.files import write_bytes
from duolift.outputs.colours import colours_of, rgb
from duolift.outputs.libraries import library, needs
from duolift.outputs.tracks import rate_of
from duolift.scene import Scene, headed, world_axes

IMAGE_ENTITY = "scene/camera/image"

JOINT_RADIUS, BONE_RADIUS, KEYPOINT_RADIUS = 0.03, 0.015, 3.0
"""Metres, metres and pixels."""


@needs("rerun", install("rerun"))
def write_recording(scene: Scene, path: Path) -> list[Path]:
    """Write an `.rrd`: entities `scene/<identity>` and `scene/camera/image/<identity>`."""
    rerun = library("rerun", ".rrd", install("rerun"))
    stream = rerun.RecordingStream("duolift")
    recorded = stream.binary_stream()
    _log_camera(rerun, stream, scene)
    world, axes = scene.world(), headed(scene.heading) @ world_axes(scene.up)
    for frame, name in enumerate(scene.names):
        stream.set_time("frame", sequence=frame)
        stream.set_time("time", duration=frame / rate_of(scene))
        stream.log("name", rerun.TextLog(name))
        stream.log("scene/camera", rerun.Transform3D(translation=scene.camera_places[frame], mat3x3=axes[frame]))
        if len(scene.lenses) > 1:
            stream.log(IMAGE_ENTITY, _pinhole(rerun, scene, frame))
        for person in range(len(scene.identities)):
            _log_person(rerun, stream, scene, world, frame, person)
    write_bytes(path, recorded.read())
    return [path]


def _log_camera(rerun: Any, stream: Any, scene: Scene) -> None:
    """What holds for all frames: axes, the lens and the notes."""
    stream.log("scene", rerun.ViewCoordinates.RIGHT_HAND_Y_UP, static=True)
    if len(scene.lenses) <= 1:
        stream.log(IMAGE_ENTITY, _pinhole(rerun, scene, 0), static=True)
    if scene.notes:
        stream.log("notes", rerun.TextDocument("\n\n".join(scene.notes)), static=True)


def _pinhole(rerun: Any, scene: Scene, frame: int) -> Any:
    """The lens of a frame, without its distortion, of which Rerun knows nothing."""
    lens, (width, height) = scene.lens_of(frame), scene.image
    axes = rerun.ViewCoordinates.RDF  # right, down, forward
    return rerun.Pinhole(
        focal_length=lens.focal, principal_point=lens.principal, width=width, height=height, camera_xyz=axes
    )


def _log_person(rerun: Any, stream: Any, scene: Scene, world: NDArray[np.float32], frame: int, person: int) -> None:
    """A person's 2D and 3D pose in a frame; their 3D pose is cleared away in a frame that they are not in."""
    skeleton, identity = scene.skeleton, scene.identities[person]
    sides = [rgb(colour) for colour in colours_of(person)]
    colours = [sides[joint.startswith("left")] for joint in skeleton.joints]
    points = scene.keypoints[frame, person]
    visible = np.isfinite(points).all(-1)
    visible_colours = [colour for colour, is_visible in zip(colours, visible, strict=True) if is_visible]
    pose = rerun.Points2D(points[visible], colors=visible_colours, radii=KEYPOINT_RADIUS)
    stream.log(f"{IMAGE_ENTITY}/{identity}", pose)
    entity = f"scene/{identity}"
    if not scene.valid[frame, person]:
        stream.log(entity, rerun.Clear(recursive=True))
        return
    joints, bones = world[frame, person], np.stack(skeleton.bone_ends, axis=-1)
    limbs = [colours[end] for end in skeleton.bone_ends[0]]
    stream.log(entity, rerun.Points3D(joints, colors=colours, radii=JOINT_RADIUS))
    stream.log(f"{entity}/bones", rerun.LineStrips3D(joints[bones], colors=limbs, radii=BONE_RADIUS))
    stream.log(f"{entity}/confidence", rerun.Scalars(float(scene.confidence[frame, person])))
