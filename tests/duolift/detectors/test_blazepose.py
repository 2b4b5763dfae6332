"""BlazePose's square and its outputs, with a network that is made up; it is run itself where it is installed."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from duolift.detectors.blazepose import ROOM, SIDE, BlazePose, crop_around, joints_in, refined
from duolift.detectors.crops import Crop
from duolift.inputs.keypoints import COCO17, MEDIAPIPE33

PLACES = [MEDIAPIPE33.joints.index(joint) for joint in COCO17.joints]

PICTURE = np.random.default_rng(0).integers(0, 255, (300, 500, 3), dtype=np.uint8)


def person(centre: tuple[float, float], up: tuple[float, float], size: float = 100) -> NDArray[np.float32]:
    """COCO's joints of somebody who stands along a direction, all of them surely seen."""
    heights = {"nose": 0.6, "eye": 0.62, "ear": 0.6, "shoulder": 0.5, "elbow": 0.3, "wrist": 0.1, "hip": 0.0}
    heights |= {"knee": -0.4, "ankle": -0.8}
    across = np.array([-up[1], up[0]])
    joints = np.ones((len(COCO17), 3), dtype=np.float32)
    for number, name in enumerate(COCO17.joints):
        side, _, joint = name.rpartition("_")
        width = {"left": -0.1, "right": 0.1}.get(side, 0.0)
        joints[number, :2] = np.array(centre) + size * (heights[joint] * np.array(up) + width * across)
    return joints


@pytest.mark.parametrize("up", [(0.0, -1.0), (1.0, 0.0), (0.6, -0.8), (0.0, 1.0)])
def test_the_square_holds_the_person_upright_whichever_way_they_lie(up: tuple[float, float]) -> None:
    joints = person((250, 150), up)
    crop = crop_around(joints)
    np.testing.assert_allclose(crop.centre, (250, 150), atol=0.1)
    np.testing.assert_allclose(crop.up, up, atol=1e-3)
    np.testing.assert_allclose(crop.back(np.array([0.5, 0.5 - 50 / crop.side])), joints[5:7, :2].mean(0), atol=0.1)
    assert 2 * 80 < crop.side < 3 * 80


@pytest.mark.parametrize("up", [(0.0, -1.0), (1.0, 0.0), (0.6, -0.8)])
@pytest.mark.parametrize("side", [100, 900])
def test_what_is_cut_is_found_back_in_the_picture(up: tuple[float, float], side: float) -> None:
    picture = np.zeros((400, 600, 3), np.uint8)
    picture[150:170, 300:320] = 255  # its middle at (310, 160)
    crop = Crop((300.0, 170.0), side, up)
    bright = np.argwhere(crop.cut(picture, SIDE)[..., 0] > 127).mean(0)[::-1] + 0.5
    np.testing.assert_allclose(crop.back(bright / SIDE), (310, 160), atol=1.5)


def test_a_square_beside_the_picture_is_black() -> None:
    assert not Crop((-900.0, -900.0), 50.0, (0.0, -1.0)).cut(PICTURE, SIDE).any()


def outputs(there: float = 1.0, visible: float = 10.0) -> list[NDArray[np.float32]]:
    landmarks = np.full((39, 5), visible, dtype=np.float32)
    landmarks[:, :2] = np.linspace(64, 192, 39)[:, None]
    heatmaps = np.full((1, 64, 64, 39), -20, dtype=np.float32)
    return [landmarks.reshape(1, -1), np.array([[there]], np.float32), np.zeros((1, 256, 256, 1), np.float32), heatmaps]


def test_landmarks_become_joints_in_the_picture() -> None:
    seen = joints_in(outputs(), Crop((100.0, 100.0), 256.0, (0.0, -1.0)))
    assert seen is not None and seen.shape == (len(MEDIAPIPE33), 3) and seen.dtype == np.float32
    np.testing.assert_allclose(seen[0], (36, 36, 1), atol=1e-3)
    hidden = joints_in(outputs(visible=-10), Crop((100.0, 100.0), 256.0, (0.0, -1.0)))
    assert hidden is not None and (hidden[:, 2] < 1e-3).all()


