"""Scoring on real people: a perfect lifter scores 0, known mistakes what they should, and broken files are refused."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roma
import torch
from small_shelf import CAMERAS, FRAMES, IMAGE, WORLD, Hidden, write_shelf, write_truth
from torch import Tensor

from benchmarks.real import sets, shelf
from benchmarks.real.__main__ import lifters_of, main
from benchmarks.real.capture import Capture, TruePeople, Truth, View
from benchmarks.real.mean_pose import mean_pose, placed
from benchmarks.real.part_affinities import BODY25, LIMBS, assembled
from benchmarks.real.protocol import PROTOCOL, Seen, compare
from benchmarks.real.run import Run, run
from benchmarks.real.scoring import aligned, root_of
from benchmarks.real.sets import DataSet
from benchmarks.real.summary import summary
from benchmarks.real.variants import VARIANTS, Variant
from duolift.body.skeleton import CHI3D25, PAPER19
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.geometry.rotations import levelling, rotate, rotation_x, rotation_y
from duolift.inputs import JOINTS, Frame, Options, read
from duolift.metrics.definitions import root_displacements, score
from duolift.placement.stature import UNKNOWN_STATURES, Statures
from duolift.predictor import SHIPPED
from duolift.scene import Scene

Change = Callable[[Tensor], Tensor]
EXPECTED = 40.0
"""Millimetres that every joint is said to be off."""

ALONE, PROJECTED = VARIANTS["images_focal"], VARIANTS["proj_focal"]


def unchanged(people: Tensor) -> Tensor:
    return people


class Knowing:
    """Stands in for a lifter: knows the people of the small set, and makes the mistake that it is told to make.

    Args:
        change: from true people (person, joint, 3), camera frame, metres, to those that it claims.
        turn: rotation of the direction against gravity that it claims.
    """

    def __init__(self, capture: Capture, change: Change = unchanged, turn: Tensor | None = None) -> None:
        self.views = {view.focal: view for view in capture.views}
        self.change, self.turn = change, torch.eye(3) if turn is None else turn

    def lift_frames(
        self, frames: Iterator[Frame], camera: Camera, stature: Statures = UNKNOWN_STATURES
    ) -> Iterator[tuple[str, Scene]]:
        known = camera.focal if camera.calibration is None else np.mean(camera.calibration.lenses[0].focal)
        view = self.views[float(known or 0.0)]
        for frame in frames:
            world = torch.from_numpy(WORLD[:, view.frames[frame.name]])[:, CHI3D25.indices(PAPER19.joints)]
            true = view.camera.to_camera(world)
            joints = JOINTS.indices(PAPER19.joints)
            seen = frame.confidence[:, joints] > 0
            pixels = np.where(seen[..., None], frame.keypoints[:, joints], np.nan)
            apart = np.linalg.norm(pixels[:, None] - view.camera.project(true).numpy(), axis=-1)
            order = np.nanmean(apart, axis=-1).argmin(1)
            people = self.change(true)[order].float().numpy()[None]
            up = (self.turn.double() @ view.camera.up).float().numpy()[None]
            yield (
                frame.name,
                Scene(
                    *(PAPER19, (frame.name,), tuple(range(len(order))), people, people, seen[None]),
                    confidence=np.ones((1, len(order)), np.float32),
                    deviation=np.full((1, len(order), len(PAPER19)), EXPECTED / 1000, np.float32),
                    distance_deviation=np.full((1, len(order)), 0.1, np.float32),
                    tilt_deviation=np.ones(1, np.float32),
                    up=up,
                    height=np.ones(1, np.float32),
                    keypoints=pixels[None].astype(np.float32),
                    image=view.image,
                    focal=view.focal,
                    focal_source="known",
                ),
            )


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    return shelf.read(write_shelf(tmp_path / "shelf"), tmp_path / "work")


def errors_of(capture: Capture, change: Change = unchanged, variant: Variant = ALONE, **more: Any) -> Run:
    return run(Knowing(capture, change, **more), capture, variant)  # type: ignore[arg-type]


def scene_error(done: Run, arrangement: str, name: str = "pa_mpjpe_mm") -> np.ndarray:
    return np.array([scene.arrangements[arrangement][name] for scene in done.scores.scenes])


# Scores -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [ALONE, PROJECTED, VARIANTS["images_focal_4d"], VARIANTS["images_camera"]])
def test_a_perfect_lifter_scores_0(capture: Capture, variant: Variant) -> None:
    found = summary(errors_of(capture, variant=variant).scores)
    assert found["person"]["people"] == 2 * FRAMES * CAMERAS and found["scene"]["scenes"] == FRAMES * CAMERAS
    assert found["unmatched"] == 0
    assert found["person"]["expected_mm"] == pytest.approx(EXPECTED)
    for name in (
        "pa_mpjpe_mm",
        "along_mm",
        "across_mm",
        "visible_pa_mpjpe_mm",
        "visible_ends_mm",
        "root_mm",
        "place_mm",
        "distance_mm",
    ):
        assert found["person"][name] == pytest.approx(0, abs=1e-2), name
    assert found["person"]["up_deg"] == pytest.approx(0, abs=0.05)
    assert found["person"]["tilt_deg"] == pytest.approx(found["person"]["true_tilt_deg"], abs=1e-3)
    for arrangement in ("estimate", "paper", "true_places", "true_bodies"):
        assert [*found["scene"][arrangement].values()] == pytest.approx([0, 0, 0], abs=1e-2), arrangement
    assert found["scene"]["one_depth"]["pa_mpjpe_mm"] > 30


def test_a_scene_may_be_turned_moved_and_scaled_as_a_whole_but_not_mirrored(capture: Capture) -> None:
    def moved(people: Tensor) -> Tensor:
        return 3 * rotate(rotation_x(torch.tensor(0.4).double()), people) + torch.tensor([1.0, 2.0, 3.0])

    assert scene_error(errors_of(capture, moved), "estimate").max() < 1e-2
    mirrored = errors_of(capture, lambda people: people * torch.tensor([-1.0, 1.0, 1.0]))
    assert min(person.pa_mpjpe_mm for person in mirrored.scores.people) > 10
    assert all(np.isnan(person.filled_ends_mm) for person in mirrored.scores.people), "nothing is hidden"


def test_errors_are_those_of_the_metrics_where_all_joints_are_valid(capture: Capture) -> None:
    noise = 0.1 * torch.randn(2, len(PAPER19), 3)
    done = errors_of(capture, lambda people: people + noise)
    for number, image in enumerate(done.compared):
        found, true = image.matched.estimate.points, image.matched.truth.points
        expected = score(found, true, root=0)
        assert scene_error(done, "estimate")[number] == pytest.approx(float(expected["pa_mpjpe_mm"]))
        people = done.scores.people[2 * number : 2 * number + 2]
        assert np.mean([p.pa_mpjpe_mm for p in people]) == pytest.approx(float(expected["pa_mpjpe_person_mm"]))


def test_a_person_who_is_too_far_to_the_side_is_off_by_that(capture: Capture) -> None:
    """Both known by the metrics' displacements, whatever the alignment makes of it."""
    done = errors_of(capture, lambda people: people + torch.tensor([[[0.0]], [[0.5]]]))
    for number, image in enumerate(done.compared):
        true = image.matched.truth.points
        moved = aligned(image.matched.estimate.points, true, image.matched.truth.valid)
        found, expected = (root_displacements(root_of(people).unsqueeze(1), 0) for people in (moved, true))
        off = float((found - expected).norm())
        assert scene_error(done, "estimate", "root_displacement_error_mm")[number] == pytest.approx(off) and off > 100


