"""Scoring from pixels, on people who are made up: calibrations, who is who across views, joints from rays, scores."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks import pixels
from benchmarks.pixels import (
    DEMO,
    VIEWS,
    Filmed,
    acceleration,
    number_of,
    reference,
    scored,
    smoothed,
    statures,
    unpack,
    view_of,
)
from benchmarks.real.capture import Truth, View
from benchmarks.real.qualisys import read_qualisys
from benchmarks.real.triangulation import Rays, passing, persons, rays_of, tracked_people, triangulated
from duolift.body.skeleton import PAPER19
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.example import example_scene
from duolift.geometry.cameras import CalibratedCamera, opencv_tangential
from duolift.inputs import JOINTS, Frame
from duolift.placement.stature import Statures
from duolift.scene import Scene

Array = NDArray[np.float64]
FRAMES, RATE, IMAGE = 6, 10.0, (1000.0, 800.0)


def camera(angle: float) -> CalibratedCamera:
    """A camera 5 m from the world's middle that looks at it, its lens not quite ideal."""
    centre = torch.tensor([5 * np.sin(angle), -5 * np.cos(angle), 1.5], dtype=torch.float64)
    ahead = torch.nn.functional.normalize(torch.tensor([0, 0, 1.0]).double() - centre, dim=0)
    right = torch.nn.functional.normalize(torch.linalg.cross(ahead, torch.tensor([0.0, 0.0, 1.0]).double()), dim=0)
    return CalibratedCamera(
        focal=torch.tensor([900.0, 905.0]).double(),
        principal=torch.tensor([510.0, 395.0]).double(),
        radial=torch.tensor([-0.05, 0.01, 0.0]).double(),
        tangential=opencv_tangential(torch.tensor([0.001, -0.002]).double()),
        rotation=torch.stack([right, torch.linalg.cross(ahead, right), ahead]),
        centre=centre,
    )


CAMERAS = [camera(angle) for angle in (0.3, 1.6, 3.0, 4.4)]


def world() -> Array:
    """Two people of whom one falls: (frame, person, joint of JOINTS, 3), metres, z up."""
    scene = example_scene()
    body = np.zeros((2, len(JOINTS), 3))
    body[:, JOINTS.indices(PAPER19.joints)] = scene.world()[0]
    spare = [number for number, joint in enumerate(JOINTS.joints) if joint not in PAPER19.joints]
    body[:, spare] = np.random.default_rng(0).normal(size=(2, len(spare), 3)) * 0.3 + body[:, :1]
    body = (body - body.mean((0, 1))) @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) + (0, 0, 1)
    people = np.repeat(body[None], FRAMES, axis=0)
    people[:, 1, :, 2] -= 0.5 * 4 * (np.arange(FRAMES) / RATE)[:, None] ** 2
    return people


WORLD = world()


def seen_by(camera: CalibratedCamera, people: Array, order: tuple[int, ...] = (0, 1)) -> tuple[Array, Array]:
    """Keypoints and confidence of people (person, joint, 3) before a camera, in an order."""
    points = camera.project(camera.to_camera(torch.from_numpy(people))).numpy()[list(order)]
    return points, np.full(points.shape[:2], 0.9)


def films() -> list[Filmed]:
    found = []
    for number, (name, one) in enumerate(zip(VIEWS, CAMERAS, strict=True)):
        orders = [(0, 1) if (frame + number) % 2 else (1, 0) for frame in range(FRAMES)]
        frames = tuple(
            Frame(str(frame), name, *seen_by(one, WORLD[frame], orders[frame]), image=IMAGE) for frame in range(FRAMES)
        )
        found.append(Filmed(name, frames, RATE, IMAGE, seconds=1.0))
    return found


def views() -> list[View]:
    return [view_of(film, one, IMAGE) for film, one in zip(films(), CAMERAS, strict=True)]


# Calibrations ---------------------------------------------------------------------------------------------------------


