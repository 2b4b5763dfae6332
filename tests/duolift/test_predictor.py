"""A lifter in use: its file, what it makes of keypoints, and what it says where it is in doubt."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from duolift import predictor
from duolift.body.skeleton import PAPER19
from duolift.camera import Camera
from duolift.devices import device_named
from duolift.errors import InputError
from duolift.geometry.lifted import Lifted
from duolift.inputs.detections import JOINTS, Detections, Frame
from duolift.inputs.keypoints import format_named
from duolift.inputs.options import Options
from duolift.inputs.tracking import track
from duolift.lens import Lens
from duolift.networks.people_lifter import PeopleLifter
from duolift.placement.focal import FOCAL_PRIOR
from duolift.placement.interface import FocalSource
from duolift.placement.stature import STATURE, log_stature
from duolift.predictor import Lifter
from duolift.reconstruction import deviations
from duolift.scene import Scene
from tests.conftest import full_disk, some_people

FOCAL, IMAGE = 1000.0, (1200.0, 900.0)
EXACT = Camera(focal=FOCAL, image=IMAGE, noise=0.0, smooth=False)
COMMON = JOINTS.indices(PAPER19.joints)


def film(frames: int = 6, people: int = 2, video: str = "film") -> Detections:
    """People before a static camera, all of their joints seen."""
    points = some_people(frames, people, skeleton=JOINTS).numpy().astype(float)
    pixels = FOCAL * points[..., :2] / points[..., 2:] + np.array(IMAGE) / 2
    names = tuple(f"{number}.png" for number in range(frames))
    return Detections(video, names, pixels, np.ones(pixels.shape[:-1]), tuple(range(1, people + 1)), IMAGE, FOCAL)


def hidden(found: Detections, *index: object) -> Detections:
    confidence = found.confidence.copy()
    confidence[index] = 0  # type: ignore[index]
    return replace(found, confidence=confidence)


def reprojected(people: np.ndarray) -> np.ndarray:
    return FOCAL * people[..., :2] / people[..., 2:] + np.array(IMAGE) / 2


# The file -------------------------------------------------------------------------------------------------------------


def test_a_lifter_survives_its_file(lifter: Lifter, tmp_path: Path) -> None:
    path = tmp_path / "lifter.safetensors"
    lifter.save(path)
    loaded = Lifter.load(path)
    assert loaded.origin == lifter.origin and loaded.people.architecture == lifter.people.architecture
    for name, value in lifter.people.state_dict().items():
        torch.testing.assert_close(loaded.people.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.safetensors", None, "cannot be read"),
        ("text.safetensors", b"no weights", "not readable as a lifter"),
        ("last.ckpt", b"", "checkpoint of a training stage"),
    ],
)
def test_what_is_no_lifter_is_refused(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        Lifter.load(tmp_path / name)
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99; expected 1 or 2"),
        ({"format": None}, "format None"),
        ({"architecture": {"skeleton": "paper19"}}, "disagree"),
        ({"width": 24}, "disagree"),
        ({"skeleton": "paper23"}, "disagree"),
        ({"skeleton": "centaur"}, "centaur"),
    ],
)
def test_a_spoilt_lifter_is_refused(change: dict[str, object], message: str, lifter: Lifter, tmp_path: Path) -> None:
    architecture = lifter.people.architecture.plain()
    header = {"format": 2, "architecture": architecture}
    for key, value in change.items():
        next(place for place in (header, architecture, architecture["lifter"]) if key in place)[key] = value
    path = tmp_path / "spoilt.safetensors"
    safetensors.torch.save_file(lifter.people.state_dict(), path, {"duolift": json.dumps(header)})
    with pytest.raises(InputError, match=message):
        Lifter.load(path)
    safetensors.torch.save_file(lifter.people.state_dict(), path, {"duolift": "[]"})
    with pytest.raises(InputError, match="format"):
        Lifter.load(path)


def test_a_full_disk_is_told_of_and_leaves_the_lifter_of_before(lifter: Lifter, tmp_path: Path) -> None:
    path = tmp_path / "lifter.safetensors"
    path.write_bytes(b"before")
    with full_disk(1000), pytest.raises(InputError, match=r"lifter\.safetensors: cannot be written \(File too large\)"):
        lifter.save(path)
    assert [*tmp_path.iterdir()] == [path] and path.read_bytes() == b"before"
    lifter.save(path)
    assert Lifter.load(path).origin == lifter.origin


# The device -----------------------------------------------------------------------------------------------------------


def test_a_lifter_is_on_the_cpu_unless_told_otherwise(lifter: Lifter, tmp_path: Path) -> None:
    lifter.save(tmp_path / "lifter.safetensors")
    loaded = Lifter.load(tmp_path / "lifter.safetensors")
    assert loaded.device == Lifter.load(tmp_path / "lifter.safetensors", device="cpu").device == torch.device("cpu")
    assert loaded.to("cpu") is loaded


@pytest.mark.parametrize("name", ["abacus", "cuda:99", "meta", "cpu:1", ""])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name: str, lifter: Lifter) -> None:
    for ask in (lifter.to, lambda device: Lifter.load(device=device)):
        with pytest.raises(InputError, match=f"device '{name}' is unknown or not there; expected cpu"):
            ask(name)
    assert lifter.device.type == "cpu"


def test_the_devices_of_a_machine_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    assert [str(device_named(name)) for name in ("cuda", "cuda:1", torch.device("cuda:0"), "cpu")] == [
        "cuda",
        "cuda:1",
        "cuda:0",
        "cpu",
    ]
    with pytest.raises(InputError, match="device 'cuda:2' is unknown or not there; expected cpu or cuda:0 or cuda:1"):
        device_named("cuda:2")


# People ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("video", ["film", ""], ids=["video", "image"])
@pytest.mark.parametrize("people", [1, 2, 5])
def test_people_are_where_they_are_seen(people: int, video: str, lifter: Lifter) -> None:
    found = film(6 if video else 1, people, video)
    scene = lifter.lift_detections(found, EXACT)
    assert scene.people.shape == (len(found.names), people, len(PAPER19), 3)
    np.testing.assert_allclose(reprojected(scene.people), found.keypoints[:, :, COMMON], atol=0.02)
    np.testing.assert_array_equal(scene.keypoints, found.keypoints[:, :, COMMON].astype(np.float32))
    assert scene.seen.all() and (scene.focal, scene.focal_source, scene.image) == (FOCAL, "known", IMAGE)
    np.testing.assert_allclose(np.linalg.norm(scene.up, axis=-1), 1, rtol=1e-5)


def test_a_static_camera_stays_where_it_is(lifter: Lifter) -> None:
    static = lifter.lift_detections(film(), EXACT)
    assert np.ptp(static.height) == 0 and np.ptp(static.up, axis=0).max() < 1e-6
    moving = lifter.lift_detections(film(), replace(EXACT, static=False))
    assert np.ptp(moving.up, axis=0).max() > 1e-4


@pytest.mark.parametrize("placement", ["people", "by_paper"])
def test_people_are_of_mean_stature_and_stand_on_the_ground(placement: str, lifter: Lifter) -> None:
    scene = lifter.lift_detections(film(), EXACT, placement="ground")
    people = getattr(scene, placement)
    assert log_stature(torch.tensor(people), PAPER19).mean().exp().item() == pytest.approx(STATURE, rel=1e-4)
    height = scene.world(people)[..., 1]
    assert np.abs(height.min((-1, -2))).max() < (0.2 if placement == "people" else 1e-3)


def test_the_order_of_people_does_not_matter(lifter: Lifter) -> None:
    found = film(people=3)
    order = [2, 0, 1]
    other = replace(found, keypoints=found.keypoints[:, order], confidence=found.confidence[:, order])
    one, two = lifter.lift_detections(found, EXACT), lifter.lift_detections(other, EXACT)
    np.testing.assert_allclose(two.people, one.people[:, order], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(two.by_paper, one.by_paper[:, order], rtol=1e-3, atol=1e-3)


def test_who_is_not_in_a_frame_is_absent_there(lifter: Lifter) -> None:
    found = hidden(film(8, 3), slice(0, 3), 1)
    scene = lifter.lift_detections(found, EXACT)
    for people in (scene.people, scene.by_paper):
        assert np.isnan(people[:3, 1]).all()
        assert np.isfinite(np.delete(people[:3], 1, axis=1)).all() and np.isfinite(people[3:]).all()
    assert (scene.confidence[:3, 1] == 0).all() and not scene.seen[:3, 1].any()
    assert np.isnan(scene.keypoints[:3, 1]).all()


@pytest.mark.parametrize("video", ["film", ""], ids=["video", "image"])
def test_frames_of_nobody_and_files_of_nobody(video: str, lifter: Lifter) -> None:
    found = hidden(film(4 if video else 1, 2, video), slice(None))
    scene = lifter.lift_detections(found, replace(EXACT, focal=None))
    assert np.isnan(scene.people).all() and np.isfinite(scene.up).all() and np.isfinite(scene.height).all()
    assert "nobody is seen" in scene.notes
    empty = replace(found, keypoints=found.keypoints[:, :0], confidence=found.confidence[:, :0], identities=())
    scene = lifter.lift_detections(empty, EXACT)
    assert scene.people.shape == (len(found.names), 0, len(PAPER19), 3) and np.isfinite(scene.height).all()


def test_doubts_are_told(lifter: Lifter) -> None:
    alone = lifter.lift_detections(film(1, 1, ""), EXACT)
    assert any("one person alone" in note for note in alone.notes)
    hips = lifter.lift_detections(hidden(film(1), 0, 0, JOINTS.root_index), EXACT)
    assert any("hips of 1" in note for note in hips.notes) and not hips.seen[0, 0, PAPER19.root_index]
    few = lifter.lift_detections(hidden(film(1), 0, 0, slice(3, None)), EXACT)
    assert any("1 pose shows too few" in note for note in few.notes) and np.isnan(few.people[0, 0]).all()
    blind = lifter.lift_detections(replace(film(1, 2, ""), focal=None, image=None))
    assert any("size is not known" in note for note in blind.notes)
    assert any("normal lens" in note and "give or take 35 %" in note for note in blind.notes)
    assert blind.focal_source == "default"
    assert blind.image[0] > film(1).keypoints[..., COMMON, 0].max()


@pytest.mark.parametrize(("deviation", "doubtful"), [(0.3, True), (0.1, False)])
def test_a_focal_length_that_people_leave_open_is_said_to_be_doubtful(
    deviation: float, doubtful: bool, lifter: Lifter, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Lens(IMAGE, 900.0, FocalSource.PEOPLE, deviation)
    monkeypatch.setattr(Lens, "told", lambda self, lifted, interval: told)
    scene = lifter.lift_detections(replace(film(), focal=None), replace(EXACT, focal=None))
    assert (scene.focal, scene.focal_source) == (900.0, "people")
    assert (
        any("doubtful: by the people it is 900 pixels, give or take 30 %" in note for note in scene.notes) == doubtful
    )


def test_one_person_who_stands_still_tells_no_focal_length(lifter: Lifter) -> None:
    still = film(1, 1)
    keypoints, confidence = (np.repeat(values, 20, axis=0) for values in (still.keypoints, still.confidence))
    names = tuple(f"{number}.png" for number in range(20))
    scene = lifter.lift_detections(Detections("film", names, keypoints, confidence, (1,), IMAGE))
    assert scene.focal_source == "default" and (scene.distance_deviation > FOCAL_PRIOR).all()


@pytest.mark.parametrize("sized", [True, False])
def test_a_long_video_keeps_its_camera(sized: bool, lifter: Lifter, monkeypatch: pytest.MonkeyPatch) -> None:
    start, drift = film(1, 2), 3 * np.arange(9)[:, None, None, None]
    keypoints, confidence = start.keypoints + drift, np.repeat(start.confidence, 9, axis=0)
    confidence[:2] = 0  # nobody at first
    frames = [Frame(str(i), "film", keypoints[i], confidence[i], IMAGE if sized else None) for i in range(9)]
    frames = [
        replace(f, keypoints=f.keypoints[:0], confidence=f.confidence[:0]) if i < 2 else f for i, f in enumerate(frames)
    ]
    monkeypatch.setattr(predictor, "track", lambda frames, **more: track(frames, chunk=2, **more))
    [(name, scene)] = lifter.lift_frames(frames, replace(EXACT, focal=None, image=None))
    assert name == "film" and scene.names == tuple(str(i) for i in range(9)) and len(scene.identities) == 2
    assert scene.valid.tolist() == [[False] * 2] * 2 + [[True] * 2] * 7
    assert np.ptp(scene.height[2:]) < 1e-6 and np.ptp(scene.up[2:], axis=0).max() < 1e-6
    np.testing.assert_allclose(scene.keypoints[2:], keypoints[2:, :, COMMON], rtol=1e-5)
    np.testing.assert_allclose(
        scene.focal * scene.people[2:, ..., 0] / scene.people[2:, ..., 2] + scene.image[0] / 2,
        keypoints[2:][:, :, COMMON, 0],
        atol=0.05,
    )


def test_frames_are_lifted_alike_however_many_at_once(lifter: Lifter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by looking at some frames at a time; that changes nothing."""
    found = hidden(film(12, 3), slice(2, 6), 1)
    whole = lifter.lift_detections(found, EXACT)
    monkeypatch.setattr("duolift.reconstruction.AT_ONCE", 5)
    monkeypatch.setattr("duolift.placement.fit.AT_ONCE", 5)
    parts = lifter.lift_detections(found, EXACT)
    np.testing.assert_array_equal(parts.valid, whole.valid)
    for name in ("people", "by_paper", "up", "height", "deviation"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-5, err_msg=name)