def test_the_wrong_tilt_is_off_by_its_angle(capture: Capture) -> None:
    turn = rotation_x(torch.tensor(10.0).deg2rad())
    found = summary(errors_of(capture, turn=turn).scores)["person"]
    assert found["up_deg"] == pytest.approx(10, abs=0.01)
    assert abs(found["tilt_deg"] - found["true_tilt_deg"]) == pytest.approx(10, abs=0.01)


def test_wrong_depths_of_true_bodies_cost_what_the_places_cost(capture: Capture) -> None:
    done = errors_of(capture, lambda people: people * torch.tensor([[[1.3]], [[0.8]]]))
    assert max(person.pa_mpjpe_mm for person in done.scores.people) < 1e-2
    assert scene_error(done, "true_places").max() < 1e-2
    assert scene_error(done, "estimate").min() > 50
    assert scene_error(done, "true_bodies") == pytest.approx(scene_error(done, "estimate"), abs=1e-2)


def test_wrong_bodies_in_true_places_cost_what_the_bodies_cost(capture: Capture) -> None:
    wrists = PAPER19.indices(["left_wrist", "right_wrist"])

    def bent(people: Tensor) -> Tensor:
        changed = people.clone()
        changed[:, wrists] += 0.2
        return changed

    done = errors_of(capture, bent)
    assert scene_error(done, "true_bodies").max() < 1e-2
    assert scene_error(done, "estimate").min() > 20


