"""Properties of the written files (layout, cameras, bodies, motion, contact) and of the writer (whole, repeatable)."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from numpy.typing import NDArray

from datamodules.sources.chi3d import CAMERAS
from datamodules.synthetic import writer
from datamodules.synthetic.__main__ import main
from datamodules.synthetic.bodies import ELBOW, SEGMENTS, SIDES, carry, from_polar, to_polar, two_bone, unit
from datamodules.synthetic.writer import SUBJECTS, SyntheticConfig, write
from duolift.body.skeleton import CHI3D25
from duolift.errors import InputError
from duolift.geometry.cameras import CalibratedCamera

Array = NDArray[np.float64]
KINDS = ("Grab", "Handshake", "Hit", "HoldingHands", "Hug", "Kick", "Posing", "Push")
FPS = 50
SMALL = SyntheticConfig(takes=1, frames=24)


@dataclass(frozen=True)
class Action:
    """One action's files."""

    name: str
    subject: str
    joints: Array  # (person, frame, 25, 3)
    cameras: dict[str, dict]
    contact: dict | None

    def at(self, joint: str) -> Array:
        """(person, frame, 3)."""
        return self.joints[:, :, CHI3D25.index(joint)]

    def bone(self, start: str, end: str) -> Array:
        """(person, frame, 3)."""
        return self.at(end) - self.at(start)


def load(path: Path) -> dict:
    return orjson.loads(path.read_bytes())


def read(root: Path) -> Iterator[Action]:
    for subject in SUBJECTS:
        folder = root / "train" / subject
        contacts = load(folder / "interaction_contact_signature.json")
        for path in sorted((folder / "joints3d_25").iterdir()):
            cameras = {camera: load(folder / "camera_parameters" / camera / path.name) for camera in CAMERAS}
            joints = np.array(load(path)["joints3d_25"])
            yield Action(path.stem, subject, joints, cameras, contacts.get(path.stem))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("synthetic") / "small", SMALL)


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    start = time.process_time()
    root = write(tmp_path_factory.mktemp("synthetic") / "default", SyntheticConfig())
    return root, time.process_time() - start


@pytest.fixture(scope="module")
def actions(default: tuple[Path, float]) -> list[Action]:
    return list(read(default[0]))


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def length(vectors: Array) -> Array:
    return np.linalg.norm(vectors, axis=-1)


def angle(a: Array, b: Array) -> Array:
    """Degrees between vectors."""
    return np.rad2deg(np.arccos(np.clip((unit(a) * unit(b)).sum(-1), -1, 1)))


def to_segment(point: Array, start: Array, end: Array) -> Array:
    """Distance of points (..., 3) from line segments."""
    bone = end - start
    along = np.clip(((point - start) * bone).sum(-1) / (bone**2).sum(-1), 0, 1)
    return length(point - start - along[..., None] * bone)


# The files ------------------------------------------------------------------------------------------------------------


def test_layout_is_chi3ds(default: tuple[Path, float], actions: list[Action]) -> None:
    root, config = default[0], SyntheticConfig()
    names = {f"{kind} {take}" for kind in KINDS for take in range(1, config.takes + 1)}
    info = load(root / "info.json")
    assert info["train_subj_names"] == list(SUBJECTS) and info["all_camera_names"] == list(CAMERAS)
    for subject in SUBJECTS:
        found = [action for action in actions if action.subject == subject]
        assert {action.name for action in found} == names == set(info["subj_to_act"][subject])
        assert 1100 <= sum(action.joints.shape[1] for action in found) <= 1200
    for action in actions:
        assert action.joints.shape == (2, config.frames, 25, 3) and np.isfinite(action.joints).all()


def test_default_is_quick_and_small(default: tuple[Path, float]) -> None:
    root, seconds = default
    assert seconds < 30
    assert sum(len(content) for content in tree(root).values()) < 8e6


def test_the_reader_takes_it(small: Path) -> None:
    from datamodules.sources.chi3d import read as read_chi3d

    takes = read_chi3d(small, SUBJECTS)
    assert takes.world.shape == (len(SUBJECTS) * len(KINDS) * SMALL.frames, 2, 25, 3)


