"""Properties of the reader on small trees written by hand: exact numbers, a cache, one clear line for bad files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHARED
from numpy.typing import NDArray
from torch import Tensor

from datamodules.pose_data_module import PoseDataModule
from datamodules.sources import chi3d
from datamodules.sources.chi3d import CAMERAS, read
from datamodules.sources.registry import CHI3D
from datamodules.takes import CAMERA_SHAPES
from duolift.body.skeleton import CHI3D25, PAPER19, SKELETONS
from duolift.errors import InputError
from duolift.geometry.cameras import elevation
from duolift.geometry.normalisation import CENTRINGS, head_to_root, join_pair
from duolift.geometry.projection import lift
from duolift.geometry.rotations import facing, rotate, rotation_x
from duolift.geometry.scene_batch import SceneBatch
from duolift.networks.partners import REACH

Array = NDArray[np.float64]
SUBJECTS = ("s02", "s03", "s04")
FRAMES = {"Grab 1": 3, "Hug 2": 2}
"""Takes of every subject, and their frames."""

MIDLINE = {"pelvis": (0, 0, 1.0), "spine": (0, 0.02, 1.2), "neck": (0, 0, 1.5), "head": (0, 0.05, 1.6)}
LEFT = {
    "hip": (-0.1, 0, 0.95),
    "knee": (-0.1, 0.02, 0.5),
    "ankle": (-0.1, -0.02, 0.1),
    "foot": (-0.1, 0.1, 0.03),
    "toe": (-0.1, 0.18, 0.02),
    "shoulder": (-0.18, 0, 1.45),
    "elbow": (-0.25, -0.05, 1.2),
    "wrist": (-0.25, 0.1, 1.0),
    "hand": (-0.25, 0.2, 0.95),
    "thumb": (-0.2, 0.18, 0.97),
}
"""A standing figure that faces +y, z up, metres: its left is -x."""


def standing() -> Array:
    """(25, 3)."""
    right = {f"right_{name}": (-x, y, z) for name, (x, y, z) in LEFT.items()}
    figure = {**MIDLINE, "head_top": (0, 0.02, 1.75), **{f"left_{name}": at for name, at in LEFT.items()}, **right}
    return np.array([figure[joint] for joint in CHI3D25.joints])


def people(frames: int, phase: float) -> Array:
    """Two figures face to face who sway a little: (2, frame, 25, 3). No two poses are alike."""
    sway = 0.02 * np.sin(phase + np.arange(1, frames + 1))[:, None, None] * standing()[:, 2:] * [1.0, 0.7, 0.3]
    first, turn = standing() + sway + [0, -0.4, 0], np.array([-1, -1, 1])
    second = 1.1 * (standing() + 0.5 * sway) * turn + [0.1, 0.4, 0]
    return np.stack([first, second])


def camera(number: int, distorted: bool) -> dict[str, Any]:
    """A level-headed camera 4 m away that looks at the stage's middle from 60 degrees further round."""
    around, height = np.deg2rad(20 + 60 * number), 1.5 + 0.3 * number
    centre = np.array([4 * np.cos(around), 4 * np.sin(around), height])
    forward = np.array([0, 0, 1.0]) - centre
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    focal, principal = [1100.0 + number, 1102.0 + number], [448.0, 452.0 + number]
    k, p = ([-0.2, 0.25, -0.01], [-0.001, 0.002]) if distorted else ([0.0] * 3, [0.0] * 2)
    return {
        "extrinsics": {"R": np.stack([right, np.cross(forward, right), forward]).tolist(), "T": [centre.tolist()]},
        "intrinsics_w_distortion": {"f": [focal], "c": [principal], "k": [k], "p": [p]},
        "intrinsics_wo_distortion": {"f": focal, "c": principal},
    }


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_tree(root: Path, subjects: Sequence[str] = SUBJECTS, cameras: Sequence[str] = CAMERAS[:2]) -> Path:
    """CHI3D's layout with two takes a subject; the second camera has an ideal lens."""
    for subject in subjects:
        for number, (action, frames) in enumerate(FRAMES.items()):
            joints = people(frames, phase=SUBJECTS.index(subject) + 5 * number)
            write_json(root / "train" / subject / "joints3d_25" / f"{action}.json", {"joints3d_25": joints.tolist()})
            for place, name in enumerate(cameras):
                parameters = camera(place + number, distorted=place != 1)
                write_json(root / "train" / subject / "camera_parameters" / name / f"{action}.json", parameters)
    write_json(root / "info.json", {"train_subj_names": list(subjects), "all_camera_names": list(cameras)})
    return root