def test_people_at_one_depth_stay_as_they_are_where_they_truly_are_at_one(capture: Capture) -> None:
    def at_one_depth(people: Tensor) -> Tensor:
        depth = people[:, PAPER19.indices(["left_hip", "right_hip"]), 2].mean(1)
        return people * (4 / depth)[:, None, None]

    done = errors_of(capture, at_one_depth)
    for name in ("one_depth", "one_depth_own_size"):
        assert scene_error(done, name) == pytest.approx(scene_error(done, "estimate"), abs=1e-2)


def test_the_mean_pose_of_people_alike_is_theirs(tmp_path: Path) -> None:
    """Whichever way they face, and wherever they stand."""
    body = torch.from_numpy(WORLD[0, 0])
    turns = roma.rotvec_to_rotmat(torch.tensor([[0.0, 0.0, angle] for angle in (0.0, 1.0, 2.5)]).double())
    everybody = rotate(turns, body) + torch.tensor([[[0.0, 0.0, 0.0]], [[2.0, 0.0, 0.0]], [[0.0, 3.0, 0.0]]])
    people = TruePeople(everybody, torch.ones(everybody.shape[:-1], dtype=torch.bool))
    mean = mean_pose(Truth(CHI3D25.joints, (people,)))
    joints = CHI3D25.indices(PROTOCOL.joints)
    for person in everybody:
        target = 1000 * person[joints]
        off = aligned(mean, target, torch.ones(len(joints), dtype=torch.bool)) - target
        assert off.norm(dim=-1).max() < 1e-6
    assert mean[PROTOCOL.joints.index("left_hip"), 0] > 0 > mean[PROTOCOL.joints.index("left_shoulder"), 1]


def test_the_mean_pose_stands_where_somebody_far_away_does_who_has_it(capture: Capture) -> None:
    """From afar, the weak perspective by which it is placed is exact."""
    view, mean = capture.views[0], mean_pose(capture.truths["annotated"])
    turn = levelling(view.camera.up).mT @ rotation_y(torch.tensor(70.0).deg2rad().double())
    true = rotate(turn, mean) + torch.tensor([2e3, 1e3, 1e6])
    valid = torch.ones(1, len(mean), dtype=torch.bool)
    person = Seen(true[None], valid, view.camera.project(true[None]))
    found = placed(mean, person, view, view.camera.up)[0]
    assert ((found - true).norm(dim=-1) / 1e6).max() < 2e-3
    shape, expected = (body - body.mean(0) for body in (found, true))
    assert (shape - expected).norm(dim=-1).max() < 1e-3


def test_hidden_joints_are_counted_and_scored_apart(tmp_path: Path) -> None:
    hidden: Hidden = [(0, "left_wrist"), (0, "right_ankle"), (1, "left_wrist")]
    capture = shelf.read(write_shelf(tmp_path / "shelf", hidden), tmp_path / "work")
    wrist = PAPER19.index("left_wrist")

    def guessed(people: Tensor) -> Tensor:
        changed = people.clone()
        changed[0, wrist] += torch.tensor([0.0, 0.0, 0.4])
        return changed

    done = errors_of(capture, guessed)
    found = summary(done.scores)
    assert {name: of["people"] for name, of in found["by_hidden_joints"].items()} == {
        "0": 0,
        "1-2": 2 * FRAMES * CAMERAS,
        "3-4": 0,
        "5 or more": 0,
    }
    first, second = ([p for p in done.scores.people if p.hidden == count] for count in (2, 1))
    assert all(p.filled_ends_mm > 100 > p.visible_pa_mpjpe_mm for p in first), "the mean of a wrist and an ankle"
    assert max(p.visible_pa_mpjpe_mm for p in first) < 1e-2
    assert len(first) == len(second) and max(p.filled_ends_mm for p in second) < 1e-2


@pytest.mark.parametrize(
    ("direction", "larger", "smaller"), [(2, "along_mm", "across_mm"), (0, "across_mm", "along_mm")]
)
def test_an_error_is_along_the_line_of_sight_or_across_it(
    capture: Capture, direction: int, larger: str, smaller: str
) -> None:
    def off(people: Tensor) -> Tensor:
        changed = people.clone()
        changed[..., PAPER19.index("left_wrist"), direction] += 0.1
        return changed

    for person in errors_of(capture, off).scores.people:
        assert getattr(person, larger) > 1.5 * getattr(person, smaller), "the alignment turns a little of it"
        assert person.along_mm + person.across_mm >= person.pa_mpjpe_mm >= max(person.along_mm, person.across_mm)