def test_toes_point_forward_and_left_is_left(actions: list[Action]) -> None:
    for side, sign in zip(SIDES, (1, -1), strict=True):
        forward = np.stack([action.bone(f"{side}_ankle", f"{side}_toe") for action in actions])
        hip = np.stack([action.bone("pelvis", f"{side}_hip") for action in actions])
        left = np.cross([0.0, 0.0, 1.0], forward)
        assert ((left * hip).sum(-1) * sign > 0).mean() > 0.98


# Cameras --------------------------------------------------------------------------------------------------------------


def camera(values: dict) -> CalibratedCamera:
    lens, extrinsics = values["intrinsics_w_distortion"], values["extrinsics"]
    parts = (*(lens[key][0] for key in "fckp"), extrinsics["R"], extrinsics["T"][0])
    return CalibratedCamera(*(torch.tensor(part, dtype=torch.float64) for part in parts))


def test_cameras_are_like_chi3ds(actions: list[Action]) -> None:
    first = {action.subject: action.cameras for action in actions}
    for action in actions:
        assert action.cameras == first[action.subject]
    assert first["s02"] != first["s03"] != first["s04"] != first["s02"]
    for cameras in first.values():
        views = [camera(cameras[name]) for name in CAMERAS]
        centres = np.stack([view.centre.numpy() for view in views])
        np.testing.assert_allclose(centres[:, 2], [1.35, 1.7, 2.2, 2.7], atol=0.1)
        assert ((length(centres - [0, 0, 1.0]) > 3.9) & (length(centres - [0, 0, 1.0]) < 4.75)).all()
        azimuth = np.sort(np.rad2deg(np.arctan2(centres[:, 1], centres[:, 0])))
        assert np.diff([*azimuth, azimuth[0] + 360]).min() > 50
        for view, name in zip(views, CAMERAS, strict=True):
            torch.testing.assert_close(
                view.rotation @ view.rotation.T, torch.eye(3, dtype=torch.float64), atol=1e-6, rtol=0
            )
            assert torch.linalg.det(view.rotation) > 0
            assert (view.focal - 1145).abs().max() < 10
            plain = cameras[name]["intrinsics_wo_distortion"]
            assert (plain["f"], plain["c"]) == (view.focal.tolist(), view.principal.tolist())


def test_everybody_is_in_the_picture(actions: list[Action]) -> None:
    for subject in SUBJECTS:
        takes = [action for action in actions if action.subject == subject]
        world = torch.from_numpy(np.concatenate([action.joints.reshape(-1, 3) for action in takes]))
        for values in takes[0].cameras.values():
            points = camera(values).to_camera(world)
            pixels = camera(values).project(points)
            assert points[:, 2].min() > 1.0
            assert pixels.min() > 0 and pixels.max() < 900


# Bodies ---------------------------------------------------------------------------------------------------------------


def bone_lengths(action: Action) -> Array:
    """(person, frame, bone)."""
    return np.stack([length(action.bone(parent, child)) for child, parent in CHI3D25.bones], axis=-1)


def test_bones_keep_their_lengths(actions: list[Action]) -> None:
    for action in actions:
        lengths = bone_lengths(action)
        assert (lengths.max(1) - lengths.min(1)).max() < 1e-4
        same = next(other for other in actions if other.subject == action.subject)
        np.testing.assert_allclose(lengths[:, 0], bone_lengths(same)[:, 0], atol=1e-4)


def test_people_have_their_own_human_proportions(actions: list[Action]) -> None:
    people = np.concatenate([next(bone_lengths(a)[:, 0] for a in actions if a.subject == s) for s in SUBJECTS])
    assert length(people[:, None] - people[None])[~np.eye(len(people), dtype=bool)].min() > 0.01
    bones = {child: people[:, index] for index, (child, _) in enumerate(CHI3D25.bones)}
    for side in SIDES:
        for child, segment in (("knee", "thigh"), ("ankle", "shank"), ("elbow", "upper_arm"), ("wrist", "forearm")):
            stature = bones[f"{side}_{child}"] / SEGMENTS[segment]
            assert ((stature > 1.3) & (stature < 2.1)).all()
    legs = bones["left_knee"] + bones["left_ankle"]
    assert (np.abs(legs / (bones["spine"] + bones["neck"]) - 0.491 / 0.298) < 0.2).all()


