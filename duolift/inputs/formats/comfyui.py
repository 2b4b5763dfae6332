"""ComfyUI's pose keypoints (DWPose, OpenPose): a list of images as OpenPose has them, with the canvas' size.

`[{"people": [{"pose_keypoints_2d": [...], "face_keypoints_2d": null, ...}], "canvas_height": 512, "canvas_width":
768}]`; several are the frames of a video. Of the joints, those that were not found are 0. See
https://github.com/Fannovel16/comfyui_controlnet_aux.
"""

from collections.abc import Iterator

from duolift.inputs.formats.openpose import frame_of_bodies, openpose_joints
from duolift.inputs.json_frames import as_video, json_frames
from duolift.inputs.people import DetectionFile, RawFrame
from duolift.inputs.registry import Peek, file_format


def _recognises(peek: Peek) -> bool:
    return "people" in peek.object_at("[]") and "instances" not in peek.object_at("[]") and not _with_keypoints(peek)


def _with_keypoints(peek: Peek) -> bool:
    return "keypoints" in peek.object_at("[]", "people", "[]")


@file_format("comfyui", "ComfyUI's pose keypoints", recognises=_recognises)
def read_comfyui(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file, or the frames of a video."""
    joints = openpose_joints(file)
    frames = json_frames(file, lambda value: False, ("people",))
    yield from as_video(
        file,
        (frame_of_bodies(one.people, one.name, "", joints, one.where, image=one.image) for one in frames),
    )