def calibration(cameras: dict[str, CalibratedCamera]) -> str:
    """A file of Qualisys with these cameras."""
    lines = ["<calibration><cameras>"]
    for name, one in cameras.items():
        turn = torch.diag(torch.tensor([1.0, -1.0, -1.0]).double()) @ one.rotation
        rows = " ".join(f'r{a + 1}{b + 1}="{float(turn[a, b])!r}"' for a in range(3) for b in range(3))
        place = " ".join(f'{axis}="{float(one.centre[n] * 1000)!r}"' for n, axis in enumerate("xyz"))
        lens = " ".join(
            f'focalLength{axis}="{float(one.focal[n] * 64)!r}" centerPoint{axis}="{float(one.principal[n] * 64)!r}"'
            for n, axis in enumerate("UV")
        )
        bent = " ".join(f'radialDistortion{n + 1}="{float(one.radial[n])!r}"' for n in range(3))
        bent += " " + " ".join(f'tangentalDistortion{n + 1}="{float(one.tangential[n])!r}"' for n in range(2))
        lines.append(
            f'<camera serial="{name}"><fov_video left="0" right="999" top="0" bottom="799"/>'
            f"<transform {rows} {place}/><intrinsic {lens} {bent}/></camera>"
        )
    return "\n".join([*lines, "</cameras></calibration>"])


def test_a_calibration_is_read_as_it_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "Calib.qca.txt"
    path.write_text(calibration(dict(zip(VIEWS, CAMERAS, strict=True))))
    found = read_qualisys(path)
    assert [*found] == [*VIEWS]
    for (read, image), written in zip(found.values(), CAMERAS, strict=True):
        assert image == IMAGE
        for name, value in vars(written).items():
            torch.testing.assert_close(getattr(read, name), value, msg=name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no xml", "no XML"),
        ("<calibration/>", "holds no camera"),
        ('<c><camera serial="a"/></c>', "camera a: lacks intrinsic"),
        (calibration({"a": CAMERAS[0]}).replace("focalLengthU", "f"), "camera a: intrinsic lacks a number"),
        (calibration({"a": CAMERAS[0]}).replace('right="999"', 'right="x"'), "camera a: fov_video lacks a number"),
    ],
)
def test_a_broken_calibration_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "Calib.qca.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_qualisys(path)


# Who is who, and where ------------------------------------------------------------------------------------------------


def rays(frame: int, orders: list[tuple[int, ...]]) -> list[Rays]:
    return [rays_of(one, *seen_by(one, WORLD[frame], order)) for one, order in zip(CAMERAS, orders, strict=True)]


def test_rays_to_a_point_meet_there() -> None:
    one, other = rays(0, [(0, 1)] * 4)[:2]
    apart = passing(one.centre, one.directions, other.centre, other.directions)
    assert apart.max() < 1e-4
    swapped = passing(one.centre, one.directions, other.centre, other.directions[::-1])
    assert np.median(swapped, axis=-1).min() > 0.03


@pytest.mark.parametrize("orders", [[(0, 1)] * 4, [(0, 1), (1, 0), (0, 1), (1, 0)], [(1, 0), (0, 1), (0, 1), (0, 1)]])
def test_people_are_put_together_whatever_their_order(orders: list[tuple[int, ...]]) -> None:
    found = rays(0, orders)
    groups = persons(found)
    assert len(groups) == 2
    for group in groups:
        assert len({orders[view][number] for view, number in group.items()}) == 1 and len(group) == 4
        owner = orders[0][group[0]]
        np.testing.assert_allclose(triangulated(found, group), WORLD[0, owner], atol=1e-4)


def test_who_is_seen_by_too_few_views_is_nobody_of_the_reference() -> None:
    one, two, three, four = rays(0, [(0, 1)] * 4)
    alone = [Rays(view.centre, view.directions[:1], view.confidence[:1]) for view in (three, four)]
    assert persons([one, two, *alone]) == [{0: 0, 1: 0, 2: 0, 3: 0}]
    assert persons([one, two]) == []


def test_one_view_that_is_wrong_does_not_move_a_joint() -> None:
    found = rays(0, [(0, 1)] * 4)
    knee = JOINTS.index("left_knee")
    wrong = found[1].directions.copy()
    wrong[0, knee] += (0.05, 0.05, 0)
    found[1] = replace(found[1], directions=wrong / np.linalg.norm(wrong, axis=-1, keepdims=True))
    person = triangulated(found, dict.fromkeys(range(4), 0))
    assert np.linalg.norm(person[knee] - WORLD[0, 0, knee]) < 0.05