def test_what_the_truth_does_not_know_changes_nothing(capture: Capture) -> None:
    truth = capture.truths["annotated"]
    knee = truth.joints.index("left_knee")
    frames = []
    for people in truth.frames:
        points, valid = people.points.clone(), people.valid.clone()
        points[:, knee], valid[:, knee] = 99.0, False
        frames.append(TruePeople(points, valid))
    gaps = replace(capture, truths={"annotated": replace(truth, frames=tuple(frames))})
    done = errors_of(gaps)
    assert len(done.scores.people) == 2 * FRAMES * CAMERAS
    assert max(person.pa_mpjpe_mm for person in done.scores.people) < 1e-2
    assert scene_error(done, "estimate").max() < 1e-2


def test_places_are_not_compared_where_hips_are_not_known(capture: Capture) -> None:
    truth = capture.truths["annotated"]
    first = truth.frames[0]
    valid = first.valid.clone()
    valid[1, truth.joints.index("left_hip")] = False
    frames = (TruePeople(first.points, valid), *truth.frames[1:])
    done = errors_of(replace(capture, truths={"annotated": replace(truth, frames=frames)}))
    assert len(done.scores.scenes) == (FRAMES - 1) * CAMERAS
    assert sum(np.isnan(person.root_mm) for person in done.scores.people) == 2 * CAMERAS
    assert len(done.scores.people) == 2 * FRAMES * CAMERAS


def test_who_is_not_detected_is_counted_and_nobody_takes_their_place(tmp_path: Path) -> None:
    hidden = [(1, joint) for joint in BODY25.joints]
    capture = shelf.read(write_shelf(tmp_path / "shelf", hidden), tmp_path / "work")
    done = errors_of(capture)
    assert done.scores.unmatched == FRAMES * CAMERAS == len(done.scores.people)
    assert not done.scores.scenes and max(person.pa_mpjpe_mm for person in done.scores.people) < 1e-2


def test_people_outside_the_image_take_no_part(capture: Capture) -> None:
    away = [replace(view, image=(10.0, 10.0)) for view in capture.views]
    done = errors_of(replace(capture, views=tuple(away)))
    assert not done.scores.people and not done.scores.unmatched


def test_a_detection_far_from_everybody_is_nobody(capture: Capture) -> None:
    (_, scene), view = next(iter(Knowing(capture).lift_frames(_frames(capture), _camera(capture)))), capture.views[0]
    astray = replace(scene, keypoints=scene.keypoints + 300)
    assert len(compare(scene, 0, view, capture.truths["annotated"], 0)) == 2
    assert compare(astray, 0, view, capture.truths["annotated"], 0).unmatched == 2


def _camera(capture: Capture) -> Camera:
    return Camera(focal=capture.views[0].focal, image=capture.views[0].image)


def _frames(capture: Capture) -> Iterator[Frame]:
    return read(capture.views[0].detections, Options(video=False))


def test_a_signal_that_knows_who_is_wrong_has_a_rank_correlation_of_minus_1(capture: Capture) -> None:
    done = errors_of(capture, lambda people: people + 0.1 * torch.randn_like(people))
    people = [replace(p, signals={**p.signals, "confidence": -p.pa_mpjpe_mm}) for p in done.scores.people]
    found = summary(replace(done.scores, people=people))["rank_correlation"]
    assert found["confidence"]["pa_mpjpe_mm"] == -1
    assert found["visible joints"]["pa_mpjpe_mm"] is None, "everything is visible"


# Files --------------------------------------------------------------------------------------------------------------


def test_detections_are_put_together_as_people(tmp_path: Path) -> None:
    root = write_shelf(tmp_path / "shelf", hidden=[(1, "left_wrist")])
    (camera, image), *_ = shelf.read_cameras(root / "calibration.json").values()
    frames = list(shelf.read_people(shelf.detections_of(root, "0"), image))
    assert len(frames) == FRAMES and image == IMAGE
    for frame, people in enumerate(frames):
        assert people.shape == (2, 25, 3)
        world = torch.from_numpy(WORLD[:, frame])[:, CHI3D25.indices(["neck", "left_wrist"])]
        expected = camera.project(camera.to_camera(world)).numpy()
        found = people[:, [BODY25.joints.index(joint) for joint in ("neck", "left_wrist")]]
        assert found[..., 0, :2] == pytest.approx(expected[:, 0])
        assert found[0, 1, :2] == pytest.approx(expected[0, 1]) and not found[1, 1].any()