def test_knees_and_elbows_bend_the_human_way(actions: list[Action]) -> None:
    for action in actions:
        leftwards = action.bone("right_hip", "left_hip")
        up, across = unit(action.bone("spine", "neck")), unit(action.bone("right_shoulder", "left_shoulder"))
        forward = unit(np.cross(across, up))
        for side, sign in zip(SIDES, (1, -1), strict=True):
            thigh, shank = action.bone(f"{side}_hip", f"{side}_knee"), action.bone(f"{side}_knee", f"{side}_ankle")
            assert ((np.cross(thigh, shank) * leftwards).sum(-1) > 0).all()
            knee = angle(thigh, shank)
            assert knee.max() < 145
            upper, arm = (
                action.bone(f"{side}_shoulder", f"{side}_elbow"),
                action.bone(f"{side}_shoulder", f"{side}_wrist"),
            )
            elbow = unit(upper - arm * ((upper * arm).sum(-1) / (arm * arm).sum(-1))[..., None])
            outward_back_down = unit(-0.5 * forward + 0.45 * sign * across - 0.75 * up)
            assert (elbow * outward_back_down).sum(-1).min() > -0.5
            assert angle(upper, action.bone(f"{side}_elbow", f"{side}_wrist")).max() < 150


def test_joints_stay_within_human_ranges(actions: list[Action]) -> None:
    for action in actions:
        up, across = action.bone("spine", "neck"), action.bone("right_shoulder", "left_shoulder")
        assert angle(up, action.bone("pelvis", "spine")).max() < 50
        assert angle(up, action.bone("neck", "head_top")).max() < 50
        level = [1.0, 1.0, 0.0]
        assert angle(across * level, action.bone("right_hip", "left_hip") * level).max() < 60
        for side in SIDES:
            thigh = action.bone(f"{side}_hip", f"{side}_knee")
            assert angle(thigh, action.bone("spine", "pelvis")).max() < 131
            ankle = angle(action.bone(f"{side}_ankle", f"{side}_knee"), action.bone(f"{side}_ankle", f"{side}_foot"))
            assert ankle.min() > 54 and ankle.max() < 146
            upper = action.bone(f"{side}_shoulder", f"{side}_elbow")
            assert angle(upper, np.cross(up, across)).min() > 0 and angle(upper, np.cross(across, up)).max() < 156


def test_nobody_stands_in_anybody(actions: list[Action]) -> None:
    for action in actions:
        pelvis = action.at("pelvis")
        assert length(pelvis[0] - pelvis[1]).min() > 0.25
        trunk = np.stack([action.at(joint) for joint in ("pelvis", "spine", "neck")], axis=2)
        assert length(trunk[0][:, :, None] - trunk[1][:, None]).min() > 0.19
        for side in SIDES:
            for joint in ("elbow", "wrist", "knee", "ankle"):
                limb = action.at(f"{side}_{joint}")[::-1]
                for start, end in (("pelvis", "spine"), ("spine", "neck")):
                    assert to_segment(limb, action.at(start), action.at(end)).min() > 0.079


# Motion ---------------------------------------------------------------------------------------------------------------


def test_motion_is_smooth(actions: list[Action]) -> None:
    for action in actions:
        speed = np.diff(action.joints, axis=1) * FPS
        acceleration = np.diff(speed, axis=1) * FPS
        assert length(speed).max() < 9.1 and length(acceleration).max() < 155
        root = CHI3D25.root_index
        assert length(speed[:, :, root]).max() < 2 and length(acceleration[:, :, root]).max() < 60


def test_feet_are_on_the_ground_and_stay_where_they_are(actions: list[Action]) -> None:
    for action in actions:
        standing = np.zeros(action.joints.shape[:2], dtype=bool)
        assert action.joints[..., 2].min() > -0.001
        for side in SIDES:
            ball, toe = action.at(f"{side}_foot"), action.at(f"{side}_toe")
            planted = (ball[..., 2] < 0.034) & (toe[..., 2] < 0.024)
            moved = length(np.diff(toe[..., :2], axis=1))
            assert moved[planted[:, 1:] & planted[:, :-1]].max(initial=0) < 0.01
            standing |= planted
        assert standing.mean() > 0.95
        lowest = np.stack([action.at(f"{side}_{joint}")[..., 2] for side in SIDES for joint in ("foot", "toe")]).min(0)
        assert lowest.max() < 0.04


