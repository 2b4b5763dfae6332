"""A camera takes numbers of every kind, and nothing that no camera has."""

import math
import subprocess
import sys
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from duolift.camera import DETECTOR_NOISE, LARGEST_QUANTITY, Camera
from duolift.errors import InputError
from duolift.networks import people_lifter

positive = st.floats(min_value=1e-3, max_value=LARGEST_QUANTITY)
kinds = st.sampled_from([float, int, np.float64, np.array, torch.tensor])
no_numbers = st.one_of(
    st.sampled_from(
        [math.nan, math.inf, -math.inf, 10**400, 1j, b"1", [], [1.0], (1, 2, 3), {}, object(), np.bool_(True)]
    ),
    st.booleans(),
    st.text(max_size=200),
    st.lists(st.none(), max_size=3),
)
"""What stands for no quantity of a camera, and for no image's size either."""


def refused(**given: Any) -> str:
    with pytest.raises(InputError) as error:
        Camera(**given)
    message = str(error.value)
    assert message.startswith(f"camera: {next(iter(given))} is ") and "; expected " in message
    assert "\n" not in message and len(message) < 250
    return message


@given(positive, positive, st.tuples(positive, positive), st.floats(0, 10), st.booleans(), st.floats(-89, 89))
def test_what_a_camera_has_is_kept_as_plain_numbers(
    focal: float, rate: float, image: tuple[float, float], noise: float, static: bool, tilt: float
) -> None:
    camera = Camera(focal, image, static, rate, noise, not static, tilt)
    assert astuple(camera) == (focal, image, static, rate, noise, not static, tilt, None)
    assert Camera(*astuple(camera)) == camera and hash(camera) == hash(Camera(*astuple(camera)))


@given(kinds, st.integers(1, 10**6), st.integers(1, 10**6))
def test_numbers_may_be_of_any_kind(kind: Any, width: int, height: int) -> None:
    pairs: list[Any] = [(kind(width), kind(height)), [kind(width), height]]
    for pair in (*pairs, np.array([width, height]), torch.tensor([width, height])):
        camera = Camera(
            focal=kind(width), image=pair, rate=kind(height), noise=kind(0), static=np.True_, smooth=np.False_
        )
        assert camera == Camera(width, (width, height), True, height, 0, False)
        assert [type(value) for value in astuple(camera)[:-2]] == [float, tuple, bool, float, float, bool]


@given(no_numbers, st.sampled_from(["focal", "rate", "noise", "tilt", "image"]))
def test_what_is_no_number_is_refused(value: Any, name: str) -> None:
    refused(**{name: value})
    refused(image=(1280, value))


@given(st.floats(max_value=0, allow_nan=False), st.sampled_from(["focal", "rate"]))
def test_nothing_is_negative_or_zero(value: float, name: str) -> None:
    refused(**{name: value})
    refused(image=(value, 720))
    if value < 0:
        refused(noise=value)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"focal": -1100}, "focal is -1100; expected a length in pixels above 0, or None if it is unknown"),
        ({"focal": "1100"}, "focal is '1100'; expected a length in pixels"),
        ({"focal": 1e7}, "focal is 10000000.0"),
        ({"focal": True}, "focal is True"),
        ({"image": 1920}, "image is 1920; expected a width and a height in pixels, such as (1920, 1080)"),
        ({"image": "1920x1080"}, "image is '1920x1080'; expected a width and a height"),
        ({"image": [1920]}, "image is [1920]"),
        ({"image": np.ones((2, 2))}, "image is array("),
        ({"noise": -1}, "noise is -1; expected head lengths, 0 or above"),
        ({"noise": None}, "noise is None"),
        ({"rate": 1e9}, "rate is 1000000000.0; expected frames a second from 0.001 to 1,000,000"),
        ({"tilt": 90}, "tilt is 90; expected degrees, at most 89 down or up"),
        ({"smooth": 1}, "smooth is 1; expected True or False"),
        ({"rate": 0}, "rate is 0; expected frames a second above 0"),
        ({"static": 1}, "static is 1; expected True or False"),
        ({"static": None}, "static is None"),
        ({"static": "no"}, "static is 'no'"),
    ],
    ids=str,
)
def test_messages_say_what_was_found_and_what_was_expected(given_: dict[str, Any], message: str) -> None:
    assert message in refused(**given_)


def test_networks_take_the_same_noise_unless_told_otherwise() -> None:
    assert people_lifter.DETECTOR_NOISE is DETECTOR_NOISE
    assert Camera().noise == DETECTOR_NOISE


def test_cameras_and_scenes_are_imported_without_torch() -> None:
    used = "from duolift import Camera, Scene; Scene.example().world(); Camera(focal=1)"
    code = f"import sys; {used}; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
