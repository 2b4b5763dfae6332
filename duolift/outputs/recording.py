"""A scene as a recording of the Rerun viewer (`.rrd`), with the camera, the image's poses and a time line."""

from pathlib import Path
from typing import Any

import numpy as np

from duolift.files import write_bytes
from duolift.outputs.colours import colours_of, rgb
from duolift.outputs.libraries import library
from duolift.outputs.tracks import rate_of
from duolift.scene import Scene, scene_axes

JOINT_RADIUS, BONE_RADIUS = 0.03, 0.015
"""Metres."""


def write_recording(reconstruction: Scene, path: Path) -> list[Path]:
    """Write an `.rrd`: entities `scene/<identity>` and `scene/camera/image/<identity>`."""
    rerun = library("rerun", ".rrd", "rerun")
    stream = rerun.RecordingStream("duolift")
    recorded = stream.binary_stream()
    _log(rerun, stream, reconstruction)
    write_bytes(path, recorded.read())
    return [path]


def _log(rerun: Any, stream: Any, reconstruction: Scene) -> None:
    scene, axes, present = reconstruction.scene(), scene_axes(reconstruction.up), reconstruction.present
    skeleton, camera = reconstruction.skeleton, "scene/camera/image"
    stream.log("scene", rerun.ViewCoordinates.RIGHT_HAND_Y_UP, static=True)
    width, height = reconstruction.image
    lens = rerun.Pinhole(
        focal_length=reconstruction.focal, width=width, height=height, camera_xyz=rerun.ViewCoordinates.RDF
    )
    stream.log(camera, lens, static=True)
    if reconstruction.notes:
        stream.log("notes", rerun.TextDocument("\n\n".join(reconstruction.notes)), static=True)
    for frame, name in enumerate(reconstruction.names):
        stream.set_time("frame", sequence=frame)
        stream.set_time("time", duration=frame / rate_of(reconstruction))
        stream.log("name", rerun.TextLog(name))
        above = (0.0, float(reconstruction.height[frame]), 0.0)
        stream.log("scene/camera", rerun.Transform3D(translation=above, mat3x3=axes[frame]))
        for person, identity in enumerate(reconstruction.identities):
            entity, image = f"scene/{identity}", f"{camera}/{identity}"
            sides = [rgb(colour) for colour in colours_of(person)]
            colours = [sides[joint.startswith("left")] for joint in skeleton.joints]
            seen = np.isfinite(reconstruction.keypoints[frame, person]).all(-1)
            points = reconstruction.keypoints[frame, person, seen]
            stream.log(
                image, rerun.Points2D(points, colors=[c for c, s in zip(colours, seen, strict=True) if s], radii=3.0)
            )
            if not present[frame, person]:
                stream.log(entity, rerun.Clear(recursive=True))
                continue
            joints, bones = scene[frame, person], np.stack(skeleton.bone_ends, axis=-1)
            stream.log(entity, rerun.Points3D(joints, colors=colours, radii=JOINT_RADIUS))
            limbs = [colours[end] for end in skeleton.bone_ends[0]]
            stream.log(f"{entity}/bones", rerun.LineStrips3D(joints[bones], colors=limbs, radii=BONE_RADIUS))
            stream.log(f"{entity}/confidence", rerun.Scalars(float(reconstruction.confidence[frame, person])))