@pytest.mark.parametrize("chunk", [3, 7])
def test_a_long_video_is_placed_as_one(chunk: int, lifter: Lifter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes at a seam between chunks, whoever comes and goes."""
    found = hidden(film(12, 3), slice(2, 6), 1)
    found = hidden(found, slice(9, None), 2)
    frames = []
    for index, name in enumerate(found.names):
        seen = found.confidence[index].any(-1)
        identities = tuple(np.flatnonzero(seen).tolist())
        frames.append(
            Frame(name, "film", found.keypoints[index, seen], found.confidence[index, seen], IMAGE, None, identities)
        )
    [(_, expected)] = lifter.lift_frames(frames, EXACT)
    monkeypatch.setattr(predictor, "track", lambda frames, **more: track(frames, chunk=chunk, **more))
    [(_, scene)] = lifter.lift_frames(frames, EXACT)
    assert scene.identities == expected.identities and scene.names == expected.names
    for name in ("people", "by_paper", "up", "height", "keypoints", "confidence"):
        np.testing.assert_allclose(getattr(scene, name), getattr(expected, name), rtol=1e-3, atol=1e-4, err_msg=name)
    np.testing.assert_array_equal(scene.seen, expected.seen)


def test_one_file_is_one_scene(lifter: Lifter, tmp_path: Path) -> None:
    found = film(2)
    arrays = {"keypoints": found.keypoints, "confidence": found.confidence, "ids": np.array(found.identities)}
    np.savez(tmp_path / "film.npz", joints=np.array("chi3d25"), **arrays)
    scene = lifter.lift_file(tmp_path / "film.npz", EXACT)
    np.testing.assert_allclose(scene.people, lifter.lift_detections(found, EXACT).people, rtol=1e-4, atol=1e-4)
    with pytest.raises(InputError, match=r"film\.npz: holds several images or videos; expected one"):
        lifter.lift_file(tmp_path / "film.npz", EXACT, Options(video=False))
    with pytest.raises(InputError, match=r"missing\.json"):
        lifter.lift_file(tmp_path / "missing.json")


def test_images_come_one_by_one(lifter: Lifter) -> None:
    found = film(3, 2)
    frames = [
        Frame(name, "", *arrays, image=IMAGE)
        for name, *arrays in zip(found.names, found.keypoints, found.confidence, strict=True)
    ]
    scenes = dict(lifter.lift_frames(frames, EXACT))
    assert tuple(scenes) == found.names
    expected = lifter.lift(found.keypoints[1], camera=EXACT)
    np.testing.assert_allclose(scenes[found.names[1]].people, expected.people, rtol=1e-5, atol=1e-5)


# Arrays ---------------------------------------------------------------------------------------------------------------


def test_arrays_are_lifted_as_detections_are(lifter: Lifter) -> None:
    found = film()
    expected = lifter.lift_detections(found, EXACT)
    for scene in (
        lifter.lift(found.keypoints, camera=EXACT),
        lifter.lift(np.concatenate([found.keypoints, found.confidence[..., None]], -1), camera=EXACT),
        lifter.lift(found.keypoints, found.confidence, camera=EXACT),
    ):
        np.testing.assert_array_equal(scene.people, expected.people)
    image = lifter.lift(found.keypoints[0], camera=EXACT)
    assert image.people.shape == (1, 2, len(PAPER19), 3)


def test_nan_and_no_confidence_hide_a_joint(lifter: Lifter) -> None:
    found, elbow = film(1), JOINTS.index("left_elbow")
    expected = lifter.lift_detections(hidden(found, 0, 1, elbow), EXACT)
    points, confidence = found.keypoints.copy(), found.confidence.copy()
    points[0, 1, elbow], confidence[0, 1, elbow] = np.nan, 0
    for scene in (lifter.lift(points, camera=EXACT), lifter.lift(found.keypoints, confidence, camera=EXACT)):
        np.testing.assert_array_equal(scene.people[0], expected.people[0])


def test_arrays_of_a_detectors_joints(lifter: Lifter) -> None:
    coco, found = format_named("coco"), film(2)
    known = [joint for joint in coco.joints if joint in JOINTS.joints]
    points = np.full((2, 2, len(coco), 3), np.nan)
    points[:, :, [coco.joints.index(joint) for joint in known], :2] = found.keypoints[:, :, JOINTS.indices(known)]
    points[..., 2] = 0.9
    scene = lifter.lift(points, format="coco", camera=EXACT)
    assert scene.seen[..., PAPER19.index("left_knee")].all() and scene.seen[..., PAPER19.root_index].all()
    assert not scene.seen[..., PAPER19.index("spine")].any() and np.isfinite(scene.people).all()
    points[..., 2] = 0.2
    assert "nobody is seen" in lifter.lift(points, format="coco", camera=EXACT).notes
    with pytest.raises(InputError, match="centaur"):
        lifter.lift(points, format="centaur")


def test_the_error_names_the_formats_with_as_many_joints(lifter: Lifter) -> None:
    with pytest.raises(InputError, match=r"expected \(person, 25, 2 or 3\) for chi3d25, .*format='coco17'"):
        lifter.lift(np.zeros((2, 17, 3)))


@pytest.mark.parametrize("shape", [(2, 25), (1, 2, 25, 1), (50,), (1, 25)])
def test_confidence_of_another_shape_is_refused_and_not_reshaped(shape: tuple[int, ...], lifter: Lifter) -> None:
    with pytest.raises(InputError, match=r"confidence has shape .*; expected \(1, 2, 25\)"):
        lifter.lift(film(1).keypoints, np.ones(shape))


def test_what_is_no_number_is_refused(lifter: Lifter) -> None:
    with pytest.raises(InputError, match="keypoints is no array of numbers"):
        lifter.lift([[["left", "right"]]])
    with pytest.raises(InputError, match="threshold is 3"):
        lifter.lift(film(1).keypoints, threshold=3)


@pytest.mark.parametrize("shape", [(25, 2), (1, 2, 19, 2), (1, 2, 25, 4), (1, 1, 2, 25, 2)])
def test_arrays_of_another_shape_are_refused(shape: tuple[int, ...], lifter: Lifter) -> None:
    with pytest.raises(InputError, match="keypoints have shape"):
        lifter.lift(np.zeros(shape))


def test_a_lifter_of_another_skeleton(people_lifter: Callable[..., PeopleLifter]) -> None:
    scene = Lifter(people_lifter("chi3d25")).lift_detections(film(), EXACT)
    assert scene.people.shape[2] == len(JOINTS) and math.isfinite(scene.people.sum())


@pytest.mark.parametrize("frames", [12, 1])
def test_the_frames_of_a_static_cameras_video_are_looked_at_together_and_no_others(frames: int, lifter: Lifter) -> None:
    found = film(frames)
    together = replace(EXACT, smooth=True, noise=0.02, rate=30)
    alone, moved = (lifter.lift_detections(found, camera) for camera in (replace(together, smooth=False), together))
    assert np.allclose(moved.people, alone.people, atol=1e-4) == (frames == 1)
    assert (np.ptp(moved.people, axis=0) <= np.ptp(alone.people, axis=0) + 1e-6).mean() > 0.5
    for other in (replace(found, video=""), found):
        one, two = (
            lifter.lift_detections(other, replace(camera, static=False, noise=0.02)) for camera in (EXACT, together)
        )
        assert np.array_equal(one.people, two.people)


def test_a_video_of_unknown_rate_has_30_frames_a_second_and_a_note(lifter: Lifter) -> None:
    told, untold = (lifter.lift_detections(film(), replace(EXACT, rate=rate)) for rate in (12.5, None))
    alone = lifter.lift_detections(replace(film(frames=1), video=""), EXACT)
    assert (told.rate, untold.rate, alone.rate) == (12.5, 30, None)
    noted = [any("rate is not known: 30 frames a second" in note for note in s.notes) for s in (told, untold, alone)]
    assert noted == [False, True, False]


# How sure it is -------------------------------------------------------------------------------------------------------


def expected_errors(keypoints: np.ndarray) -> Scene:
    """What the lifter of the package makes of keypoints of the paper's 19 joints."""
    return Lifter.load().lift(keypoints, format="paper19", camera=Camera(focal=1000, image=(1280, 720)))


def swapped(*pairs: tuple[str, str]) -> list[int]:
    order = [*PAPER19.joints]
    for one, other in pairs:
        at, to = PAPER19.indices([f"left_{one}", f"left_{other}"]), PAPER19.indices([f"right_{one}", f"right_{other}"])
        for i, j in (at, to):
            order[i], order[j] = order[j], order[i]
    return PAPER19.indices(order)


def test_joints_that_are_not_seen_are_expected_to_be_further_off() -> None:
    keypoints = Scene.example().keypoints.copy()
    arm = PAPER19.indices(["right_elbow", "right_wrist"])
    seen = expected_errors(keypoints).deviation
    keypoints[:, :, arm] = np.nan
    hidden = expected_errors(keypoints).deviation
    valid = np.isfinite(seen).all(-1)
    assert (hidden[valid][:, arm] > 1.2 * seen[valid][:, arm]).all()
    assert np.isnan(hidden[~valid]).all() and 0.01 < np.median(seen[valid]) < 0.1


@pytest.mark.parametrize(
    "order",
    [
        swapped(("hip", "shoulder"), ("knee", "elbow"), ("ankle", "wrist")),
        [*reversed(range(len(PAPER19)))],
        [*np.random.default_rng(0).permutation(len(PAPER19))],
    ],
    ids=["arms for legs", "reversed", "any"],
)
def test_joints_in_another_order_are_doubted(order: list[int]) -> None:
    keypoints = Scene.example().keypoints
    assert not any("another order" in note for note in expected_errors(keypoints).notes)
    assert any("be in another order" in note for note in expected_errors(keypoints[:, :, order]).notes)


def test_a_lifter_that_does_not_say_how_sure_it_is_doubts_nothing(lifter: Lifter) -> None:
    scene = lifter.lift_detections(film(), EXACT)
    assert np.isnan(scene.deviation).all() and not any("expected to be off" in note for note in scene.notes)


def test_deviations_grow_with_the_size_that_people_are_placed_at() -> None:
    bodies = torch.randn(3, 2, 19, 3)
    told = torch.rand(3, 2, 19)
    valid, zero = torch.ones(3, 2, dtype=torch.bool), torch.zeros(3, 2)
    lifted = Lifted(PAPER19, bodies, zero, torch.zeros(3, 2, 2), zero + 1, valid, told)
    torch.testing.assert_close(deviations(lifted, 2 * bodies + 5), 2 * told)
    assert deviations(replace(lifted, deviation=None), bodies).isnan().all()
