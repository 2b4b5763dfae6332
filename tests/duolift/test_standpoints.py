"""A video by a calibrated camera, lifted: everything in one world, wherever the camera is, whatever its lens."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from duolift.body.skeleton import PAPER19
from duolift.calibration.calibration import Calibration, World
from duolift.calibration.lens import Lens
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.example import example_scene
from duolift.inputs.detections import JOINTS
from duolift.outputs import read, write
from duolift.predictor import Lifter
from duolift.scene import Scene
from duolift.standpoints import to_y

FRAMES, IMAGE = 45, (1280.0, 720.0)
IDEAL = Lens((1000.0, 1000.0), (640.0, 360.0))
BENT = Lens((950.0, 960.0), (600.0, 380.0), (-0.2, 0.05, 0.001, 0.001))
KNOWN = World((0.0, 0.0, 1.0), 0.0, 1.0)


def standing() -> np.ndarray:
    """Two people who stand still, (frame, person, joint, 3), metres, z up."""
    world = example_scene(frames=1, rate=None).world()[0].astype(float)
    people = world[..., [0, 2, 1]] * [1.0, -1.0, 1.0]
    people[1] += [0.3, 0.4, 0.0]
    return np.stack([people - people.mean((0, 1)) * [1, 1, 0]] * FRAMES)


def walking(lens: Lens, steps: float = 1.5) -> Calibration:
    """A camera, 1.6 m high, that walks sideways and looks at the people, shaking."""
    time = np.linspace(-0.5, 0.5, FRAMES)
    position = np.stack([steps * time, np.full(FRAMES, -4.5), 1.6 + 0.02 * np.sin(20 * time)], axis=-1)
    ahead = np.array([0.0, 0.0, 1.0]) - position
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    rotation = np.stack([right, np.cross(ahead, right), ahead], axis=1)
    shaken = Rotation.from_euler("xyz", 0.01 * np.sin(np.outer(time, [50.0, 70.0, 30.0]))).as_matrix() @ rotation
    return Calibration("walk.json", (lens,), shaken, position, image=IMAGE, world=KNOWN)


def seen(calibration: Calibration) -> np.ndarray:
    """The people's keypoints, (frame, person, joint, 2), pixels."""
    assert calibration.rotation is not None and calibration.position is not None
    points = np.einsum("fij,fpkj->fpki", calibration.rotation, standing() - calibration.position[:, None, None])
    return calibration.lenses[0].pixels(points)


@pytest.fixture(scope="module")
def shipped() -> Lifter:
    return Lifter.load()


def lifted(lifter: Lifter, calibration: Calibration, film: np.ndarray | None = None, **known: object) -> Scene:
    film = seen(calibration) if film is None else film
    whole = np.full((FRAMES, 2, 25, 2), np.nan)
    whole[:, :, JOINTS.indices(PAPER19.joints)] = film
    return lifter.lift(whole, camera=Camera(calibration=calibration, rate=30, noise=0.005, **known))  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["ideal", "bent"])
def walked(shipped: Lifter, request: pytest.FixtureRequest) -> Scene:
    return lifted(shipped, walking(IDEAL if request.param == "ideal" else BENT))


def test_people_who_stand_still_stay_where_they_are(walked: Scene) -> None:
    roots = walked.world()[:, :, PAPER19.root_index]
    truth = standing()[:, :, PAPER19.root_index] @ to_y(np.array([0.0, 0.0, 1.0])).T
    assert np.abs(roots - roots.mean(0)).max() < 0.1
    assert np.linalg.norm(roots - truth, axis=-1).max() < 0.35
    assert walked.focal_source == "known" and np.isnan(walked.tilt_deviation).all()


def test_the_camera_is_where_the_file_has_it(walked: Scene) -> None:
    where = walking(IDEAL).position
    assert where is not None and walked.reference is not None
    np.testing.assert_allclose(walked.camera_places, walked.reference.of(where), atol=1e-5)
    np.testing.assert_allclose(walked.camera_places[:, 1], where[:, 2], atol=1e-5)
    np.testing.assert_allclose(walked.camera_places[:, 0], where[:, 0], atol=1e-5)


def test_what_is_drawn_lies_over_what_was_seen(walked: Scene) -> None:
    off = np.linalg.norm(walked.pixels(walked.people) - walked.keypoints, axis=-1)
    assert np.nanmedian(off) < 3 and np.nanmax(off) < 40
    np.testing.assert_allclose(walked.pixels(walked.people)[7], walked.pixels(walked.people[7], 7))


