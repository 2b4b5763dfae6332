"""The fit of places: right on perfect lifts, sure where it may be, and robust to people in the air."""

import itertools
import math
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import torch
from test_ground import Scene, angle, assert_equal, crowd, ratios, standing, told, walk
from torch import Tensor

from duolift.body.anthropometry import mean_bone_length, sole
from duolift.body.skeleton import PAPER19, PAPER23
from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import facing, rotate
from duolift.placement.fit import FitPlacement
from duolift.placement.interface import Placed, SceneCameras
from duolift.placement.posed import log_size
from duolift.placement.sizes import GroundSizes
from duolift.placement.standing import OUTSIDE, SIZES, Standing
from duolift.placement.standing import standing as settle
from duolift.placement.up import direction
from duolift.placement.upright import DEGREE, HELD_DEG, upright

__all__ = ["crowd", "standing", "walk"]  # fixtures

C = 10.0
PERFECT = FitPlacement(foot=0.003, lean=0.0)


def lifted(scene: Scene, up: Tensor | None = None, valid: Tensor | None = None) -> Lifted:
    return Lifted.of(PAPER23, scene.bodies, scene.theta, scene.roots, C, valid, up=up)


def told_surely(scene: Scene, degrees: float = 0.5) -> Tensor:
    """Elevation and roll of everybody as a lifter says them that is sure, (scene, person, 2, 2)."""
    own = (facing(scene.roots) @ scene.up[:, None, :, None]).squeeze(-1)
    angles = torch.stack([own[..., 2].asin(), torch.atan2(own[..., 0], -own[..., 1])], -1)
    return torch.stack([angles, torch.full_like(angles, degrees * DEGREE)], -1)


def one_image(sizes: list[float]) -> GroundSizes:
    """People of these sizes (logarithms) by the ground, each give or take 3 %."""
    seen = torch.tensor([sizes])
    return GroundSizes(seen, torch.full_like(seen, 0.001), looks=0.0, above=torch.zeros_like(seen))


def settled(sizes: list[float]) -> Standing:
    return settle(one_image(sizes), torch.ones(1, len(sizes)), torch.zeros(1, dtype=torch.long), torch.ones(1))


def placed(scene: Scene, video: bool = False, fit: FitPlacement = PERFECT, up: Tensor | None = None) -> Placed:
    sequence = torch.zeros(len(scene.up), dtype=torch.long) if video else None
    return fit(lifted(scene, up), SceneCameras(sequence, interval=0.2))


def test_images_of_people_who_stand(crowd: Callable[..., Scene]) -> None:
    scene = crowd(40, 3)
    found = placed(scene, up=told_surely(scene))
    assert angle(found.up, scene.up).median() < 0.7
    assert (ratios(found.depth) - ratios(scene.depth)).abs().median() < 0.02


def test_a_camera_that_rolls_is_told_by_the_people(crowd: Callable[..., Scene]) -> None:
    scene = crowd(20, 3, roll=0.2)
    assert angle(placed(scene, up=told_surely(scene)).up, scene.up).median() < 4
    assert angle(placed(scene).up, scene.up).median() > 8  # nobody says anything of the roll


def test_a_video_of_people_who_walk(walk: Callable[..., Scene]) -> None:
    scene = walk(30, 2)
    found = placed(scene, video=True)
    assert angle(found.up, scene.up).max() < 1.0 and found.up.std(0).max() < 1e-6  # one camera
    assert (ratios(found.depth) - ratios(scene.depth)).abs().max() < 0.03


def test_who_jumps_is_in_the_air_and_no_further_away(walk: Callable[..., Scene]) -> None:
    jump = torch.zeros(40, dtype=torch.float64)
    jump[15:25] = 0.6  # head lengths
    scene = walk(40, 2, jump=jump)
    found = placed(scene, video=True)
    grounded = found.confidence[:, 0]
    assert (grounded[jump == 0] > 0.8).all() and (grounded[jump > 0] < 0.2).all()
    unit = (scene.depth / found.depth).median()
    height = (found.people @ found.up[:, None, :, None])[..., 0].amin(-1) * unit + 3.0
    assert (height[jump > 0, 0] - 0.6).abs().max() < 0.2 and height[jump == 0].abs().max() < 0.2


