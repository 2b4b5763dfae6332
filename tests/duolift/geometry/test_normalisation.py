"""From pixels to centred poses, what a lift of them is worth, pairs as one body, mirrors."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import CHI3D25, PAPER19, Skeleton
from duolift.geometry.alignment import align
from duolift.geometry.cameras import Intrinsics
from duolift.geometry.mirroring import mirrored
from duolift.geometry.normalisation import CENTRINGS, Normalisation, head_to_root
from duolift.geometry.projection import lift
from duolift.geometry.rotations import facing, rotate
from duolift.geometry.scene_batch import SceneBatch

BOTH = pytest.mark.parametrize("skeleton", [PAPER19, CHI3D25], ids=lambda s: s.name)
CENTRING = pytest.mark.parametrize("centring", CENTRINGS)


def random_pixels(*shape: int) -> Tensor:
    return 450 + 100 * torch.randn(*shape, 2, dtype=torch.float64)


def random_rays(*shape: int) -> Tensor:
    return 0.5 * torch.randn(*shape, 2, dtype=torch.float64)


def seen(truth: Tensor, lens: Intrinsics | None = None) -> SceneBatch:
    """Photographs of people (scene, person, joint, 3), each with its own camera; ideal ones unless `lens`es are given.

    Every camera's focal length is another one's, but the same right and down.
    """
    count = len(truth)
    focal = (1100 + 50 * torch.rand(count, 1, dtype=torch.float64)).expand(count, 2)
    lens = lens or Intrinsics.ideal(focal, 440 + 20 * torch.rand(count, 2, dtype=torch.float64))
    nowhere = torch.zeros(count, dtype=torch.long)
    return SceneBatch(lens[:, None].project(truth), lens, sequence=nowhere, sequences=("a",))


def distorted(count: int) -> Intrinsics:
    """So many lenses, all as CHI3D has them."""
    values = [[1145.0, 1144.0], [452.0, 448.0], [-0.2083, 0.2555, -0.0025], [-0.00076, -0.0014]]
    return Intrinsics(*(torch.tensor(value, dtype=torch.float64).expand(count, -1) for value in values))


@pytest.fixture
def people(random_bodies: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`people(skeleton, scene, person)`: anybody anywhere before the camera, (scene, person, joint, 3)."""

    def make(skeleton: Skeleton, *batch: int) -> Tensor:
        places = torch.tensor([-2.0, -1.0, 5.0]) + torch.tensor([4.0, 2.0, 3.0]) * torch.rand(*batch, 3)
        return (0.6 * random_bodies(skeleton, *batch) + places.unsqueeze(-2)).double()

    return make


def centred(normalisation: Normalisation, scenes: SceneBatch, skeleton: Skeleton) -> Tensor:
    """Everybody's pose, (scene, person, joint, 2)."""
    coordinates = normalisation.coordinates(scenes)
    return normalisation(coordinates, coordinates[:, :, skeleton.root_index])


# The unit of a pose ---------------------------------------------------------------------------------------------------


@BOTH
@CENTRING
@pytest.mark.parametrize("c", [None, 10.0, 5.3])
def test_the_mean_head_to_root_distance_becomes_one_over_c(
    people: Callable[..., Tensor], skeleton: Skeleton, centring: str, c: float | None
) -> None:
    scenes = seen(people(skeleton, 40, 2))
    normalisation = Normalisation.fitted(scenes, skeleton, c, centring)
    poses = centred(normalisation, scenes, skeleton)
    assert normalisation.centring == centring
    assert c in (None, normalisation.c)
    assert head_to_root(poses, skeleton).item() == pytest.approx(1 / normalisation.c)
    assert poses[..., skeleton.root_index, :].abs().max() < 1e-12
    flat = lift(poses, torch.zeros(40, 2, len(skeleton)), normalisation.c)
    assert flat[..., skeleton.head_index, :].norm(dim=-1).mean().item() == pytest.approx(1)


@BOTH
def test_the_units_are_mean_pixels_and_mean_slopes_of_a_head_before_a_camera_that_faces_the_root(
    people: Callable[..., Tensor], skeleton: Skeleton
) -> None:
    truth = people(skeleton, 7, 3)
    scenes, lengths, slopes = seen(truth), [], []
    for i, j in np.ndindex(7, 3):
        pixels = scenes.pixels[i, j].numpy()
        root, head = (truth[i, j, joint].numpy() for joint in (skeleton.root_index, skeleton.head_index))
        lengths.append(np.linalg.norm(pixels[skeleton.head_index] - pixels[skeleton.root_index]))
        slopes.append(np.linalg.norm(np.cross(root, head)) / (root @ head))  # the tangent of the angle between them
    shift, ray = (Normalisation.fitted(scenes, skeleton, None, centring) for centring in ("shift", "ray"))
    assert shift.scale == pytest.approx(np.mean(lengths))
    assert ray.scale == pytest.approx(np.mean(slopes))
    assert shift.c == pytest.approx(scenes.intrinsics.focal.mean().item() / shift.scale)
    assert ray.c == pytest.approx(1 / ray.scale)