def test_a_joint_that_one_view_alone_sees_is_not_known() -> None:
    found = rays(0, [(0, 1)] * 4)
    knee = JOINTS.index("left_knee")
    for number in range(3):
        hidden = found[number].confidence.copy()
        hidden[0, knee] = 0.1
        found[number] = replace(found[number], confidence=hidden)
    person = triangulated(found, dict.fromkeys(range(4), 0))
    assert np.isnan(person[knee]).all() and np.isfinite(np.delete(person, knee, axis=0)).all()


def test_people_keep_their_place_over_time_though_one_is_lost_for_a_while() -> None:
    one, other = WORLD[0]
    frames = tracked_people([[one, other], [other + 0.05], [other + 0.1, one + 0.1], []])
    np.testing.assert_allclose(frames[2], np.stack([one, other]) + 0.1)
    assert np.isnan(frames[1][0]).all() and np.isnan(frames[3]).all() and len(frames) == 4


def test_the_reference_is_the_people() -> None:
    truth = reference(films(), views())
    found = np.stack([frame.points.numpy() for frame in truth.frames])
    order = [0, 1] if abs(found[0, 0] - WORLD[0, 0]).max() < 0.1 else [1, 0]
    np.testing.assert_allclose(found, WORLD[:, order], atol=1e-3)


# Scores ---------------------------------------------------------------------------------------------------------------


class Knowing:
    """Stands in for a lifter: the people as they are, larger and shaken as it is told."""

    def __init__(self, view: View, scale: float = 1.0, shaken: float = 0.0) -> None:
        self.view, self.scale, self.shaken = view, scale, shaken
        self.stature: Statures | None = None

    def lift_frames(self, frames: tuple[Frame, ...], camera: Camera, stature: Statures) -> list[tuple[str, Scene]]:
        self.stature = stature
        assert camera.focal == self.view.focal and camera.rate == RATE
        joints = JOINTS.indices(PAPER19.joints)
        true = self.view.camera.to_camera(torch.from_numpy(WORLD)).numpy()[:, :, joints]
        seen = self.view.camera.project(torch.from_numpy(true).reshape(-1, 1, 3)).numpy().reshape(*true.shape[:-1], 2)
        true = self.scale * (true + self.shaken * (-1.0) ** np.arange(FRAMES)[:, None, None, None])
        flat = np.ones(true.shape[:2], np.float32)
        up = np.repeat(self.view.camera.up.numpy()[None], FRAMES, axis=0)
        scene = Scene(
            PAPER19, tuple(frame.name for frame in frames), (1, 2), true, true, np.ones(true.shape[:3], bool),
            *(flat, np.ones(true.shape[:3], np.float32), flat, flat[:, 0], up, flat[:, 0], seen, IMAGE, 900.0, "known"),
            rate=RATE,
        )  # fmt: skip
        return [("film", scene)]


@pytest.fixture(scope="module")
def truth() -> Truth:
    return reference(films(), views())


@pytest.mark.parametrize("scale", [1.0, 1.25])
def test_who_knows_the_people_scores_0_and_sizes_show_in_distances(scale: float, truth: Truth) -> None:
    film, view = films()[1], views()[1]
    line = scored(Knowing(view, scale), film, view, truth, None)  # type: ignore[arg-type]
    assert line.person_mm < 1 and line.scene_mm < 1 and line.found == 1 and line.given == ""
    assert line.distance_pct == pytest.approx(100 * (scale - 1), abs=0.5)
    assert line.distance[0] == pytest.approx(scale * line.distance[1], rel=0.01)
    assert line.acceleration[0] == pytest.approx(scale * line.acceleration[1], rel=0.1)


def test_what_shakes_is_accelerated(truth: Truth) -> None:
    film, view = films()[1], views()[1]
    line = scored(Knowing(view, shaken=0.05), film, view, truth, None)  # type: ignore[arg-type]
    assert line.acceleration[0] > 2 * line.acceleration[1] and line.person_mm < 1


