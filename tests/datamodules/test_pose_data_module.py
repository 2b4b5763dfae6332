"""Properties of the poses, labels and partners that are served of a small tree in CHI3D's layout."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHARED
from small_detections import people
from small_detections import write as write_detections
from small_tree import write_tree
from torch import Tensor

from datamodules.pose_data_module import Extra, PoseDataModule
from datamodules.sources.chi3d import read
from datamodules.sources.registry import CHI3D, KEYPOINTS
from duolift.body.skeleton import CHI3D25, DETECTOR15, PAPER19, SKELETONS
from duolift.errors import InputError
from duolift.geometry.cameras import elevation
from duolift.geometry.normalisation import CENTRINGS, head_to_root
from duolift.geometry.pairs import join_pair
from duolift.geometry.projection import lift
from duolift.geometry.rotations import facing, rotate, rotation_x
from duolift.geometry.scene_batch import SceneBatch
from duolift.networks.partners import REACH


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def served(root: Path, **options: Any) -> PoseDataModule:
    data = PoseDataModule(CHI3D, root, PAPER19, **{"batch_size": 4, **options})
    data.setup()
    return data


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


def test_labels_of_another_data_set_join_those_of_the_training_subjects(tree: Path) -> None:
    alone, data = served(tree, labels=True), served(tree, labels=True, extra=[Extra(CHI3D, tree)])
    own = len(alone.training_poses)
    assert {len(data.training_poses), *map(len, data.training_labels)} == {own + own // 2}
    for label, before in zip(data.training_labels, alone.training_labels, strict=True):
        assert torch.equal(label[:own], before)
    # the same people again, in their own head length
    ratio = data.training_poses[own:].norm() / alone.training_poses[: own // 2].norm()
    bodies = [
        lift(poses, offsets, data.normalisation.c)
        for poses, offsets in (
            (data.training_poses[own:], data.training_labels[0][own:]),
            (alone.training_poses, alone.training_labels[0]),
        )
    ]
    nearest = torch.cdist(bodies[0].flatten(1), ratio * bodies[1].flatten(1)).amin(1)
    assert 0.5 < ratio < 2 and nearest.max() < 0.5 * bodies[0].flatten(1).norm(dim=1).min()


def test_labels_of_a_data_set_without_3d_are_refused(tree: Path, tmp_path: Path) -> None:
    write_detections(tmp_path / "seen" / "results.json", people(24))
    data = PoseDataModule(CHI3D, tree, DETECTOR15, labels=True, extra=[Extra(KEYPOINTS, tmp_path / "seen")])
    with pytest.raises(InputError, match=r"seen: holds no 3D; expected a data set that has it"):
        data.setup()


@CENTRING
@pytest.mark.parametrize("extra", [False, True])
def test_partners_are_the_other_person_of_the_same_image_and_come_with_their_poses(
    tree: Path, centring: str, extra: bool
) -> None:
    data = served(tree, partners=True, held_out=12, centring=centring, extra=[Extra(CHI3D, tree)] * extra)
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
