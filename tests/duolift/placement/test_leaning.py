"""A lifter that says no roll: who stands tells it, and who lies, crouches or points at the camera does not."""

import math

import pytest
import torch
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.example import example_scene
from duolift.geometry.lifted import Lifted
from duolift.geometry.rotations import rotate, rotation_x, rotation_z
from duolift.placement.leaning import LEAN_DEG, leaning, roll_by_leaning
from duolift.placement.upright import upright

FRAMES = 60


def standing() -> Tensor:
    """One who stands before a level camera, about the pelvis: (joint, 3), head lengths."""
    scene = example_scene(frames=1)
    body = torch.from_numpy(scene.world()[0, 0]) * torch.tensor([1.0, -1.0, -1.0])  # y down, z away from the camera
    return 4 * (body - body[scene.skeleton.root_index])


def lifted(bodies: Tensor) -> Lifted:
    """Bodies (frame, person, joint, 3) in the middle of the image, of which nothing is said but the elevation."""
    return Lifted.of(PAPER19, bodies, torch.zeros(bodies.shape[:2]), torch.zeros(*bodies.shape[:2], 2), 10.0)


def crowd(roll: float, lean: float = 4.0) -> Tensor:
    """Two who lean by chance, by a camera that is rolled: (frame, person, joint, 3)."""
    angle = torch.deg2rad(roll + lean * torch.randn(FRAMES, 2))
    return rotate(rotation_z(angle), standing().expand(FRAMES, 2, -1, -1))


@pytest.mark.parametrize("roll", [-20.0, -8.0, 0.0, 8.0, 20.0])
def test_a_cameras_roll_is_found_by_who_stands(roll: float) -> None:
    found = upright(
        lifted(crowd(roll)),
        torch.eye(3).expand(FRAMES, 2, 3, 3),
        torch.zeros(FRAMES, dtype=torch.long),
        torch.full((FRAMES,), float(FRAMES)),
    )
    assert (found.roll.rad2deg() - roll).abs().max() < 1 + 0.2 * abs(roll)  # it is drawn towards a level camera


def test_who_lies_crouches_or_points_at_the_camera_says_nothing() -> None:
    body = standing()
    crouching = body.clone()
    crouching[PAPER19.indices(["left_ankle", "right_ankle"]), 1] -= 1.0
    crouching[PAPER19.indices(["left_knee", "right_knee"]), 2] -= 1.2
    lying = rotate(rotation_z(torch.tensor(math.pi / 2)), body)
    pointing = rotate(rotation_x(torch.tensor(math.pi / 2)), body)
    for other in (crouching, lying, pointing):
        _, precision = roll_by_leaning(lifted(other.expand(1, 2, -1, -1)), None)
        assert (precision * math.radians(LEAN_DEG) ** 2 < 0.05).all()


def test_who_stands_beside_somebody_who_lies_is_believed_half_as_much() -> None:
    body = standing()
    assert leaning(body, PAPER19)[1] > 0.9
    lying = rotate(rotation_z(torch.tensor(math.pi / 2)), body)
    both, one = (
        roll_by_leaning(lifted(torch.stack(pair)[None]), None)[1][0, 0] for pair in ((body, body), (body, lying))
    )
    assert one / both == pytest.approx(0.5, abs=0.01)


def test_who_is_not_there_says_nothing() -> None:
    people = lifted(standing().expand(1, 2, -1, -1))
    alone = Lifted.of(PAPER19, people.bodies, people.elevation, people.root_rays, 10.0, torch.tensor([[True, False]]))
    (_, precision), (_, whole) = roll_by_leaning(alone, None), roll_by_leaning(people, None)
    assert precision[0, 1] == 0 and precision[0, 0] == whole[0, 0]