@CENTRING
def test_calibrated_c_is_the_true_distance_in_head_lengths(centring: str) -> None:
    """People of `head` metres from root to head, `distance` metres before the camera, upright."""
    head, distance, focal = 0.7, 4.2, 1145.0
    truth = torch.tensor([0, 0, distance], dtype=torch.float64).repeat(5, 2, 19, 1)
    truth[:, :, PAPER19.head_index, 1] -= head
    lens = Intrinsics.ideal(torch.full((5, 2), focal).double(), torch.full((5, 2), 450.0).double())
    normalisation = Normalisation.fitted(seen(truth, lens), PAPER19, None, centring)
    assert normalisation.c == pytest.approx(distance / head)
    assert normalisation.scale == pytest.approx((focal if centring == "shift" else 1) * head / distance)


@pytest.mark.parametrize("c", [5.3, 10.0])
def test_the_distance_of_a_picture_is_that_of_its_cameras_whatever_c(people: Callable[..., Tensor], c: float) -> None:
    scenes = seen(people(PAPER19, 9, 2))
    focal = np.mean([lens.tolist() for lens in scenes.intrinsics.focal])
    assert Normalisation(80.0, c, "shift").distance(scenes) == pytest.approx(focal / 80)
    assert Normalisation(0.16, c, "ray").distance(scenes) == pytest.approx(6.25)
    for centring in CENTRINGS:
        calibrated = Normalisation.fitted(scenes, PAPER19, None, centring)
        assert calibrated.distance(scenes) == pytest.approx(calibrated.c)


def test_shifting_keeps_directions_and_proportions() -> None:
    pixels, root = random_pixels(5, 19), random_pixels(5)
    torch.testing.assert_close(Normalisation(80.0, 10.0, "shift")(pixels, root) * 800 + root[:, None], pixels)


def test_an_unknown_centring_is_refused() -> None:
    with pytest.raises(ValueError, match="'rays'; expected one of shift, ray"):
        Normalisation(80.0, 10.0, "rays")


def test_pixels_are_shifted_and_rays_are_turned() -> None:
    scenes = seen(torch.randn(3, 2, 19, 3).double() + torch.tensor([0, 0, 9]))
    assert Normalisation(80.0, 10.0, "shift").coordinates(scenes) is scenes.pixels
    torch.testing.assert_close(Normalisation(0.2, 5.0, "ray").coordinates(scenes), scenes.rays)


# A camera turned to face the root -------------------------------------------------------------------------------------


def test_ray_centred_poses_are_what_a_camera_turned_to_each_root_sees(people: Callable[..., Tensor]) -> None:
    """Person by person and joint by joint; the distortion of the lens is gone."""
    truth = people(PAPER19, 4, 3)
    normalisation = Normalisation(0.2, 6.0, "ray")
    for scenes in (seen(truth), seen(truth, distorted(4))):
        poses = centred(normalisation, scenes, PAPER19)
        for i, j in np.ndindex(4, 3):
            root = truth[i, j, PAPER19.root_index]
            for joint, point in enumerate(truth[i, j]):
                x, y, z = facing(root[:2] / root[2]) @ point
                expected = torch.stack([x / z, y / z]) / (0.2 * 6)
                torch.testing.assert_close(poses[i, j, joint], expected, atol=1e-4, rtol=0)


@CENTRING
def test_a_batch_of_poses_equals_a_loop(centring: str) -> None:
    coordinates, root = random_rays(3, 4, 19), random_rays(3, 4)
    normalisation = Normalisation(0.2, 6.0, centring)
    together = normalisation(coordinates, root)
    for i, j in np.ndindex(3, 4):
        torch.testing.assert_close(together[i, j], normalisation(coordinates[i, j], root[i, j]))


def perfectly_lifted(
    truth: Tensor, scenes: SceneBatch, skeleton: Skeleton, centring: str, turn: Tensor
) -> tuple[Tensor, Tensor]:
    """Everybody lifted from true depths, and turned back: bodies (scene, person, joint, 3), and a metre a head length.

    Depths are those that a camera turned by `turn` (scene, person, 3, 3) sees, in multiples of the root's, which is
    c away.
    """
    normalisation = Normalisation.fitted(scenes, skeleton, None, centring)
    depths = rotate(turn, truth)[..., 2]
    root = depths[:, :, skeleton.root_index, None]
    offsets = normalisation.c * (depths / root - 1)
    bodies = lift(centred(normalisation, scenes, skeleton), offsets, normalisation.c)
    return rotate(turn.mT, bodies), root / normalisation.c


def turned_to_roots(truth: Tensor, skeleton: Skeleton) -> Tensor:
    root = truth[:, :, skeleton.root_index]
    return facing(root[..., :2] / root[..., 2:])


def relative_error(bodies: Tensor, truth: Tensor) -> Tensor:
    """How far each person (scene, person) is from the truth, over the truth's size."""
    return (bodies - truth).flatten(2).norm(dim=-1) / (truth - truth.mean(-2, keepdim=True)).flatten(2).norm(dim=-1)