def test_detections_may_lie_beside_the_other_files(tmp_path: Path) -> None:
    root = write_shelf(tmp_path / "shelf")
    for number in range(CAMERAS):
        (root / "detection" / f"{number}.txt").rename(root / f"det{number}.txt")
    assert len(shelf.read(root, tmp_path / "work").views) == CAMERAS


def test_nobody_has_a_joint_twice_and_the_surest_limb_is_taken() -> None:
    """Of two left wrists, the one whose forearm is likelier, whichever comes first."""
    joints = [np.array([[10.0 * joint, 5.0, 0.9]]) for joint in range(25)]
    affinities = [np.array([[0.8]]) for _ in LIMBS]
    wrist, forearm = BODY25.joints.index("left_wrist"), BODY25.joints.index("left_elbow")
    joints[wrist] = np.array([[1.0, 1.0, 0.9], [2.0, 2.0, 0.9]])
    affinities[LIMBS.index((forearm, wrist))] = np.array([[0.6, 0.7]])
    (person,) = assembled(joints, affinities)
    assert person[wrist].tolist() == [2.0, 2.0, 0.9]


def rewritten(file: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    return lambda root: (root / file).write_text(change((root / file).read_text())) and None


def without(camera: str, key: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        found = json.loads(text)
        del found[camera][key]
        return json.dumps(found)

    return change


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no truth": (lambda root: (root / "gt.txt").unlink(), r"gt\.txt: cannot be read"),
    "a camera without lens": (rewritten("calibration.json", without("1", "K")), r"json: 1\.K is None; expected 9 numb"),
    "a flat camera": (
        rewritten("calibration.json", lambda text: re.sub(r'"RT": \[[^]]*\]', '"RT": ' + str([0.0] * 12), text)),
        r"json: 0\.RT: its first three columns are .*; expected a rotation",
    ),
    "no JSON": (rewritten("calibration.json", lambda text: text[:50]), r"calibration\.json: not valid JSON"),
    "no camera": (rewritten("calibration.json", lambda text: "[]"), "holds a list; expected an object with a key"),
    "no detections": (lambda root: shutil.rmtree(root / "detection"), r"0\.txt: cannot be read"),
    "other joints": (rewritten("detection/0.txt", lambda text: "3" + text[1:]), "type is 3; expected 4, OpenPose's"),
    "half a file": (
        rewritten("detection/0.txt", lambda text: text[: len(text) // 2]),
        r"0\.txt: frame 1: .*: the file ends after \d+ numbers; expected \d+",
    ),
    "more than frames": (rewritten("gt.txt", lambda text: text + " 1 2"), "2 numbers follow the last frame; expected"),
    "a word": (rewritten("gt.txt", lambda text: text.replace("15", "fifteen", 1)), "holds a word .*; expected numbers"),
    "not a number": (rewritten("gt.txt", lambda text: text[:-3] + "nan"), "not finite; expected finite"),
    "half a person": (
        rewritten("gt.txt", lambda text: text.replace("\n2\n", "\n1.5\n", 1)),
        "people is 1.5; expected a",
    ),
    "16 joints": (rewritten("skel.txt", lambda text: text.replace("19", "16", 1)), "joints is 16; expected 15 or 19"),
    "fewer frames": (
        lambda root: write_truth(root / "gt.txt", [np.zeros((1, 15, 3))]),
        r"gt\.txt: has 1 frames; expected 3, as .*0\.txt has",
    ),
}
"""What is wrong with a set -> how it becomes so, and what the message says."""


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_wrong_with_a_file_is_said(broken: str, tmp_path: Path) -> None:
    root, (spoil, message) = write_shelf(tmp_path / "shelf"), BROKEN[broken]
    spoil(root)
    with pytest.raises(InputError, match=message):
        shelf.read(root, tmp_path / "work")


# The command ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_everything_runs_and_lifters_stand_below_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, stem, other = write_shelf(tmp_path / "shelf"), tmp_path / "out" / "small", tmp_path / "other.safetensors"
    shutil.copy(SHIPPED, other)
    main(["--root", str(root), "--output", str(stem), "--lifter", str(SHIPPED), str(other)])
    report = json.loads(stem.with_suffix(".json").read_text())
    assert [(line["variant"], line["lifter"]) for line in report["lines"]] == [
        (variant, lifter) for variant in VARIANTS for lifter in ("shipped", "other")
    ]
    for one, same in zip(report["lines"][::2], report["lines"][1::2], strict=True):
        assert one["summary"] == same["summary"] and one["summary"]["person"]["people"] == 2 * FRAMES * CAMERAS
    page = stem.with_suffix(".md").read_text()
    for name in VARIANTS:
        assert page.count(f"\n| {name} | shipped |") == page.count(f"\n| {name} | other |") == 6
    assert page.strip().endswith(capsys.readouterr().out.partition("\n\ntables ")[0].strip())
    assert stem.with_suffix(".png").stat().st_size > 10_000


@pytest.mark.slow
def test_one_lifter_is_not_named_in_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_shelf(tmp_path / "shelf")
    main(["--root", str(root), "--variants", "proj_focal", "--output", str(tmp_path / "one")])
    assert "\n| proj_focal | 12 (0) |" in capsys.readouterr().out
    (line,) = json.loads((tmp_path / "one.json").read_text())["lines"]
    assert line["lifter"] == "shipped" and line["summary"]["unmatched"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "shelv"], "did you mean shelf"),
        (["--variants", "images"], "variant 'images' is unknown.*expected images_focal"),
        (["--lifter", "gone.safetensors"], r"gone\.safetensors"),
    ],
)
def test_what_is_not_there_is_refused(arguments: list[str], message: str, tmp_path: Path) -> None:
    root = write_shelf(tmp_path / "shelf")
    with pytest.raises(InputError, match=message):
        main(["--root", str(root), "--output", str(tmp_path / "none"), *arguments])