def load(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def served(root: Path, **options: Any) -> PoseDataModule:
    data = PoseDataModule(CHI3D, root, PAPER19, **{"batch_size": 4, **options})
    data.setup()
    return data


# What is read ---------------------------------------------------------------------------------------------------------


def projected(world: Array, parameters: dict[str, Any]) -> tuple[Array, Array]:
    """Official tools' formulae, a point at a time: camera frame in metres, and pixels."""
    rotation, centre = np.array(parameters["extrinsics"]["R"]), np.array(parameters["extrinsics"]["T"][0])
    lens = {key: value[0] for key, value in parameters["intrinsics_w_distortion"].items()}
    points, pixels = np.empty(world.shape), np.empty((*world.shape[:-1], 2))
    for place in np.ndindex(world.shape[:-1]):
        points[place] = x, y, z = rotation @ (world[place] - centre)
        a, b = x / z, y / z
        r2 = a * a + b * b
        (k1, k2, k3), (p1, p2) = lens["k"], lens["p"]
        factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + a * p2 + b * p1
        distorted = np.array([a * factor + r2 * p2, b * factor + r2 * p1])
        pixels[place] = lens["f"] * distorted + lens["c"]
    return points, pixels


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_every_view_of_every_frame_is_the_official_projection_in_order(tree: Path, skeleton: Any) -> None:
    scenes = read(tree, ["s04", "s02"]).scenes(skeleton)
    scene = 0
    names = [f"{subject}/{action}/{name}" for subject in ("s04", "s02") for action in FRAMES for name in CAMERAS[:2]]
    assert list(scenes.sequences) == names
    assert scenes.truth is not None and scenes.up is not None
    for number, name in enumerate(names):
        subject, action, place = name.split("/")
        folder = tree / "train" / subject
        parameters = load(folder / "camera_parameters" / place / f"{action}.json")
        world = np.array(load(folder / "joints3d_25" / f"{action}.json")["joints3d_25"])
        points, pixels = projected(world[:, :, CHI3D25.indices(skeleton.joints)], parameters)
        these = slice(scene, scene + FRAMES[action])
        assert (scenes.sequence[these] == number).all()
        np.testing.assert_allclose(scenes.pixels[these], pixels.swapaxes(0, 1), atol=2e-3)
        np.testing.assert_allclose(scenes.truth[these], 1000 * points.swapaxes(0, 1), atol=2e-3)
        up = np.array(parameters["extrinsics"]["R"])[:, 2]
        np.testing.assert_allclose(scenes.up[these], np.tile(up, (FRAMES[action], 1)), rtol=1e-6)
        for read_as, key in (("focal", "f"), ("principal", "c"), ("radial", "k"), ("tangential", "p")):
            lens = parameters["intrinsics_w_distortion"][key]
            np.testing.assert_allclose(getattr(scenes.intrinsics, read_as)[these], lens * FRAMES[action], rtol=1e-6)
        np.testing.assert_allclose(scenes.rays[these], (points[..., :2] / points[..., 2:]).swapaxes(0, 1), atol=1e-5)
        scene = these.stop
    assert scene == len(scenes) == 2 * 2 * sum(FRAMES.values())


def test_people_stand_on_their_feet_before_the_camera(tree: Path) -> None:
    scenes = read(tree, ["s02"]).scenes(CHI3D25)
    assert scenes.truth is not None and scenes.up is not None
    root, head = (scenes.truth[:, :, CHI3D25.index(joint)] for joint in ("pelvis", "head_top"))
    assert (root[..., 2] > 3000).all()  # z forward, millimetres
    assert (head[..., 1] < root[..., 1] - 500).all()  # y down
    assert torch.linalg.vecdot(head - root, scenes.up.unsqueeze(1)).sub(750).abs().max() < 100


def test_cameras_are_those_info_names_in_its_order_or_those_asked_for(tree: Path) -> None:
    assert read(tree, ["s02"]).cameras == CAMERAS[:2]
    write_json(tree / "info.json", {"all_camera_names": list(reversed(CAMERAS[:2]))})
    assert read(tree, ["s02"]).cameras == CAMERAS[1::-1]
    assert read(tree, ["s02"], cameras=CAMERAS[1:2]).cameras == CAMERAS[1:2]


def test_without_info_all_four_cameras_are_expected_and_others_are_found(tmp_path: Path) -> None:
    write_tree(tmp_path / "four", cameras=CAMERAS)
    (tmp_path / "four" / "info.json").unlink()
    assert read(tmp_path / "four", ["s03"]).cameras == CAMERAS
    write_tree(tmp_path / "others", cameras=("west", "east"))
    (tmp_path / "others" / "info.json").unlink()
    assert read(tmp_path / "others", ["s03"]).cameras == ("east", "west")


def test_a_tree_with_the_evaluation_subject_alone_can_be_read(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree", subjects=["s04"])
    assert len(read(root, ["s04"]).scenes(PAPER19)) == 10
    with pytest.raises(InputError, match=r"train/s02: no such folder"):
        served(root)


# What is served -------------------------------------------------------------------------------------------------------

CENTRING = pytest.mark.parametrize("centring", CENTRINGS)


@CENTRING
@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_the_unit_is_the_training_sets_mean_head_to_root(tree: Path, skeleton: Any, centring: str) -> None:
    data = PoseDataModule(CHI3D, tree, skeleton, centring=centring)
    data.setup()
    training = read(tree, ["s02", "s03"]).scenes(skeleton)
    assert training.truth is not None
    head, root = (training.truth[:, :, joint].double() for joint in (skeleton.head_index, skeleton.root_index))
    if centring == "shift":
        scale = float(head_to_root(training.pixels, skeleton))
        focal = float(training.intrinsics.focal.mean())
    else:
        scale = float((torch.linalg.cross(root, head).norm(dim=-1) / torch.linalg.vecdot(root, head)).mean())
        focal = 1.0
    assert data.normalisation.scale == pytest.approx(scale, rel=1e-5)
    assert data.normalisation.c == pytest.approx(focal / scale, rel=1e-5)
    poses = data.training_poses
    assert poses[:, skeleton.head_index].norm(dim=-1).mean() * data.normalisation.c == pytest.approx(1, rel=1e-5)


def test_a_root_is_centred_by_turning_to_it_unless_asked_otherwise(tree: Path) -> None:
    assert served(tree).normalisation.centring == "ray"
    assert served(tree, centring="shift").normalisation.centring == "shift"
    with pytest.raises(ValueError, match="'middle'; expected one of shift, ray"):
        served(tree, centring="middle")


def shifted(scenes: SceneBatch, c: float) -> Tensor:
    """Poses (scene, person, joint, 2) as the paper has them: (u - u_root) / scale / c."""
    about_roots = scenes.pixels - scenes.pixels[:, :, PAPER19.root_index, None]
    return about_roots / float(head_to_root(scenes.pixels, PAPER19)) / c


def turned(scenes: SceneBatch, c: float) -> Tensor:
    """The same from the truth, seen by an ideal camera that faces each root, in units of its mean head length."""
    assert scenes.truth is not None
    truth = scenes.truth.double()
    root = truth[:, :, PAPER19.root_index]
    seen = rotate(facing(root[..., :2] / root[..., 2:]), truth)
    slopes = seen[..., :2] / seen[..., 2:]
    return slopes / slopes[:, :, PAPER19.head_index].norm(dim=-1).mean() / c


@pytest.mark.parametrize(("centring", "expected"), [("shift", shifted), ("ray", turned)])
@pytest.mark.parametrize("c", [None, 10.0])
def test_training_poses_are_every_person_of_every_view_in_order(
    tree: Path, centring: str, expected: Callable[[SceneBatch, float], Tensor], c: float | None
) -> None:
    data, scenes = served(tree, centring=centring, c=c), read(tree, ["s02", "s03"]).scenes(PAPER19)
    poses = expected(scenes, data.normalisation.c).flatten(0, 1)
    torch.testing.assert_close(data.training_poses, poses.float(), atol=1e-5, rtol=0)


@CENTRING
def test_c_may_be_fixed(tree: Path, centring: str) -> None:
    fixed, calibrated = served(tree, c=10.0, centring=centring), served(tree, centring=centring)
    assert fixed.normalisation.c == 10 != calibrated.normalisation.c
    torch.testing.assert_close(
        fixed.training_poses * 10, calibrated.training_poses * calibrated.normalisation.c, rtol=1e-5, atol=1e-6
    )


@CENTRING
def test_training_sees_2d_poses_about_their_root_and_nothing_else(tree: Path, centring: str) -> None:
    data = served(tree, centring=centring)
    batches = list(data.train_dataloader())
    assert {tuple(batch.shape) for batch in batches} == {(4, len(PAPER19), 2)}
    assert len(batches) == len(data.training_poses) // 4 == 2 * 5 * 2 * 2 // 4
    assert all(batch[:, PAPER19.root_index].abs().max() < 1e-7 for batch in batches)
    served_poses = {tuple(pose.flatten().tolist()) for batch in batches for pose in batch}
    assert served_poses == {tuple(pose.flatten().tolist()) for pose in data.training_poses}


def test_held_out_poses_are_the_evaluation_subjects_at_most_as_many_as_asked(tree: Path) -> None:
    everything = served(tree).validation_poses
    assert torch.equal(everything, served(tree).poses(served(tree).evaluation)) and len(everything) == 20
    some = served(tree, held_out=12)
    assert len(some.validation_poses) == 10
    assert torch.equal(torch.cat(list(some.val_dataloader())), everything[::2])
    assert {name.split("/")[0] for name in some.evaluation.sequences} == {"s04"}


@CENTRING
def test_a_pair_is_one_pose_in_the_unit_of_its_people(tree: Path, centring: str) -> None:
    data, alone = served(tree, bodies="pair", centring=centring), served(tree, centring=centring)
    assert data.normalisation == alone.normalisation
    assert data.training_poses.shape == (len(alone.training_poses) // 2, len(data.pose_skeleton), 2)
    assert data.training_poses[:, data.pose_skeleton.root_index].abs().max() < 1e-7
    assert len(data.bone_ratios()) == len(data.pose_skeleton.bones)


def test_a_shifted_pair_is_two_shifted_people_about_the_middle_of_their_pelvises(tree: Path) -> None:
    data, alone = served(tree, bodies="pair", centring="shift"), served(tree, centring="shift")
    roots = data.pose_skeleton.indices(["1.pelvis", "2.pelvis"])
    torch.testing.assert_close(data.training_poses[:, roots].sum(1), torch.zeros(len(data.training_poses), 2))
    people = data.training_poses[:, 1:].unflatten(1, (2, -1))
    people = people - people[:, :, PAPER19.root_index, None]
    torch.testing.assert_close(people.flatten(0, 1), alone.training_poses)


def test_a_ray_centred_pair_is_seen_by_a_camera_that_faces_the_middle_of_the_pelvises_rays(tree: Path) -> None:
    data = served(tree, bodies="pair", centring="ray")
    joined = join_pair(read(tree, ["s02", "s03"]).scenes(PAPER19).rays, PAPER19)
    for pose, rays in zip(data.training_poses, joined[:, 0], strict=True):
        x, y, z = (facing(rays[data.pose_skeleton.root_index]) @ torch.cat([rays.T, torch.ones(1, len(rays))])).unbind()
        torch.testing.assert_close(pose, torch.stack([x / z, y / z], dim=-1), atol=1e-6, rtol=1e-5)


# Labels, for the supervised reference ---------------------------------------------------------------------------------


def test_labels_of_ray_centred_poses_make_them_the_people_and_elevations_level_them(tree: Path) -> None:
    """Level but for what the camera's own tilt leaves: the turn to a person at the side is about the camera's axes."""
    data, scenes = served(tree, labels=True), read(tree, ["s02", "s03"]).scenes(PAPER19)
    assert scenes.truth is not None and scenes.up is not None
    offsets, theta = data.training_labels
    bodies = lift(data.training_poses, offsets, data.normalisation.c)
    truth = scenes.truth.flatten(0, 1)
    root = truth[:, PAPER19.root_index]
    turn, up = facing(root[:, :2] / root[:, 2:]), scenes.up.repeat_interleave(2, dim=0)
    unit = root.norm(dim=-1) / data.normalisation.c
    torch.testing.assert_close(
        rotate(turn.mT, bodies) * unit[:, None, None], truth - root.unsqueeze(1), atol=0.1, rtol=0
    )
    level_up = rotate(rotation_x(theta), rotate(turn, up.unsqueeze(1)))[:, 0]
    assert level_up[:, 1].max() < -0.99 and level_up[:, 2].abs().max() < 0.01


def test_labels_of_shifted_poses_are_depths_along_the_roots_ray_in_head_lengths(tree: Path) -> None:
    data, scenes = served(tree, labels=True, centring="shift"), read(tree, ["s02", "s03"]).scenes(PAPER19)
    assert scenes.truth is not None
    truth = scenes.truth.flatten(0, 1)
    root = truth[:, PAPER19.root_index, None]
    distance = root.norm(dim=-1)
    along = ((truth - root) * root).sum(-1) / distance
    head_lengths = along * data.normalisation.distance(scenes) / distance
    torch.testing.assert_close(data.training_labels[0], head_lengths, atol=1e-5, rtol=1e-4)


def test_labels_come_with_their_poses(tree: Path) -> None:
    data = served(tree, labels=True, held_out=12)
    labels = zip(*data.training_labels, strict=True)
    together = {tuple(pose.flatten().tolist()): label for pose, label in zip(data.training_poses, labels, strict=True)}
    batches = list(data.train_dataloader())
    assert {tuple(map(len, batch)) for batch in batches} == {(4, 4, 4)}
    for poses, offsets, theta in batches:
        for pose, *label in zip(poses, offsets, theta, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(label, together[tuple(pose.flatten().tolist())], strict=True))
    everything, (validation,) = served(tree, labels=True), data.val_dataloader()
    for served_now, held_out in zip(
        validation, (everything.validation_poses, *everything.validation_labels), strict=True
    ):
        assert torch.equal(served_now, held_out[::2])


@CENTRING
@pytest.mark.parametrize("extra", [False, True])
def test_partners_are_the_other_person_of_the_same_image_and_come_with_their_poses(
    tree: Path, centring: str, extra: bool
) -> None:
    data = served(tree, partners=True, held_out=12, centring=centring, extra=[(CHI3D, tree)] * extra)
    unit, seen = data.normalisation, data.normalisation.coordinates(read(tree, ["s02", "s03"]).scenes(PAPER19))
    beside = unit(seen.flip(1), seen[:, :, PAPER19.root_index]).flatten(0, 1)
    partners, near = data.training_partners
    assert torch.equal(partners[: len(beside)], beside)
    assert torch.equal(near, unit.c * partners[:, PAPER19.root_index].norm(dim=-1) <= REACH)
    assert len(partners) == len(data.training_poses) == len(beside) * (1.5 if extra else 1)
    together = {
        tuple(pose.flatten().tolist()): pair for pose, *pair in zip(data.training_poses, partners, near, strict=True)
    }
    for poses, *pairs in data.train_dataloader():
        for pose, *pair in zip(poses, *pairs, strict=True):
            wanted = together[tuple(pose.flatten().tolist())]
            assert all(torch.equal(ours, theirs) for ours, theirs in zip(pair, wanted, strict=True))
    (poses, partners, near), everybody = next(iter(data.val_dataloader())), data.partners_of(data.evaluation)
    assert torch.equal(poses, data.poses(data.evaluation)[::2]) and torch.equal(partners, everybody.poses[::2])
    assert torch.equal(near, everybody.visible.all(-1)[::2]) and torch.equal(near, everybody.visible.any(-1)[::2])


def test_partners_keep_what_is_hidden_of_them(tree: Path) -> None:
    data = served(tree, partners=True)
    visible = torch.rand(data.evaluation.pixels.shape[:-1]) < 0.7
    visible[..., PAPER19.root_index] = True
    near = data.partners_of(data.evaluation).visible
    assert torch.equal(data.partners_of(data.evaluation, visible).visible, visible.flip(1).flatten(0, 1) & near)
    assert near.any()


@pytest.mark.parametrize("options", [{"labels": True}, {"bodies": "pair"}])
def test_partners_are_beside_single_unlabelled_people(tree: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected no labels, no pairs"):
        served(tree, partners=True, **options)


def test_without_labels_nothing_in_3d_is_kept_for_training(tree: Path) -> None:
    data = served(tree)
    assert not hasattr(data, "training_labels") and not hasattr(data, "validation_labels")
    assert all(isinstance(batch, Tensor) for batch in (*data.train_dataloader(), *data.val_dataloader()))


def test_bone_ratios_are_those_of_the_training_subjects(tree: Path) -> None:
    worlds = read(tree, ["s02", "s03"]).world[:, :, CHI3D25.indices(PAPER19.joints)].double().numpy()
    ends = np.array([PAPER19.indices(bone) for bone in PAPER19.bones])
    lengths = np.linalg.norm(worlds[:, :, ends[:, 0]] - worlds[:, :, ends[:, 1]], axis=-1)
    expected = (lengths / lengths.mean(-1, keepdims=True)).mean((0, 1))
    np.testing.assert_allclose(served(tree).bone_ratios(), expected, rtol=1e-5)


# The cache ------------------------------------------------------------------------------------------------------------


def forbid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(chi3d, name, fail)


def test_a_second_read_is_equal_and_parses_nothing(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "not" / "there"
    first = read(tree, SUBJECTS, cache=cache)
    forbid(monkeypatch, "_parse")
    second = read(tree, SUBJECTS, cache=cache)
    assert torch.equal(first.world, second.world) and torch.equal(first.start, second.start)
    assert (first.names, first.cameras, first.fingerprint) == (second.names, second.cameras, second.fingerprint)
    for name in CAMERA_SHAPES:
        assert torch.equal(getattr(first.views, name), getattr(second.views, name))


def test_the_key_is_the_content_of_every_file_and_what_is_read_of_it(tree: Path, tmp_path: Path) -> None:
    keys = [read(tree, ["s02"]).fingerprint, read(tree, ["s03"]).fingerprint, read(tree, SUBJECTS).fingerprint]
    keys.append(read(tree, ["s02"], cameras=CAMERAS[:1]).fingerprint)
    for path in sorted((tree / "train" / "s02").rglob("*.json")):
        path.write_text(path.read_text().replace(", ", " ,", 1))  # as long as before, and the same numbers
        keys.append(read(tree, ["s02"]).fingerprint)
    assert len(set(keys)) == len(keys) == 4 + 2 * 3
    tree.rename(tmp_path / "elsewhere")
    assert read(tmp_path / "elsewhere", ["s02"]).fingerprint == keys[-1]


def test_an_interrupted_write_leaves_nothing(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(file: Any, **_: object) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", half)
        with pytest.raises(KeyboardInterrupt):
            read(tree, ["s02"], cache=tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
    assert read(tree, ["s02"], cache=tmp_path / "cache").names == ("s02/Grab 1", "s02/Hug 2")


def test_a_spoilt_cache_is_read_anew(tree: Path, tmp_path: Path) -> None:
    first = read(tree, ["s02"], cache=tmp_path)
    (copy,) = tmp_path.glob("*.npz")
    for spoilt in (b"", copy.read_bytes()[:1000]):
        copy.write_bytes(spoilt)
        assert torch.equal(read(tree, ["s02"], cache=tmp_path).world, first.world)


# Bad input ------------------------------------------------------------------------------------------------------------

JOINTS, VIEW = "train/s03/joints3d_25/Hug 2.json", f"train/s03/camera_parameters/{CAMERAS[1]}/Hug 2.json"
Sabotage = Callable[[Path], object]


def remove(name: str) -> Sabotage:
    """Remove files that match."""

    def sabotage(root: Path) -> None:
        for path in list(root.glob(name)):
            path.unlink()

    return sabotage


def rename(name: str) -> Sabotage:
    return lambda root: (root / name).rename(root.with_name("elsewhere"))


def joints(change: Callable[[list], object]) -> Sabotage:
    """Change `joints3d_25`, nested lists (2, frame, 25, 3), in place or for what `change` returns."""

    def sabotage(root: Path) -> None:
        value = load(root / JOINTS)["joints3d_25"]
        changed = change(value)
        write_json(root / JOINTS, {"joints3d_25": value if changed is None else changed})

    return sabotage


def number(value: object) -> Sabotage:
    """One coordinate of person 1, frame 0, joint 2."""
    return joints(lambda j: j[1][0][2].__setitem__(1, value))


def swap_legs(root: Path) -> None:
    for path in root.glob("train/*/joints3d_25/*.json"):
        value = np.array(load(path)["joints3d_25"])
        value[:, :, 1:7] = value[:, :, [4, 5, 6, 1, 2, 3]]
        write_json(path, {"joints3d_25": value.tolist()})


def view(group: str, key: str, value: object) -> Sabotage:
    """Change one camera parameter; None removes it."""

    def sabotage(root: Path) -> None:
        parameters = load(root / VIEW)
        parameters[group][key] = value
        if value is None:
            del parameters[group][key]
        write_json(root / VIEW, parameters)

    return sabotage


def text(name: str, content: str | bytes) -> Sabotage:
    return lambda root: (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())


LENS = "intrinsics_w_distortion"
BAD = {
    "no root": (rename(""), ["tree: no such folder", "<root>/train/s02/joints3d_25"]),
    "no train folder": (rename("train"), ["tree/train: no such folder"]),
    "no subject": (rename("train/s03"), ["train/s03: no such folder"]),
    "no joints folder": (rename("train/s03/joints3d_25"), ["train/s03/joints3d_25: no such folder"]),
    "no takes": (remove("train/s03/joints3d_25/*"), ["train/s03/joints3d_25: no takes found", "<action>.json"]),
    "no camera folder": (rename(f"train/s03/camera_parameters/{CAMERAS[1]}"), [f"{CAMERAS[1]}/Grab 1.json: missing"]),
    "no camera file": (remove(VIEW), [f"{VIEW}: missing", f"camera {CAMERAS[1]}"]),
    "24 joints": (joints(lambda j: [[f[:24] for f in p] for p in j]), ["(2, 2, 24, 3)", "(2, frame, 25, 3)"]),
    "2 coordinates": (joints(lambda j: np.array(j)[..., :2].tolist()), ["(2, 2, 25, 2)", "(2, frame, 25, 3)"]),
    "three people": (joints(lambda j: [*j, j[0]]), ["(3, 2, 25, 3)", "expected two people"]),
    "one-person release": (joints(lambda j: j[0]), ["one-person release", "(2, frame, 25, 3)"]),
    "no frames": (joints(lambda j: [[], []]), ["(2, 0)", "(2, frame, 25, 3)"]),
    "nobody": (joints(lambda j: []), ["(0,)", "expected two people"]),
    "NaN": (number(float("nan")), ["joints3d_25 holds nan at (1, 0, 2, 1)"]),
    "infinity": (number(float("inf")), ["joints3d_25 holds inf at (1, 0, 2, 1)"]),
    "beyond float32": (number(1e300), ["joints3d_25 holds 1e+300 at (1, 0, 2, 1)"]),
    "null": (number(None), ["joints3d_25 holds nan at (1, 0, 2, 1)"]),
    "a string": (number("half"), ["not a regular array of numbers", "half"]),
    "an object": (number({}), ["not a regular array of numbers"]),
    "a ragged frame": (joints(lambda j: [j[0], [j[1][0][:24], j[1][1]]]), ["not a regular array of numbers"]),
    "ragged people": (joints(lambda j: [j[0], j[1][:1]]), ["2 frames of one person and 1 of the other"]),
    "swapped legs": (swap_legs, ["the left hip lies on the right", "100%"]),
    "cut off": (lambda root: text(JOINTS, (root / JOINTS).read_bytes()[:500])(root), ["not valid JSON"]),
    "empty": (text(JOINTS, ""), ["not valid JSON"]),
    "a list": (text(JOINTS, "[1, 2]"), ["holds a list; expected a JSON object"]),
    "deeply nested": (text(JOINTS, '{"joints3d_25": ' + "[" * 100_000), ["not valid JSON"]),
    "nested 70 deep": (text(JOINTS, '{"joints3d_25": ' + "[" * 70 + "]" * 70 + "}"), ["joints3d_25"]),
    "not UTF-8": (text(JOINTS, b'{"joints3d_25": "\xff\xfe"}'), ["not valid JSON"]),
    "no joints": (text(JOINTS, '{"joints": []}'), ["no key joints3d_25"]),
    "a folder": (lambda root: [remove(JOINTS)(root), (root / JOINTS).mkdir()], ["cannot be read"]),
    "no rotation": (view("extrinsics", "R", None), ["no key extrinsics.R"]),
    "not a rotation": (view("extrinsics", "R", np.ones((3, 3)).tolist()), ["extrinsics.R is not a rotation"]),
    "a reflection": (view("extrinsics", "R", np.diag([1.0, 1, -1]).tolist()), ["extrinsics.R is not a rotation"]),
    "a centre of 2": (view("extrinsics", "T", [[0.0, 1.0]]), ["extrinsics.T has shape (1, 2); expected (3,)"]),
    "negative focal": (view(LENS, "f", [[-1100.0, 1100.0]]), [f"{LENS}.f is [-1100.0, 1100.0]", "positive"]),
    "null focal": (view(LENS, "f", [[None, 1100.0]]), [f"{LENS}.f holds nan at (0, 0)"]),
    "no distortion": (view(LENS, "k", None), [f"no key {LENS}.k"]),
    "camera a list": (text(VIEW, "[]"), ["holds a list; expected a JSON object"]),
    "camera without lens": (text(VIEW, '{"extrinsics": 3}'), ["no key extrinsics.R"]),
    "info cut off": (text("info.json", '{"all_camera_names": ['), ["info.json: not valid JSON"]),
    "info without cameras": (text("info.json", "{}"), ["info.json: all_camera_names is None"]),
    "info with wrong cameras": (text("info.json", '{"all_camera_names": [1]}'), ["all_camera_names is [1]"]),
}


@pytest.mark.parametrize(("sabotage", "fragments"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_that_names_the_file(
    tree: Path, sabotage: Sabotage, fragments: list[str], tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*.json")}
    sabotage(tree)
    changed = [path for path in before if not path.is_file() or path.read_bytes() != before[path]]
    with pytest.raises(InputError) as caught:
        read(tree, SUBJECTS, cache=tmp_path / "cache")
    message = str(caught.value)
    assert message.startswith(str(tree)) and "\n" not in message and len(message) < 500
    assert all(fragment in message for fragment in fragments), message
    if len(changed) == 1:
        assert str(changed[0]) in message
    assert not (tmp_path / "cache").exists()


# A real capture, where it is at hand ----------------------------------------------------------------------------------

PAIRS = SHARED / "data" / "pairs"


@pytest.mark.skipif(not PAIRS.is_dir(), reason="the capture is not at hand")
def test_the_real_capture_is_read_like_any_other_tree() -> None:
    data, by_pixels = served(PAIRS), served(PAIRS, centring="shift")
    training, evaluation = (read(PAIRS, subjects) for subjects in (["s02", "s03"], ["s04"]))
    assert (len(training.world), len(evaluation.world)) == (9465, 2669)
    assert len(data.training_poses) == 9465 * 2 * 4
    assert data.evaluation.pixels.shape == (2669 * 4, 2, len(PAPER19), 2)
    assert by_pixels.normalisation.scale == pytest.approx(213.5, abs=0.5)
    assert data.normalisation.scale == pytest.approx(0.1874, abs=0.0005)
    assert data.evaluation.truth is not None and data.evaluation.up is not None
    angles = elevation(data.evaluation.truth[:, :, PAPER19.root_index], data.evaluation.up.unsqueeze(1)).rad2deg()
    assert angles.mean() == pytest.approx(-14.7, abs=0.1)
    assert angles.std() == pytest.approx(6.7, abs=0.1)
