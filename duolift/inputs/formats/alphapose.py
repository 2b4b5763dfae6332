"""AlphaPose's `cmu` and `open`: images by name, each with people as OpenPose has them.

`{"1.jpg": {"version": ..., "bodies": [{"joints": [...]}]}}` (`cmu`) or `{"1.jpg": {"people": [...]}}` (`open`); a file
of a single image is the inner object alone. AlphaPose's default is a list, which `coco_results` reads.
"""

from collections.abc import Iterator

from duolift.errors import InputError
from duolift.inputs.formats.coco_results import read_results
from duolift.inputs.formats.openpose import frame_of_bodies, openpose_joints
from duolift.inputs.json_values import member
from duolift.inputs.people import DetectionFile, RawFrame
from duolift.inputs.registry import Peek, file_format


def _recognises(peek: Peek) -> bool:
    in_images = any({"people", "bodies"} & {*keys} for keys in peek.keys.values())
    return peek.has("object", "bodies") or (peek.root == "object" and in_images)


@file_format("alphapose", "AlphaPose's images by name", recognises=_recognises)
def read_alphapose(file: DetectionFile) -> Iterator[RawFrame]:
    """The images of a file, as they come."""
    if file.json.root() == "start_array":
        yield from read_results(file)
        return
    joints = openpose_joints(file)
    images = 0
    for name, image in file.json.members(""):
        if name in {"bodies", "people"}:
            yield frame_of_bodies(image, file.stem, "", joints, f"{file.where}: {name}")
        elif isinstance(image, dict | list):
            here, key = f"{file.where}: {name}", "bodies" if "bodies" in image else "people"
            yield frame_of_bodies(member(image, key, here, list), name, "", joints, f"{here}.{key}")
        else:
            continue  # the version
        images += 1
    if not images:
        raise InputError(f"{file.where}: holds no image; expected objects with people or bodies by the images' names")