def test_lifters_called_alike_are_told_apart_and_none_is_given_twice(tmp_path: Path) -> None:
    copies = [tmp_path / name / "whole.safetensors" for name in ("a", "b")]
    for copy in copies:
        copy.parent.mkdir()
        shutil.copy(SHIPPED, copy)
    assert [*lifters_of(copies)] == [str(copy) for copy in copies]
    with pytest.raises(InputError, match="twice"):
        lifters_of([SHIPPED, SHIPPED])


def read_studio(root: Path, work: Path) -> Capture:
    """A layout of its own: one archive of another detector's joints a camera, and the truth as an array."""
    cameras = shelf.read_cameras(root / "calibration.json")
    world = np.load(root / "world.npy")  # (frame, person, joint, 3)
    names = [f"picture {frame}" for frame in range(len(world))]
    views = [
        View(name, camera, image, root / f"{name}.npz", {name: frame for frame, name in enumerate(names)})
        for name, (camera, image) in cameras.items()
    ]
    frames = [TruePeople(torch.from_numpy(people), torch.ones(people.shape[:2], dtype=torch.bool)) for people in world]
    return Capture("two people sway", tuple(views), {"tracked": Truth(CHI3D25.joints, tuple(frames))}, rate=50.0)


@pytest.mark.slow
def test_another_data_set_is_a_function_and_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_shelf(tmp_path / "studio")
    world = WORLD.swapaxes(0, 1)
    np.save(root / "world.npy", world)
    for name, (camera, image) in shelf.read_cameras(root / "calibration.json").items():
        pixels = camera.project(camera.to_camera(torch.from_numpy(world))).numpy()
        names = [f"picture {frame}" for frame in range(len(world))]
        np.savez(root / f"{name}.npz", keypoints=pixels, joints=list(CHI3D25.joints), names=names, image=image)
    monkeypatch.setitem(sets.SETS, "studio", DataSet("Studio", read_studio))
    main(["--set", "studio", "--root", str(root), "--output", str(tmp_path / "studio-scores")])
    lines = json.loads((tmp_path / "studio-scores.json").read_text())["lines"]
    assert [line["variant"] for line in lines] == [name for name, variant in VARIANTS.items() if variant.truth is None]
    assert all(line["summary"]["person"]["people"] == 2 * FRAMES * CAMERAS for line in lines)
    with pytest.raises(InputError, match="images_focal_4d needs the truth '4d'; expected one of tracked"):
        main(["--set", "studio", "--root", str(root), "--variants", "images_focal_4d", "--output", str(tmp_path / "x")])