FLESH = {
    **dict.fromkeys(CHI3D25.parts["torso"], 0.17),
    **{f"{s}_{j}": 0.1 for s in SIDES for j in ("knee", "ankle")},
}
FLESH |= {f"{side}_{joint}": 0.06 for side in SIDES for joint in ("elbow", "wrist", "hand", "thumb")}
"""Joint -> how far the skin is from the bone that ends there, at most."""


def gap_to_partner(action: Action, joints: list[str]) -> Array:
    """(person, frame), how far the nearest of a person's `joints` is from the partner's skin."""
    gaps = []
    for joint in joints:
        for child, parent in CHI3D25.bones:
            bone = to_segment(action.at(joint)[::-1], action.at(parent), action.at(child))[::-1]
            gaps.append(bone - FLESH.get(child, 0.13))
    return np.min(gaps, axis=0)


def test_contact_frames_touch(actions: list[Action]) -> None:
    for action in actions:
        kind = action.name.split()[0]
        assert action.contact or kind == "Posing"
        if action.contact:
            first, last = action.contact["start_fr"], action.contact["end_fr"]
            assert 0 <= first <= action.contact["fr_id"] <= last < action.joints.shape[1]
            limb = "toe" if kind == "Kick" else "hand"
            gap = gap_to_partner(action, [f"{side}_{limb}" for side in SIDES]).min(0)
            assert gap[first : last + 1].max() < 0.03, action.name


def test_hands_meet_in_handshakes_and_held_hands(actions: list[Action]) -> None:
    for action in actions:
        if action.contact and action.name.startswith(("Handshake", "HoldingHands")):
            hands = [(a, b) for a in SIDES for b in SIDES]
            apart = [length(action.at(f"{a}_hand")[0] - action.at(f"{b}_hand")[1]) for a, b in hands]
            during = np.min(apart, axis=0)[action.contact["start_fr"] : action.contact["end_fr"] + 1]
            assert during.max() < 0.10


# Variety --------------------------------------------------------------------------------------------------------------


def test_poses_are_varied(actions: list[Action]) -> None:
    def everywhere(values: list[Array]) -> Array:
        return np.concatenate([value.ravel() for value in values])

    hips = np.concatenate([action.bone("right_hip", "left_hip").reshape(-1, 3) for action in actions])
    facing = np.rad2deg(np.arctan2(-hips[:, 0], hips[:, 1]))
    assert (np.histogram(facing, bins=8, range=(-180, 180))[0] > 0.04 * len(facing)).all()
    lean = everywhere([angle(action.bone("pelvis", "neck"), np.array([0, 0, 1.0])) for action in actions])
    assert np.percentile(lean, 5) < 5 and np.percentile(lean, 98) > 30
    apart = everywhere([length(action.at("pelvis")[0] - action.at("pelvis")[1]) for action in actions])
    assert np.percentile(apart, 2) < 0.45 and np.percentile(apart, 98) > 1.1
    for side in SIDES:
        thighs = [
            (action.bone(f"{side}_hip", f"{side}_knee"), action.bone(f"{side}_knee", f"{side}_ankle"))
            for action in actions
        ]
        knee = everywhere([angle(*legs) for legs in thighs])
        assert np.percentile(knee, 10) < 20 and np.percentile(knee, 98) > 75
        raised = everywhere([action.bone(f"{side}_shoulder", f"{side}_hand")[..., 2] for action in actions])
        assert np.percentile(raised, 20) < -0.4 and np.percentile(raised, 98) > 0.15
        lifted = everywhere([action.at(f"{side}_ankle")[..., 2] for action in actions])
        assert (lifted > 0.3).mean() > 0.005


