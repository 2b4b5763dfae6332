"""What the lifter is given, and with what truth it is compared: the variants of one data set's evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from benchmarks.real.capture import Capture, Truth, View
from duolift.body.anthropometry import WINTER
from duolift.bounds import nearest
from duolift.calibration.calibration import Calibration, World
from duolift.calibration.lens import Lens
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.inputs import Frame, KeypointFormat, Options, read
from duolift.inputs.keypoints import to_joints
from duolift.placement.stature import STATURE, UNKNOWN_STATURES, Statures
from duolift.predictor import Lifter
from duolift.scene import Scene

UPRIGHT = 0.9
"""Quantile of crowns' heights that is people's stature: who bends is no shorter."""


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
        calibrated: it is given the camera as it was calibrated: lens, place and orientation in the world.
        measured: it is given how tall the true people are on the mean.
    """

    title: str
    video: bool = False
    focal: bool = True
    projected: bool = False
    truth: str | None = None
    calibrated: bool = False
    measured: bool = False


VARIANTS: dict[str, Variant] = {
    "images_focal": Variant("single images, focal length known"),
    "images_nofocal": Variant("single images, focal length unknown", focal=False),
    "video_focal": Variant("video, focal length known", video=True),
    "video_nofocal": Variant("video, focal length unknown", video=True, focal=False),
    "proj_focal": Variant("true joints projected, single images, focal length known", projected=True),
    "video_height": Variant("video, focal length and stature known", video=True, measured=True),
    "video_camera": Variant("video, calibrated camera", video=True, calibrated=True),
    "video_camera_height": Variant(
        "video, calibrated camera, stature known", video=True, calibrated=True, measured=True
    ),
    "images_camera": Variant("single images, calibrated camera", calibrated=True),
    "images_focal_4d": Variant("single images, focal length known, truth from five views", truth="4d"),
}
"""Name -> variant."""


def variants_named(names: Sequence[str] | None, capture: Capture) -> dict[str, Variant]:
    """Some variants by name; None takes all for which the capture has the truth.

    Raises:
        InputError: there is no variant of a name, or the capture lacks its truth.
    """
    if names is None:
        return {name: variant for name, variant in VARIANTS.items() if _possible(variant, capture)}
    for name in names:
        if name not in VARIANTS:
            raise InputError(f"variant {name!r} is unknown{nearest(name, VARIANTS)}; expected {', '.join(VARIANTS)}")
        if VARIANTS[name].truth not in (None, *capture.truths):
            known = ", ".join(capture.truths)
            raise InputError(f"variant {name} needs the truth {VARIANTS[name].truth!r}; expected one of {known}")
    return {name: VARIANTS[name] for name in names}


def _possible(variant: Variant, capture: Capture) -> bool:
    """Whether the capture has what a variant needs."""
    if variant.truth not in (None, *capture.truths):
        return False
    if variant.measured and "head_top" not in truth_of(capture, variant).joints:
        return False
    bent = any(bool(view.camera.radial.any() or view.camera.tangential.any()) for view in capture.views)
    return not (variant.calibrated and bent)


def truth_of(capture: Capture, variant: Variant) -> Truth:
    """The truth that a variant is scored by."""
    return capture.truths[variant.truth or next(iter(capture.truths))]


def lifted(lifter: Lifter, view: View, capture: Capture, variant: Variant) -> Iterator[tuple[int, Scene, int]]:
    """Every image of a view as the lifter places its people.

    The lifter gets what a user would give it: files, the images' size and, where it is known, one focal length.

    Yields:
        the frame of the truth, a scene, and which frame of the scene it is.
    """
    truth = truth_of(capture, variant)
    camera = Camera(focal=view.focal if variant.focal else None, image=view.image, rate=capture.rate)
    if variant.calibrated:
        camera = Camera(calibration=calibration_of(view, ground_of(truth)), image=view.image, rate=capture.rate)
    frames = _projected(view, truth, variant) if variant.projected else _detected(view, variant)
    stature = Statures(mean_stature(truth)) if variant.measured else UNKNOWN_STATURES
    for _, scene in lifter.lift_frames(frames, camera, stature=stature):
        for frame, name in enumerate(scene.names):
            if name in view.frames:
                yield view.frames[name], scene, frame


def calibration_of(view: View, ground: float) -> Calibration:
    """A view's camera as a user would give it, in the data set's world: z up, metres, the ground so high up.

    Raises:
        InputError: its lens is distorted, in another way than OpenCV's.
    """
    camera = view.camera
    if camera.radial.any() or camera.tangential.any():
        raise InputError(f"{view.name}: the lens is distorted; expected an ideal one for a calibrated camera")
    focal, principal = (tuple(value.tolist()) for value in (camera.focal, camera.principal))
    world = World(up=(0.0, 0.0, 1.0), ground=ground, unit=1.0)
    rotation, position = camera.rotation.numpy()[None], camera.centre.numpy()[None]
    return Calibration(view.name, (Lens(focal, principal),), rotation, position, image=view.image, world=world)


def ground_of(truth: Truth) -> float:
    """How high the ground is: an ankle's height below the lower ankles, in the median over people, metres.

    A data set's own 0 may be elsewhere: Shelf's is 10 cm above its floor.

    >>> from benchmarks.real.capture import TruePeople
    >>> ankles = torch.tensor([[0.0, 0, 0.1], [0, 0, 0.3]])
    >>> people = TruePeople(ankles[None], torch.ones(1, 2, dtype=torch.bool))
    >>> round(ground_of(Truth(("left_ankle", "right_ankle"), (people,))), 2)
    0.03
    """
    at = [truth.joints.index(f"{side}_ankle") for side in ("left", "right")]
    low = [people.points[people.valid[:, at].all(-1)][:, at, 2].amin(-1) for people in truth.frames]
    return float(torch.cat(low).median()) - WINTER.ankle_height * STATURE


def mean_stature(truth: Truth) -> float:
    """How tall people are on the mean, metres: how high their crowns are above the ground where they stand upright.

    That is the ninth decile of all frames: who bends is no shorter. On Shelf it is 1.76 m, and the ears that are seen
    from several views say the same, by the 0.13 m from there to the crown.

    Raises:
        InputError: the truth has no crowns.

    >>> from benchmarks.real.capture import TruePeople
    >>> points = torch.tensor([[0.0, 0, 0.1], [0, 0, 0.1], [0, 0, 1.76]])
    >>> people = TruePeople(points[None], torch.ones(1, 3, dtype=torch.bool))
    >>> round(mean_stature(Truth(("left_ankle", "right_ankle", "head_top"), (people,))), 2)
    1.73
    """
    if "head_top" not in truth.joints:
        raise InputError(f"the truth has the joints {', '.join(truth.joints)}; expected head_top, for people's stature")
    at = truth.joints.index("head_top")
    crowns = torch.cat([p.points[p.valid[:, at], at, 2] for p in truth.frames])
    return float(crowns.quantile(UPRIGHT)) - ground_of(truth)


def _detected(view: View, variant: Variant) -> Iterator[Frame]:
    turn = view.turn
    frames = read(view.detections, Options(video=variant.video, image=view.image if turn is None else turn.before))
    for frame in frames:
        yield frame if turn is None else replace(frame, keypoints=turn(frame.keypoints), image=turn.after)


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