@BOTH
def test_a_perfect_lift_of_a_ray_centred_pose_is_the_person_up_to_one_scale(
    people: Callable[..., Tensor], skeleton: Skeleton
) -> None:
    truth = people(skeleton, 30, 2)
    turn, about_roots = turned_to_roots(truth, skeleton), truth - truth[:, :, skeleton.root_index, None]
    bodies, unit = perfectly_lifted(truth, seen(truth), skeleton, "ray", turn)
    torch.testing.assert_close(bodies * unit[..., None], about_roots)
    through_a_lens, unit = perfectly_lifted(truth, seen(truth, distorted(30)), skeleton, "ray", turn)
    assert relative_error(through_a_lens * unit[..., None], about_roots).max() < 1e-3


@BOTH
@pytest.mark.parametrize("turned", [True, False], ids=["depths of the turned camera", "depths of the camera"])
def test_no_similarity_makes_the_lift_of_a_shifted_pose_the_person(
    people: Callable[..., Tensor], skeleton: Skeleton, turned: bool
) -> None:
    truth = people(skeleton, 30, 2)
    facing_roots = turned_to_roots(truth, skeleton)
    turn = facing_roots if turned else torch.eye(3).to(facing_roots).expand_as(facing_roots)
    by_shift, _ = perfectly_lifted(truth, scenes := seen(truth), skeleton, "shift", turn)
    by_ray, _ = perfectly_lifted(truth, scenes, skeleton, "ray", facing_roots)
    assert relative_error(align(by_shift, truth), truth).median() > 0.01
    assert relative_error(align(by_ray, truth), truth).max() < 1e-9


@CENTRING
def test_a_mirrored_picture_gives_mirrored_poses(people: Callable[..., Tensor], centring: str) -> None:
    truth = people(PAPER19, 6, 2)
    scenes = seen(truth)
    in_a_mirror = seen(
        truth[:, :, PAPER19.mirror] * torch.tensor([-1.0, 1, 1]),
        Intrinsics.ideal(scenes.intrinsics.focal, 900 - scenes.intrinsics.principal),
    )
    normalisation = Normalisation.fitted(scenes, PAPER19, None, centring)
    poses, turned = (centred(normalisation, some, PAPER19) for some in (scenes, in_a_mirror))
    torch.testing.assert_close(turned, mirrored(poses, PAPER19))


@pytest.mark.parametrize("aside", [0.5, 80, 88, 89, 90, 91, 120, 170])
@pytest.mark.parametrize("round_the_axis", [0, 50, 90, 200, 270])
def test_joints_to_the_side_of_the_root_and_beyond_stay_finite_and_on_their_side(
    aside: float, round_the_axis: float
) -> None:
    """Root and joint are `aside` degrees from each other, as far on either side of the camera's axis."""
    slope, angle = np.tan(np.deg2rad(aside / 2)), np.deg2rad(round_the_axis)
    ray = slope * torch.tensor([np.cos(angle), np.sin(angle)]).float()
    root, joint = -ray, ray
    (pose,) = Normalisation(1.0, 1.0, "ray")(joint.unsqueeze(0), root)
    assert torch.isfinite(pose).all()
    seen_from_the_front = rotate(facing(root), torch.cat([joint, torch.ones(1)]).unsqueeze(0))[0]
    assert torch.equal(pose.sign(), seen_from_the_front[:2].sign())
    if aside < 89:
        assert pose.norm().item() == pytest.approx(np.tan(np.deg2rad(aside)), rel=1e-4)
    else:
        assert pose.norm() > np.tan(np.deg2rad(88.9))


# Where people are -----------------------------------------------------------------------------------------------------


@BOTH
def test_at_depth_c_a_joint_lies_on_its_ray(people: Callable[..., Tensor], skeleton: Skeleton) -> None:
    truth = people(skeleton, 5, 3)
    normalisation = Normalisation.fitted(scenes := seen(truth, distorted(5)), skeleton, None, "ray")
    for joint in (skeleton.root_index, skeleton.head_index):
        places = normalisation.places(scenes, joint)
        for i, j in np.ndindex(5, 3):
            place = np.array([*places[i, j].tolist(), normalisation.c])
            x, y, z = truth[i, j, joint].tolist()
            np.testing.assert_allclose(place * z / normalisation.c, [x, y, z], atol=1e-3)


@pytest.mark.parametrize("c", [None, 10.0])
def test_places_of_shifted_people_are_pixels_from_the_principal_point_over_the_scale(
    people: Callable[..., Tensor], c: float | None
) -> None:
    scenes = seen(people(PAPER19, 5, 3))
    normalisation = Normalisation.fitted(scenes, PAPER19, c, "shift")
    places = normalisation.places(scenes, PAPER19.root_index)
    for i, j in np.ndindex(5, 3):
        expected = (scenes.pixels[i, j, PAPER19.root_index] - scenes.intrinsics.principal[i]) / normalisation.scale
        torch.testing.assert_close(places[i, j], expected)
