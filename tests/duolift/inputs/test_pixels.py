"""What is no place in an image is refused, in files and in arrays alike."""

import numpy as np
import pytest

from duolift.errors import InputError
from duolift.inputs import FORMATS, JOINTS, check_pixels
from duolift.inputs.arrays import from_arrays
from duolift.inputs.pixels import PIXEL_LIMITS, image_size, positive_pixels

SHAPES = [(17,), (2, 17), (4, 2, 17)]


def poses(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (..., joint, 2) of some image, and confidence."""
    return np.random.default_rng(0).uniform(100, 500, (*shape, 2)), np.full(shape, 0.9)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pixels_of_an_image_pass(shape: tuple[int, ...]) -> None:
    """Even outside of it, and whatever is where nothing is visible."""
    keypoints, confidence = poses(shape)
    keypoints[..., 0, :] = -300.0
    for place, sure in ((np.nan, 0.9), (1e300, 0.0), (1e300, -1.0), (1e300, np.nan)):
        keypoints[..., 1, :], confidence[..., 1] = place, sure
        check_pixels(keypoints, confidence, "keypoints")


@pytest.mark.parametrize("number", [1e7, -1e7, np.inf, -np.inf])
def test_what_is_far_from_every_image_is_refused_by_its_place(number: float) -> None:
    for shape, place in zip(SHAPES, ("joint 3", "person 1, joint 3", "frame 2, person 1, joint 3"), strict=True):
        keypoints, confidence = poses(shape)
        keypoints[(2, 1, 3)[-len(shape) :]][0] = number
        with pytest.raises(
            InputError, match=rf"^poses: {place} is at \[.* with confidence 0.9; expected pixels within"
        ):
            check_pixels(keypoints, confidence, "poses")


def test_an_infinite_confidence_is_refused() -> None:
    keypoints, confidence = poses((2, 17))
    confidence[1, 4] = np.inf
    with pytest.raises(InputError, match=r"person 1, joint 4 is at .* with confidence inf"):
        check_pixels(keypoints, confidence, "poses")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_normalised_coordinates_are_refused(shape: tuple[int, ...], low: float) -> None:
    keypoints = np.random.default_rng(0).uniform(low, 1, (*shape, 2))
    confidence = np.ones(shape)
    with pytest.raises(InputError, match="poses: all joints are within a pixel of the corner; expected pixels, not"):
        check_pixels(keypoints, confidence, "poses")
    keypoints[..., 0, 0] = 1.5  # one joint elsewhere is enough to be pixels
    check_pixels(keypoints, confidence, "poses")
    keypoints[..., 0, 0], confidence[..., 0] = np.nan, 0.0  # unless it is not visible
    with pytest.raises(InputError, match="within a pixel of the corner"):
        check_pixels(keypoints, confidence, "poses")


def test_a_few_joints_in_the_corner_are_a_detectors_mistake() -> None:
    keypoints, confidence = np.zeros((17, 2)), np.zeros(17)
    confidence[: PIXEL_LIMITS.corner_joints - 1] = 0.9
    check_pixels(keypoints, confidence, "poses")
    confidence[: PIXEL_LIMITS.corner_joints] = 0.9
    with pytest.raises(InputError, match="within a pixel of the corner"):
        check_pixels(keypoints, confidence, "poses")
    check_pixels(np.zeros((0, 17, 2)), np.zeros((0, 17)), "nobody")


@pytest.mark.parametrize("value", [0, -3.0, np.nan, np.inf, 1e-4, 1e7, "wide", None, [1, 2, 3], [[1], [2, 3]]])
def test_what_is_no_length_is_refused(value: object) -> None:
    for count in (1, 2):
        with pytest.raises(InputError, match=f"^size is .*; expected {count} positive number"):
            positive_pixels(value, "size", count)


def test_lengths_are_floats() -> None:
    assert positive_pixels(np.float32(500), "focal", 1) == (500.0,)
    assert image_size(np.array([640, 480]), "image") == (640.0, 480.0)


# Arrays, as a program gives them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [(), (4,)], ids=["image", "video"])
def test_arrays_that_are_no_pixels_are_refused_as_files_are(frames: tuple[int, ...]) -> None:
    keypoints, confidence = poses((*frames, 2, 17))
    assert from_arrays(keypoints, confidence, "coco", 0.3).confidence.any()
    with pytest.raises(InputError, match="keypoints: all joints are within a pixel of the corner"):
        from_arrays(keypoints / 640, confidence, "coco", 0.3)
    keypoints[..., 1, 3, 0] = -1e9
    with pytest.raises(InputError, match=r"keypoints: .*person 1, joint 3 is at"):
        from_arrays(keypoints, confidence, "coco", 0.3)
    confidence[..., 1, 3] = 0
    from_arrays(keypoints, confidence, "coco", 0.3)


def test_confidence_of_arrays_means_what_it_does_in_files() -> None:
    """Above 1 is 1; negative or NaN is not seen."""
    keypoints, confidence = poses((1, 17))
    ankle, knee, hip = (FORMATS["coco17"].joints.index(f"left_{joint}") for joint in ("ankle", "knee", "hip"))
    confidence[0, [ankle, knee, hip]] = 1.04, -0.2, np.nan
    detections = from_arrays(np.concatenate([keypoints, confidence[..., None]], -1), None, "coco", 0.3)
    joints = JOINTS.indices(("left_ankle", "left_knee", "left_hip"))
    assert detections.confidence[0, 0, joints].tolist() == [1, 0, 0]


def test_an_array_of_another_format_is_told_whose_joints_it_has() -> None:
    keypoints, _ = poses((2, 18))
    with pytest.raises(InputError, match=r"18 joints are coco18's \(format='coco18'\)"):
        from_arrays(keypoints, None, "coco", 0.3)
    with pytest.raises(InputError, match=r"no known format has 11 joints$"):
        from_arrays(keypoints[:, :11], None, "coco", 0.3)
