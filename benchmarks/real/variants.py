"""What the lifter is given, and with what truth it is compared: the variants of one data set's evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from benchmarks.real.capture import Capture, Truth, View
from duolift.bounds import nearest
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.inputs import Frame, KeypointFormat, Options, read
from duolift.inputs.keypoints import to_joints
from duolift.predictor import Lifter
from duolift.scene import Scene


@dataclass(frozen=True)
class Variant:
    """One way to lift a data set and to score it.

    Attributes:
        title: in a few words.
        video: the frames of a camera are one video; else every image stands alone.
        focal: the lifter is given the camera's focal length.
        projected: it is given the true joints, projected into the image, all of them and exactly, instead of the
            detector's: what is left is the lifter's own error.
        truth: name of the truth, of `Capture.truths`; None takes the first.
    """

    title: str
    video: bool = False
    focal: bool = True
    projected: bool = False
    truth: str | None = None


VARIANTS: dict[str, Variant] = {
    "images_focal": Variant("single images, focal length known"),
    "images_nofocal": Variant("single images, focal length unknown", focal=False),
    "video_focal": Variant("video, focal length known", video=True),
    "video_nofocal": Variant("video, focal length unknown", video=True, focal=False),
    "proj_focal": Variant("true joints projected, single images, focal length known", projected=True),
    "images_focal_4d": Variant("single images, focal length known, truth from five views", truth="4d"),
}
"""Name -> variant."""


def variants_named(names: Sequence[str] | None, capture: Capture) -> dict[str, Variant]:
    """Some variants by name; None takes all for which the capture has the truth.

    Raises:
        InputError: there is no variant of a name, or the capture lacks its truth.
    """
    if names is None:
        return {name: v for name, v in VARIANTS.items() if v.truth is None or v.truth in capture.truths}
    for name in names:
        if name not in VARIANTS:
            raise InputError(f"variant {name!r} is unknown{nearest(name, VARIANTS)}; expected {', '.join(VARIANTS)}")
        if VARIANTS[name].truth not in (None, *capture.truths):
            known = ", ".join(capture.truths)
            raise InputError(f"variant {name} needs the truth {VARIANTS[name].truth!r}; expected one of {known}")
    return {name: VARIANTS[name] for name in names}


def truth_of(capture: Capture, variant: Variant) -> Truth:
    """The truth that a variant is scored by."""
    return capture.truths[variant.truth or next(iter(capture.truths))]


def lifted(lifter: Lifter, view: View, capture: Capture, variant: Variant) -> Iterator[tuple[int, Scene, int]]:
    """Every image of a view as the lifter places its people.

    The lifter gets what a user would give it: files, the images' size and, where it is known, one focal length.

    Yields:
        the frame of the truth, a scene, and which frame of the scene it is.
    """
    camera = Camera(focal=view.focal if variant.focal else None, image=view.image, rate=capture.rate)
    frames = _projected(view, truth_of(capture, variant), variant) if variant.projected else _detected(view, variant)
    for _, scene in lifter.lift_frames(frames, camera):
        for frame, name in enumerate(scene.names):
            if name in view.frames:
                yield view.frames[name], scene, frame


def _detected(view: View, variant: Variant) -> Iterator[Frame]:
    return read(view.detections, Options(video=variant.video, image=view.image))


def _projected(view: View, truth: Truth, variant: Variant) -> Iterator[Frame]:
    """The true people as if a detector had found every joint, also those outside the image."""
    joints = KeypointFormat("truth", "the truth's joints", truth.joints)
    for name, frame in view.frames.items():
        people = truth.frames[frame]
        points = view.camera.to_camera(people.points)
        visible = people.valid & (points[..., 2] > 0)
        pixels = torch.where(visible[..., None], view.camera.project(points), 0.0)
        keypoints, confidence = to_joints(pixels.numpy(), visible.double().numpy(), joints)
        yield Frame(name, view.name if variant.video else "", keypoints, confidence, image=view.image)
