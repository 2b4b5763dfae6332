"""Batches of images: choosing, joining, and hiding what training may not see."""

import numpy as np
import pytest
import torch
from torch import Tensor

from duolift.geometry.cameras import Intrinsics
from duolift.geometry.scene_batch import SceneBatch

FIELDS = ("pixels", "focal", "principal", "radial", "tangential", "truth", "up")


def some(count: int, *names: str, truth: bool = True) -> SceneBatch:
    return SceneBatch(
        pixels=450 + 100 * torch.randn(count, 2, 19, 2),
        intrinsics=Intrinsics(
            focal=1100 + torch.randn(count, 2),
            principal=450 + torch.randn(count, 2),
            radial=0.1 * torch.randn(count, 3),
            tangential=0.01 * torch.randn(count, 2),
        ),
        sequence=torch.arange(count) % len(names),
        sequences=names,
        truth=torch.randn(count, 2, 19, 3) if truth else None,
        up=torch.randn(count, 3) if truth else None,
    )


def field(scenes: SceneBatch, name: str) -> Tensor:
    """A field of the scenes, or of the cameras that took them."""
    tensor = getattr(scenes, name, None)
    return getattr(scenes.intrinsics, name) if tensor is None else tensor


def names(scenes: SceneBatch) -> list[str]:
    return [scenes.sequences[i] for i in scenes.sequence]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(1, 4), [1, 2, 3]),
        (torch.tensor([4, 0]), [4, 0]),
        (torch.tensor([True, False, False, True, False]), [0, 3]),
    ],
    ids=["slice", "indices", "mask"],
)
def test_choosing_scenes_chooses_every_field(index: slice | torch.Tensor, expected: list[int]) -> None:
    scenes = some(5, "a", "b")
    chosen = scenes[index]
    assert len(chosen) == len(expected)
    assert names(chosen) == [names(scenes)[i] for i in expected]
    for name in FIELDS:
        assert torch.equal(field(chosen, name), field(scenes, name)[expected])


def test_a_camera_is_what_a_sequences_name_ends_in() -> None:
    scenes = some(6, "s02/Hug 1/b", "s02/Hug 1/a", "s03/Kick 2/b")
    assert scenes.cameras == ("a", "b")
    assert scenes.camera.tolist() == [1, 0, 1, 1, 0, 1]
    assert scenes[2:4].camera.tolist() == [1, 1]


def test_joining_keeps_every_scene_with_its_sequence() -> None:
    parts = [some(3, "a", "b"), some(2, "c"), some(4, "d", "e", "f")]
    joined = SceneBatch.concatenate(parts)
    assert len(joined) == 9
    assert joined.sequences == ("a", "b", "c", "d", "e", "f")
    assert names(joined) == [name for part in parts for name in names(part)]
    for name in FIELDS:
        assert torch.equal(field(joined, name), torch.cat([field(part, name) for part in parts]))


def test_joining_scenes_without_truth_leaves_them_without() -> None:
    joined = SceneBatch.concatenate([some(3, "a", truth=False), some(2, "b", truth=False)])
    assert joined.truth is None
    assert joined.up is None
    assert names(joined) == ["a", "a", "a", "b", "b"]


def test_without_truth_nothing_but_the_image_is_left() -> None:
    scenes = some(3, "a")
    hidden = scenes.without_truth()
    assert hidden.truth is None
    assert hidden.up is None
    assert hidden.pixels is scenes.pixels
    assert names(hidden) == names(scenes)
    assert len(hidden[:2]) == 2


@pytest.mark.parametrize("deviation", [0.0, 2.0, 10.0])
def test_a_detectors_noise_is_on_every_joint_and_its_generators(deviation: float) -> None:
    scenes = some(400, "a")
    one, same, other = (scenes.noisy(deviation, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    noise = one.pixels - scenes.pixels
    torch.testing.assert_close(noise.std(0), torch.full((2, 19, 2), deviation), rtol=0.2, atol=0)
    assert noise.mean().abs() <= 0.02 * deviation
    assert torch.equal(one.pixels, same.pixels) and torch.equal(one.pixels, other.pixels) == (deviation == 0)
    assert one.truth is scenes.truth and torch.equal(field(one, "focal"), field(scenes, "focal"))


def test_every_tensor_goes_to_the_device() -> None:
    moved = some(3, "a").to("meta")
    for name in (*FIELDS, "sequence"):
        assert field(moved, name).device.type == "meta"
    assert moved.sequences == ("a",)


def test_rays_are_those_of_every_joint_through_its_own_camera() -> None:
    scenes = some(4, "a")
    rays = scenes.rays
    assert rays.shape == scenes.pixels.shape
    for i, j in np.ndindex(4, 2):
        torch.testing.assert_close(rays[i, j], scenes.intrinsics[i].rays(scenes.pixels[i, j]))
    torch.testing.assert_close(scenes.without_truth()[2:].rays, rays[2:])


def test_scenes_with_and_without_truth_are_not_mixed() -> None:
    with pytest.raises(ValueError, match=r"some scenes have what others lack \(truth"):
        SceneBatch.concatenate([some(3, "a", truth=False), some(2, "b", truth=True)])