def test_where_the_network_sees_nobody_there_are_no_joints() -> None:
    assert joints_in(outputs(there=0.2), Crop((100.0, 100.0), 256.0, (0.0, -1.0))) is None


def test_heatmaps_move_what_is_near_and_nothing_else() -> None:
    places = np.array([[0.5, 0.5], [0.1, 0.1], [2.0, -1.0], [0.999, 0.999]])
    heatmaps = np.full((64, 64, 4), -40.0)
    heatmaps[30, 33, 0] = 1.4
    heatmaps[50, 50, 1] = 1.4
    moved = refined(places, heatmaps)
    np.testing.assert_allclose(moved[0] * 64, (33, 30))
    np.testing.assert_array_equal(moved[1:], places[1:])


def test_at_the_edge_a_place_is_moved_by_what_there_is() -> None:
    heatmaps = np.full((64, 64, 2), -40.0)
    heatmaps[0, 62:, 0] = 1.4
    heatmaps[60, 3, 1] = -3.0  # below a tenth
    moved = refined(np.array([[0.99, 0.02], [0.05, 0.95]]), heatmaps)
    np.testing.assert_allclose(moved * 64, [(62.5, 0.0), (3.2, 60.8)], atol=1e-9)


def moved(pixels_right: float) -> Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """A network that sees whoever the square is cut around, and that they have moved by so many of its pixels."""
    middle = (SIDE / 2, SIDE / 2)
    farthest = np.linalg.norm(person((0, 0), (0.0, -1.0), 1)[:, :2], axis=1).max()
    landmarks = np.full((39, 5), 10, dtype=np.float32)
    landmarks[:, :2] = middle
    landmarks[PLACES, :2] = person(middle, (0.0, -1.0), SIDE / ROOM / farthest)[:, :2]
    landmarks[:, 0] += pixels_right
    return lambda pixels: [landmarks.reshape(1, -1), *outputs()[1:]]


def pretended(found: NDArray[np.float32], network: object) -> BlazePose:
    """BlazePose with people and a network that are made up."""
    pretend = BlazePose.__new__(BlazePose)
    pretend._people = type("People", (), {"detect": lambda self, picture: found})()  # type: ignore[assignment]
    pretend._landmarks = network  # type: ignore[assignment]
    return pretend


def test_of_somebody_else_in_the_square_nothing_is_taken() -> None:
    found = person((250, 150), (0.0, -1.0))[None]
    (seen,) = pretended(found, lambda pixels: outputs()).detect(PICTURE)
    np.testing.assert_array_equal(seen[PLACES], found[0])
    assert (seen[[n for n in range(33) if n not in PLACES], 2] == 0).all()


def test_nobody_is_an_array_of_nobody() -> None:
    none = np.zeros((0, 17, 3), np.float32)
    assert pretended(none, None).detect(PICTURE).shape == (0, 33, 3)


def test_people_are_followed_where_they_move() -> None:
    everybody = np.stack([person((150, 150), (0.0, -1.0)), person((350, 150), (0.0, -1.0))])
    before = pretended(everybody, moved(0)).detect(PICTURE)
    np.testing.assert_allclose(before[:, PLACES, :2], everybody[..., :2], atol=0.1)
    detector = pretended(everybody[:0], moved(10))
    after = detector.follow(PICTURE, before)
    assert after is not None
    pixel = crop_around(everybody[0]).side / SIDE
    np.testing.assert_allclose(after[:, PLACES, :2], everybody[..., :2] + (10 * pixel, 0), atol=0.1)


def test_who_is_lost_is_not_followed() -> None:
    everybody = np.stack([person((150, 150), (0.0, -1.0)), person((350, 150), (0.0, -1.0))])
    people = pretended(everybody, moved(0)).detect(PICTURE)
    assert pretended(everybody, moved(60)).follow(PICTURE, people) is None  # who is there is somebody else
    assert pretended(everybody, lambda pixels: outputs(there=0.2)).follow(PICTURE, people) is None
    twice = people[[0, 0]]
    assert pretended(everybody, moved(0)).follow(PICTURE, twice) is None
    without_feet = pretended(everybody, lambda pixels: outputs(there=0.2)).detect(PICTURE)
    assert pretended(everybody, moved(0)).follow(PICTURE, without_feet) is None