def test_people_of_one_image_who_cannot_be_so_large_are_off_the_ground() -> None:
    sizes, one = [0.0, 0.03, -0.02, 0.9], torch.ones(1, 4)
    found = settled(sizes)
    same = torch.zeros(1, dtype=torch.long)
    assert found.grounded(one_image(sizes), one, same)[0].round().tolist() == [1, 1, 1, 0]
    assert found.sizes[0, 3].abs() < 0.1
    assert found.variance[0, 3] > 0.9 * SIZES**2 > found.variance[0, 0]
    assert settled(sizes[:3]).evidence > found.evidence > -(OUTSIDE**2)


def test_ankles_are_higher_above_the_ground_of_who_is_taller() -> None:
    """A child of 1.2 m and somebody of 1.8 m, who stand 5 m before a camera 1.5 m above the ground."""
    stature = torch.tensor([1.2, 1.8], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    body = torch.rand(1, 1, len(PAPER19), 3, generator=generator, dtype=torch.float64) - 0.5
    body[..., 1] = torch.where(body[..., 1] > 0.4, 0.4, body[..., 1])
    body[..., [*PAPER19.feet], 1] = 0.5  # the ankles are the lowest
    body = body - body[:, :, PAPER19.root_index, None]
    tall = log_size(body, PAPER19).exp() / mean_bone_length(PAPER19)
    bodies = body * (stature / tall)[..., None, None]  # metres
    ankles = 1.5 - sole(PAPER19) * stature  # below the camera
    roots = torch.zeros(1, 2, 3, dtype=torch.float64)
    roots[0, :, 0], roots[0, :, 2] = torch.tensor([-1.0, 1.0]), 5.0
    roots[0, :, 1] = ankles - bodies[0, :, PAPER19.feet[0], 1]
    rays, far = roots[..., :2] / roots[..., 2:], roots.norm(dim=-1)
    people = Lifted.of(PAPER19, rotate(facing(rays), bodies), torch.zeros(1, 2).double(), rays, far)
    up = torch.tensor([[0.0, -1.0, 0.0]], dtype=torch.float64)
    by_feet = replace(PERFECT, looks=1.0)  # sizes say nothing
    found = by_feet(people, SceneCameras(up=up))
    known = by_feet(people, SceneCameras(up=up, height=ankles.mean().expand(1)))
    assert (ratios(found.depth) - ratios(far)).abs().max() < 0.002
    assert float(known.depth.mean()) == pytest.approx(float(far.mean()), rel=0.01)
    assert float(found.depth.mean() / found.height) == pytest.approx(float(far.mean() / ankles.mean()), rel=0.01)


def test_what_people_are_wrong_by_throughout_is_no_roll(walk: Callable[..., Scene]) -> None:
    """Two people on either side of the image, of whom one looks up and the other down, as the lifter has it."""
    scene = walk(60, 2)
    roots = scene.roots.clone()
    roots[:, 0, 0], roots[:, 1, 0] = -0.3, 0.3
    own = (facing(roots) @ scene.up[:, None, :, None]).squeeze(-1)
    wrong = torch.tensor([2.0, -2.0]).double() * DEGREE
    people = lifted(replace(scene, theta=own[..., 2].asin() + wrong, roots=roots))
    found = upright(people, facing(roots).mT, torch.zeros(60, dtype=torch.long), torch.full((60,), 40.0))
    assert found.roll.abs().max() < 2.5 * DEGREE  # a roll of 6.7 degrees would explain all of it


@pytest.mark.parametrize("roll", [-26.0, 13.0])
def test_a_camera_that_is_held_askew_is_told_by_a_video(roll: float) -> None:
    """Rolls of two cameras of real films, of two people who are wrong by a little throughout."""
    frames = 60
    up = direction(torch.tensor(-22 * DEGREE), torch.tensor(roll * DEGREE)).double().expand(frames, 3)
    roots = torch.tensor([[0.2, 0.1], [-0.2, 0.0]], dtype=torch.float64).expand(frames, 2, 2)
    scene = Scene(up, up, torch.zeros(frames, 2, 23, 3).double(), torch.zeros(frames, 2).double(), roots)
    said = told_surely(scene, 6.0)
    said[..., 0] += torch.tensor([[1.5, -1.0], [-1.5, 1.0]]) * DEGREE
    sequence, information = torch.zeros(frames, dtype=torch.long), torch.full((frames,), 20.0)
    found = upright(lifted(scene, said), facing(roots).mT, sequence, information)
    assert angle(found.vector, up).max() < abs(roll) / 5


def test_who_lies_throughout_a_video_does_not_tilt_the_camera(walk: Callable[..., Scene]) -> None:
    scene = walk(60, 3)
    up = told_surely(scene, 5.0)
    up[:, 0, 0, 0] += 50 * DEGREE
    turn, sequence = facing(scene.roots).mT, torch.zeros(60, dtype=torch.long)
    long, short = (upright(lifted(scene, up), turn, sequence, torch.full((60,), worth)) for worth in (40.0, 1.0))
    assert angle(long.vector, scene.up).max() < angle(short.vector, scene.up).max()
    assert angle(long.vector, scene.up).max() < 2.5


@pytest.mark.parametrize("roll", [-10.0, 0.0, 10.0])
@pytest.mark.parametrize("tilt", [-50.0, -10.0, 15.0])
def test_up_is_what_people_say_who_are_sure(tilt: float, roll: float) -> None:
    up = direction(torch.tensor(tilt * DEGREE), torch.tensor(roll * DEGREE)).double().expand(1, 3)
    roots = torch.tensor([[[0.3, 0.1], [-0.4, 0.0], [0.0, -0.2]]], dtype=torch.float64)
    scene = Scene(up, up, torch.zeros(1, 3, 23, 3).double(), torch.zeros(1, 3).double(), roots)
    people = lifted(scene, told_surely(scene, 0.1))
    found = upright(people, facing(roots).mT, None, torch.ones(1))
    assert angle(found.vector, up).item() < 4  # cameras are held level, and everybody may be wrong alike


def test_who_says_nothing_leaves_what_is_usual_and_many_are_surer_than_one() -> None:
    def deviation(people: int, degrees: float) -> tuple[float, float]:
        scene = Scene(
            torch.zeros(1), torch.tensor([[0.0, -1.0, 0.0]]), torch.zeros(1, people, 23, 3), torch.zeros(1, people),
            torch.zeros(1, people, 2),
        )  # fmt: skip
        found = upright(
            lifted(scene, told_surely(scene, degrees)), torch.eye(3).expand(1, people, 3, 3), None, torch.ones(1)
        )
        return found.tilt.item() / DEGREE, found.deviation.item() / DEGREE

    assert deviation(2, 500.0) == pytest.approx(HELD_DEG[0], abs=0.3)
    assert deviation(1, 4.0)[1] > deviation(4, 4.0)[1] > 2.0


def test_who_is_wrong_does_not_carry_the_others(crowd: Callable[..., Scene]) -> None:
    scene = crowd(1, 5, tilt=-0.2)
    up = told_surely(scene, 3.0)
    up[0, 0, 0, 0] += 60 * DEGREE
    assert angle(placed(scene, up=up).up, scene.up).item() < 3


@pytest.mark.parametrize("video", [False, True])
def test_who_is_not_there_changes_nothing(walk: Callable[..., Scene], video: bool) -> None:
    scene = walk(6, 3)
    sequence = torch.zeros(6, dtype=torch.long) if video else None
    valid = torch.ones(6, 3, dtype=torch.bool)
    valid[:, 1] = False
    bodies = scene.bodies.clone()
    bodies[:, 1] = torch.nan
    all_three = FitPlacement()(lifted(replace(scene, bodies=bodies), valid=valid), SceneCameras(sequence))
    others = Scene(*(getattr(scene, f.name)[:, [0, 2]] if f.name != "up" else scene.up for f in fields(Scene)))
    two = FitPlacement()(lifted(others), SceneCameras(sequence))
    torch.testing.assert_close(all_three.people[:, [0, 2]], two.people)
    torch.testing.assert_close(all_three.up, two.up)
    assert (all_three.confidence[:, 1] == 0).all()


def test_a_batch_is_a_loop_over_images_and_sequences_do_not_mix(crowd: Callable[..., Scene]) -> None:
    scene = crowd(6, 2)
    together = placed(scene)
    for number in range(6):
        assert_equal(together, placed(scene[number : number + 1]), [number])
    alone = [
        FitPlacement()(lifted(scene[[i, i + 1]]), SceneCameras(torch.zeros(2, dtype=torch.long))) for i in (0, 2, 4)
    ]
    order = torch.tensor([0, 2, 4, 1, 3, 5])
    mixed = FitPlacement()(lifted(scene[order]), SceneCameras(torch.tensor([7, 3, 5, 7, 3, 5])))
    for place, one in zip(((0, 3), (1, 4), (2, 5)), alone, strict=True):
        for name, value in told(one).items():
            torch.testing.assert_close(getattr(mixed, name)[list(place)], value)


@pytest.mark.parametrize(("people", "video"), itertools.product([1, 2, 3], [False, True]))
def test_results_and_gradients_are_finite(walk: Callable[..., Scene], people: int, video: bool) -> None:
    scene = walk(8, people).map(lambda tensor: tensor.clone().requires_grad_())
    results = [*told(placed(scene, video, FitPlacement())).values()]
    total = torch.stack([result.square().sum() for result in results]).sum()
    for gradient in torch.autograd.grad(total, (scene.bodies, scene.theta, scene.roots)):
        assert gradient.isfinite().all()


def test_a_known_camera_is_taken_as_it_is(crowd: Callable[..., Scene]) -> None:
    scene = crowd(4, 2)
    found = PERFECT(lifted(scene), SceneCameras(up=scene.up))
    assert torch.equal(found.up, scene.up) and found.tilt_deviation is None
    assert (ratios(found.depth) - ratios(scene.depth)).abs().max() < 0.02
    assert found.depth_deviation is not None and (found.depth_deviation < 0.05).all()
    assert math.isfinite(found.height.sum())


def test_frames_may_be_placed_by_what_others_have_settled(walk: Callable[..., Scene]) -> None:
    scene = walk(30, 2)
    people, sequence = lifted(scene, told_surely(scene)), torch.zeros(30, dtype=torch.long)
    whole, every = FitPlacement()(people, SceneCameras(sequence, interval=1.0)), slice(None, None, 3)
    settled = FitPlacement().settled(people[every], SceneCameras(sequence[every], interval=3.0))
    alone = FitPlacement().placed(people[:1], SceneCameras(sequence[:1]), settled)
    assert angle(alone.up, whole.up[:1]).max() < 0.5
    torch.testing.assert_close(alone.depth, whole.depth[:1], rtol=0.03, atol=0.0)
    assert (alone.tilt_deviation == settled.deviation).all()


def test_one_who_is_small_puts_nobody_else_into_the_air() -> None:
    """A child, or a detector's mistake, beside three who are alike; of two, the larger is in the air."""
    assert settled([-0.7, 0.0, 0.03, -0.02]).always[0].round().tolist() == [0, 1, 1, 1]
    assert settled([-0.7, 0.0]).always[0].round().tolist() == [1, 0]
