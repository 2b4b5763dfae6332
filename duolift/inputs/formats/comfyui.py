"""ComfyUI's pose keypoints (DWPose, OpenPose): a list of images as OpenPose has them, with the canvas' size.

`[{"people": [{"pose_keypoints_2d": [...], "face_keypoints_2d": null, ...}], "canvas_height": 512, "canvas_width":
768}]`; several are the frames of a video. Of the joints, those that were not found are 0. See
https://github.com/Fannovel16/comfyui_controlnet_aux.
"""

from collections.abc import Iterator

from duolift.inputs.formats.openpose import frame_of_bodies, openpose_joints
from duolift.inputs.json_frames import json_frames, of_file
from duolift.inputs.people import DetectionFile, RawFrame
from duolift.inputs.registry import Peek, file_format


def _recognises(peek: Peek) -> bool:
    images, people = peek.object_at("[]"), peek.object_at("[]", "people", "[]")
    return "people" in images and bool("pose_keypoints_2d" in people or {"canvas_width", "canvas_height"} & images)


@file_format("comfyui", "ComfyUI's pose keypoints", recognises=_recognises)
def read_comfyui(file: DetectionFile) -> Iterator[RawFrame]:
    """The one image of a file, or the frames of a video."""
    joints = openpose_joints(file)

    def frames() -> Iterator[tuple[RawFrame, bool]]:
        for one in json_frames(file, lambda value: False, ("people",)):
            yield frame_of_bodies(one.people, one.name, "", joints, one.where, image=one.image), one.numbered

    yield from of_file(file, frames())