def test_either_person_and_either_hand_acts(actions: list[Action]) -> None:
    acting = set()
    for action in actions:
        if action.contact and action.name.startswith(("Hit", "Push", "Grab")):
            for side in SIDES:
                gap = gap_to_partner(action, [f"{side}_hand"])[:, action.contact["fr_id"]]
                acting |= {(person, side) for person in (0, 1) if gap[person] < 0.03}
    assert acting == {(person, side) for person in (0, 1) for side in SIDES}


# The writer -----------------------------------------------------------------------------------------------------------


def test_same_seed_same_bytes(small: Path, tmp_path: Path) -> None:
    again = write(tmp_path / "again", SMALL)
    assert tree(again) == tree(small)


@pytest.mark.parametrize("seed", [SMALL.seed, SMALL.seed + 1])
def test_another_seed_is_another_set(small: Path, tmp_path: Path, seed: int) -> None:
    action = next(writer.write_subject(tmp_path, "s03", replace(SMALL, seed=seed)))
    name = f"joints3d_25/{action}.json"
    same = (tmp_path / name).read_bytes() == (small / "train" / "s03" / name).read_bytes()
    assert same == (seed == SMALL.seed)


def test_a_finished_folder_is_left_alone(small: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*")}
    assert write(small, SMALL) == small
    assert before == {path: path.stat().st_mtime_ns for path in small.rglob("*")}


def test_other_settings_and_other_folders_are_refused(small: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"small.*'frames': 24.*expected.*'frames': 9"):
        write(small, SyntheticConfig(takes=1, frames=9))
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="no synthetic"):
        write(tmp_path, SMALL)
    with pytest.raises(ValueError, match="frames is 0; expected a positive number"):
        SyntheticConfig(frames=0)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(root: Path, config: SyntheticConfig) -> None:
        (root / "half").write_text("a file")
        raise OSError("disk full")

    monkeypatch.setattr(writer, "write_tree", fail)
    with pytest.raises(InputError, match=r"set: cannot be written \(disk full\)"):
        write(tmp_path / "set", SMALL)
    assert [path.name for path in tmp_path.iterdir()] == [".set.lock"]


def test_command_line(small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["synthetic", "--root", str(small), "--takes", "1", "--frames", "24"])
    main()
    assert capsys.readouterr().out.strip() == str(small)
    monkeypatch.setattr("sys.argv", ["synthetic", "--root", str(small), "--takes", "2"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert str(small) in capsys.readouterr().err


# Parts ----------------------------------------------------------------------------------------------------------------


def test_two_bones_keep_their_lengths_and_reach_the_goal() -> None:
    rng = np.random.default_rng(0)
    origin = rng.normal(size=(200, 3))
    goal = origin + unit(rng.normal(size=(200, 3))) * rng.uniform(0.25, 0.53, (200, 1))
    pole = np.cross(goal - origin, rng.normal(size=(200, 3)))
    middle, end = two_bone(origin, goal, 0.3, 0.26, ELBOW, pole)
    np.testing.assert_allclose(length(middle - origin), 0.3)
    np.testing.assert_allclose(length(end - middle), 0.26)
    np.testing.assert_allclose(end, goal, atol=1e-9)
    assert (((middle - origin) * pole).sum(-1) > 0).all()


def test_a_goal_out_of_reach_is_approached() -> None:
    origin, goal = np.zeros((1, 3)), np.array([[2.0, 0.0, 0.0]])
    _, end = two_bone(origin, goal, 0.3, 0.26, ELBOW, np.array([[0.0, 0.0, -1.0]]))
    assert 0.97 * 0.56 < end[0, 0] < 0.56 and abs(end[0, 1:]).max() < 1e-12


def test_a_carried_pole_stays_perpendicular() -> None:
    rng = np.random.default_rng(0)
    way = unit(rng.normal(size=(100, 3)))
    pole = carry(np.array([-0.5, 0.4, -0.7]), np.array([0.7, 0.4, -0.6]), way)
    np.testing.assert_allclose(length(pole), 1)
    np.testing.assert_allclose((pole * way).sum(-1), 0, atol=1e-12)


@pytest.mark.parametrize("side", SIDES)
def test_polar_coordinates_invert(side: str) -> None:
    vectors = np.random.default_rng(0).normal(size=(100, 3))
    np.testing.assert_allclose(from_polar(to_polar(vectors, side), side), vectors, atol=1e-12)