def test_the_tallest_is_told_by_the_number_that_the_scene_gives_them(truth: Truth) -> None:
    film, view = films()[1], views()[1]
    sizes = torch.tensor([1.0, 1.5])[:, None, None]
    larger = replace(truth, frames=tuple(replace(frame, points=frame.points * sizes) for frame in truth.frames))
    torch.testing.assert_close(statures(larger), statures(truth) * sizes[:, 0, 0])
    assert ((statures(truth) > 1.4) & (statures(truth) < 2.1)).all()
    lifter, taller = Knowing(view), int(statures(truth).argmax())
    line = scored(lifter, film, view, truth, 1.72)  # type: ignore[arg-type]
    assert line.given == "--height N=1.72" and lifter.stature is not None
    ((_, scene),) = lifter.lift_frames(film.frames, Camera(focal=view.focal, rate=RATE), lifter.stature)
    images = [*pixels.compared(scene, view, truth)]
    assert lifter.stature.own == {scene.identities[number_of(taller, images)]: 1.72}
    assert number_of(0, images) != number_of(1, images)
    with pytest.raises(InputError, match="person 7 of the reference is in no scene"):
        number_of(7, images)


def test_smoothing_keeps_what_is_slow_and_gaps() -> None:
    time = np.arange(120) / 60
    slow, fast = np.sin(2 * np.pi * time), 0.5 * np.sin(2 * np.pi * 20 * time)
    noisy = np.stack([slow + fast, slow], axis=-1)
    noisy[50:55, 0] = np.nan
    found = smoothed(noisy, rate=60)
    assert np.isnan(found[50:55, 0]).all() and np.isfinite(found[:50]).all()
    np.testing.assert_allclose(found[20:45, 0], slow[20:45], atol=0.05)
    np.testing.assert_allclose(found[20:-20, 1], slow[20:-20], atol=0.01)
    assert (smoothed(noisy[:10], rate=60) == noisy[:10]).all()  # too short


def test_acceleration_is_of_who_is_in_three_frames() -> None:
    still = torch.zeros(3, 3)
    assert acceleration([{0: still}, {1: still}, {0: still}], RATE) != acceleration([{0: still}] * 3, RATE)
    assert acceleration([{0: still}] * 3, RATE) == 0


def test_what_is_not_the_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pose.whl: no such file; expected pose2sim 0.10.49"):
        unpack(tmp_path / "pose.whl", tmp_path)
    with zipfile.ZipFile(tmp_path / "pose.whl", "w") as archive:
        archive.writestr(f"{DEMO}/calibration/Calib.qca.txt", "a calibration")
    with pytest.raises(InputError, match=r"pose.whl: holds no Pose2Sim/Demo_MultiPerson/videos/cam01.mp4"):
        unpack(tmp_path / "pose.whl", tmp_path)


def test_the_command_prints_a_line_a_view_and_a_height(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With films, a detector and a lifter that are made up; the calibration and the package are real files."""
    with zipfile.ZipFile(tmp_path / "pose.whl", "w") as archive:
        archive.writestr(f"{DEMO}/calibration/Calib.qca.txt", calibration(dict(zip(VIEWS, CAMERAS, strict=True))))
        for name in VIEWS:
            archive.writestr(f"{DEMO}/videos/{name}.mp4", name)
    made = {film.name: film for film in films()}
    monkeypatch.setattr(pixels, "watched", lambda path, name, detector, step=None: made[path.read_text()])
    monkeypatch.setattr(pixels, "load_detector", lambda name: type("Toy", (), {"name": "toy"}))
    monkeypatch.setattr(pixels.Lifter, "load", lambda: Knowing(views()[1]))
    out = tmp_path / "pixels.md"
    pixels.main(["--package", str(tmp_path / "pose.whl"), "--views", "cam02", "--output", str(out)])
    printed = capsys.readouterr().out
    assert out.read_text() == printed and printed.count("| cam02 |") == 2 and "--height" in printed
    assert "Detector toy" in printed


def test_a_film_is_watched_frame_by_frame(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=20)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    one = np.full((1, 17, 3), 0.9, np.float32)
    toy = type("Toy", (), {"name": "toy", "joints": "coco17", "detect": lambda self, picture: one})()
    found = pixels.watched(tmp_path / "a.mp4", "a", toy)
    assert len(found.frames) == 5 and found.rate == 20 and found.image == (64, 48)
    assert found.frames[0].confidence[0, JOINTS.index("left_hip")] == pytest.approx(0.9)