@pytest.mark.parametrize("suffix", [".json", ".npz", ".html"])
def test_it_comes_back_from_its_file(walked: Scene, suffix: str, tmp_path: Path) -> None:
    (path,) = write(walked, tmp_path / f"scene{suffix}")
    again = read(path)
    np.testing.assert_allclose(again.people, walked.people, atol=3e-4)
    np.testing.assert_allclose(again.world(), walked.world(), atol=3e-4)
    assert again.lenses == walked.lenses and again.reference == walked.reference


def test_a_world_of_any_scale_and_orientation_gives_the_same_people(shipped: Lifter) -> None:
    calibration = walking(IDEAL, steps=3.0)
    turn = Rotation.from_euler("xyz", [2.0, 0.4, 1.0]).as_matrix()
    assert calibration.rotation is not None and calibration.position is not None
    other = replace(
        calibration,
        rotation=calibration.rotation @ turn.T,
        position=4.0 * (calibration.position @ turn.T) + [1.0, 2.0, 3.0],
        world=World(),
    )
    scene = lifted(shipped, other, seen(calibration))
    assert scene.reference is not None
    up = scene.reference.rotation.T @ [0.0, 1.0, 0.0]
    assert np.degrees(np.arccos(up @ turn @ [0.0, 0.0, 1.0])) < 10  # a stick figure is no person
    assert scene.reference.unit == pytest.approx(0.25, rel=0.25)
    feet = scene.world()[..., PAPER19.feet, 1].min(-1)
    assert np.abs(np.median(feet)) < 0.05
    assert any("does not say where up is and where the ground is and how large a unit is" in n for n in scene.notes)
    assert np.isfinite(scene.tilt_deviation).all()


def test_a_static_camera_whose_place_is_known_gives_metres(shipped: Lifter) -> None:
    moving = walking(IDEAL, steps=0.0)
    assert moving.rotation is not None and moving.position is not None
    still = replace(moving, rotation=moving.rotation[:1], position=moving.position[:1])
    film = seen(replace(moving, rotation=moving.rotation[[0] * FRAMES], position=moving.position[[0] * FRAMES]))
    scene = lifted(shipped, still, film)
    assert len({*scene.height.tolist()}) == 1 and scene.height[0] == pytest.approx(moving.position[0, 2], abs=1e-5)
    truth = standing()[:, :, PAPER19.root_index] @ to_y(np.array([0.0, 0.0, 1.0])).T
    assert np.linalg.norm(scene.world()[:, :, PAPER19.root_index] - truth, axis=-1).max() < 0.35


def test_where_the_ground_is_says_more_than_how_tall_people_are_on_the_mean(shipped: Lifter) -> None:
    """Nobody tells that people are 12 % taller than others: distances are right by the ground and not by that."""
    moving = walking(IDEAL, steps=0.0)
    assert moving.rotation is not None and moving.position is not None
    still = replace(moving, rotation=moving.rotation[:1], position=moving.position[:1])
    ratios = []
    for larger in (1.0, 1.12):
        people = larger * standing()
        points = (people - moving.position[0]) @ moving.rotation[0].T
        scene = lifted(shipped, still, IDEAL.pixels(points))
        found, truth = (each[:, :, PAPER19.root_index] for each in (scene.people, points))
        ratios.append(np.median(np.linalg.norm(found, axis=-1) / np.linalg.norm(truth, axis=-1)))
    assert ratios[1] / ratios[0] == pytest.approx(1, abs=0.015)


def test_what_a_file_says_is_not_given_twice() -> None:
    calibration = walking(IDEAL)
    for known in ({"focal": 1000.0}, {"tilt": 5.0}):
        with pytest.raises(InputError, match=r"expected nothing, as walk\.json says it"):
            Camera(calibration=calibration, **known)  # type: ignore[arg-type]


def test_images_of_another_size_are_refused(shipped: Lifter) -> None:
    with pytest.raises(InputError, match=r"walk\.json: is of images of 1280 x 720 pixels; expected 640 x 480"):
        lifted(shipped, walking(IDEAL), image=(640, 480))


@pytest.mark.parametrize(
    "up", np.vstack([np.eye(3), -np.eye(3), Rotation.random(20, random_state=0).apply([0, 0, 1.0])])
)
def test_up_becomes_y(up: np.ndarray) -> None:
    turn = to_y(up)
    np.testing.assert_allclose(turn @ up, [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) > 0
