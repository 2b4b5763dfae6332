"""MoveNet's output becomes people in the picture; the network itself is run where it is installed."""

import numpy as np
import pytest
from PIL import Image

from duolift.detectors import DETECTORS, Detector, load_detector
from duolift.detectors.letterbox import Letterbox
from duolift.detectors.movenet import people
from duolift.errors import InputError
from duolift.inputs.keypoints import FORMATS


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (33, 1000), (1, 1), (384, 384)])
def test_what_lies_in_the_input_is_found_back_in_the_picture(size: tuple[int, int]) -> None:
    fitted = Letterbox.of(size, 384, 32)
    assert max(fitted.size) == 384 and all(side % 32 == 0 for side in fitted.canvas)
    corner = np.array(fitted.size) / np.array(fitted.canvas)
    np.testing.assert_allclose(fitted.back(corner, size), size)
    assert fitted.fit(np.zeros((size[1], size[0], 3), np.uint8)).shape == (*fitted.canvas[::-1], 3)


def test_a_place_in_the_picture_is_the_same_place_in_the_input() -> None:
    picture = np.zeros((300, 500, 3), np.uint8)
    picture[100:120, 400:420] = 255  # its middle at (410, 110)
    fitted = Letterbox.of((500, 300), 256, 32)
    bright = np.argwhere(fitted.fit(picture)[..., 0] > 127).mean(0)[::-1] + 0.5
    np.testing.assert_allclose(fitted.back(bright / fitted.canvas, (500, 300)), (410, 110), atol=1)


def test_people_come_surest_first_and_unlikely_ones_not_at_all() -> None:
    found = np.zeros((6, 56), np.float32)
    found[:, 55] = 0.1, 0.5, 0.9, 0.0, 0.2, 0.19
    found[:, 2] = found[:, 55]
    seen = people(found, 0.2, Letterbox.of((640, 480), 256, 32), (640, 480))
    assert seen.shape == (3, 17, 3) and seen.dtype == np.float32
    np.testing.assert_allclose(seen[:, 0, 2], [0.9, 0.5, 0.2])


def test_nobody_is_an_array_of_nobody() -> None:
    assert people(np.zeros((6, 56), np.float32), 0.2, Letterbox.of((64, 64), 256, 32), (64, 64)).shape == (0, 17, 3)


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_that_is_installed_finds_nobody_in_grey_and_says_its_joints(name: str) -> None:
    if DETECTORS[name].lacking():
        pytest.skip(DETECTORS[name].lacking())
    detector = load_detector(name)
    assert isinstance(detector, Detector) and detector.name == name and detector.joints == DETECTORS[name].joints
    for size in ((64, 64), (160, 90), (90, 161)):
        grey = np.asarray(Image.new("RGB", size, (128, 128, 128)))
        found = detector.detect(grey)
        assert found.shape == (0, len(FORMATS[detector.joints]), 3) and found.dtype == np.float32


def test_an_unknown_detector_is_refused() -> None:
    with pytest.raises(InputError, match=r"detector 'nobody' is unknown.*expected one of blazepose, "):
        load_detector("nobody")
