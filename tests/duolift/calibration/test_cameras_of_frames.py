"""Which of a file's cameras is that of an image: by name, by number, in their order, and between two others."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

from duolift.calibration.calibration import LONGEST_GAP, Calibration
from duolift.calibration.lens import Lens
from duolift.errors import InputError

LENS = Lens((900.0, 900.0), (640.0, 360.0))


def moving(names: Sequence[str] | None, frames: int | None = None) -> Calibration:
    """A camera that is one unit further right in every frame."""
    count = frames or len(names or ())
    position = np.arange(count)[:, None] * np.array([1.0, 0.0, 0.0])
    known = None if names is None else tuple(names)
    return Calibration("cameras.json", (LENS,), np.stack([np.eye(3)] * count), position, known, image=(1280.0, 720.0))


def across(calibration: Calibration, names: Sequence[str]) -> list[float]:
    solved = calibration.of(names)
    assert solved.position is not None and len(solved.lenses) == len(names)
    return solved.position[:, 0].tolist()


@pytest.mark.parametrize(
    "names",
    [
        ["frame_0002.png", "frame_0001.png"],
        ["images/frame_0002.png", "frame_0001.png"],
        ["frame_0002_keypoints", "frame_0001_keypoints"],
        ["frame_0002.jpg", "frame_0001.jpg"],
        ["2", "1"],
        ["film_000000000002", "film_000000000001"],
    ],
)
def test_images_are_found_by_name_or_number(names: list[str]) -> None:
    assert across(moving(["frame_0001.png", "frame_0002.png", "frame_0003.png"]), names) == [1.0, 0.0]


def test_frames_without_names_are_in_order() -> None:
    assert across(moving(None, 3), ["a", "b", "c"]) == [0.0, 1.0, 2.0]
    with pytest.raises(InputError, match="has cameras of 3 frames without names, and the images are 2"):
        moving(None, 3).of(["a", "b"])


def test_as_many_frames_that_count_from_elsewhere_are_in_order() -> None:
    solved = moving(["1.png", "2.png", "3.png"]).of(["0", "1", "2"])
    assert solved.position is not None and solved.position[:, 0].tolist() == [0.0, 1.0, 2.0]
    assert solved.notes == ("cameras are taken in their order: 1.png is that of 0",)


def test_a_camera_moves_evenly_through_a_gap() -> None:
    names = [f"{number}.png" for number in range(10)]
    calibration = moving(names)
    some = [0, 1, 5, 9]
    assert calibration.rotation is not None and calibration.position is not None
    few = Calibration(
        "a", (LENS,), calibration.rotation[some], calibration.position[some], tuple(names[i] for i in some)
    )
    assert across(few, names) == pytest.approx(range(10))
    assert few.of(names).notes == ("the camera of 6 of 10 frames is taken from the frames around them",)


@pytest.mark.parametrize("known", [range(1, 9), range(8), [0, LONGEST_GAP + 2], []])
def test_frames_that_lack_a_camera_are_refused(known: Sequence[int]) -> None:
    calibration = moving([f"{number}.png" for number in known] or ["other.png", "still.png"])
    message = (
        "cameras.json: has no camera for [0-9]+ of [0-9]+ images, the first [0-9]+; expected one for each, by name"
    )
    with pytest.raises(InputError, match=message):
        calibration.of([str(number) for number in range(LONGEST_GAP + 3 if 0 in known and 1 not in known else 9)])


def test_images_of_another_size_are_refused() -> None:
    calibration = moving(["1"])
    calibration.check_image((1280.0, 720.0))
    calibration.check_image(None)
    message = "cameras.json: is of images of 1280 x 720 pixels; expected 1920 x 1080, as the images are"
    with pytest.raises(InputError, match=re.escape(message)):
        calibration.check_image((1920.0, 1080.0))
