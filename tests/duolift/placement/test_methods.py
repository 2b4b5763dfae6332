"""Placements are a table: one file and one entry makes a row of the ablation and a choice of the product."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from conftest import some_poses

from callbacks.rows import placement_options, rows_of
from callbacks.scoring import LiftedScenes, score_rows
from duolift.body.skeleton import PAPER19, WHOLE
from duolift.camera import Camera
from duolift.errors import InputError
from duolift.geometry.lifted import Lifted
from duolift.geometry.scene_batch import SceneBatch
from duolift.inputs.detections import JOINTS
from duolift.placement import DEFAULT_METHOD, METHODS
from duolift.placement.interface import Method, Placed, SceneCameras, Variant
from duolift.predictor import Lifter


@dataclass(frozen=True)
class AsFarAsTheyLook:
    """A placement from outside: everybody stays at the distance that their size in the image suggests."""

    height: float = 3.0

    camera_estimate = None
    keeps_bodies = True

    def __call__(self, lifted: Lifted, cameras: SceneCameras) -> Placed:
        lifted = lifted.without_invalid()
        roots = lifted.distance.unsqueeze(-1) * torch.nn.functional.pad(lifted.root_rays, (0, 1), value=1.0)
        scenes = lifted.distance.new_ones(len(lifted))
        up = scenes.unsqueeze(-1) * scenes.new_tensor([0.0, -1.0, 0.0])
        return Placed(
            lifted.bodies + roots.unsqueeze(-2), up, self.height * scenes, lifted.distance, lifted.valid.float()
        )


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> str:
    """The one entry."""
    placement = AsFarAsTheyLook()
    method = Method(placement, placement, (Variant("as far as they look", placement, on_perfect_lifts=placement),))
    monkeypatch.setitem(METHODS, "as-far", method)
    return "as-far"


def test_a_placement_from_outside_is_a_row(outside: str, scenes: SceneBatch, lifted: Lifted) -> None:
    rows = [row for row in rows_of(WHOLE) if row.name == "as far as they look"]
    assert [row.lifter for row in rows] == [WHOLE, "perfect lift"]
    (metrics,) = score_rows(rows[:1], [LiftedScenes(scenes, lifted)])
    described = rows[0].described(metrics)
    assert described["height"] == 3.0 and described["scale_about"] is None and np.isfinite(metrics["pa_mpjpe_mm"])
    assert "height" in placement_options()


def test_a_placement_from_outside_is_a_choice_of_the_product(outside: str, lifter: Lifter) -> None:
    poses = some_poses(JOINTS, 4).view(2, 2, len(JOINTS), 2)
    keypoints, camera = 500 + 1000 * poses.numpy(), Camera(focal=1000.0, image=(1000, 1000))
    scene = lifter.lift(keypoints, camera=camera, placement=outside)
    other = lifter.lift(keypoints, camera=camera)
    assert np.isfinite(scene.people).all() and not np.allclose(scene.people, other.people)
    np.testing.assert_allclose(scene.up, np.tile([0.0, -1.0, 0.0], (2, 1)))
    with pytest.raises(InputError, match="placement 'nowhere' is unknown; expected one of paper, ground, fit, as-far"):
        lifter.lift(keypoints, camera=camera, placement="nowhere")


@pytest.mark.parametrize("name", METHODS)
def test_every_placement_keeps_its_contract(name: str, lifted: Lifted) -> None:
    """Shapes, unit vectors, nothing of people who are not valid; a key of its camera that is a key."""
    valid = lifted.valid.clone()
    valid[::2, 1] = False
    spoilt = Lifted.of(
        PAPER19,
        lifted.bodies.masked_fill(~valid[..., None, None], torch.nan),
        lifted.elevation.masked_fill(~valid, torch.nan),
        lifted.root_rays.masked_fill(~valid[..., None], torch.nan),
        lifted.distance,
        valid,
        root_rows=lifted.root_rows,
    )
    sequence = torch.zeros(len(lifted), dtype=torch.long)
    for placement, cameras in (
        (METHODS[name].image, SceneCameras()),
        (METHODS[name].video, SceneCameras(sequence)),
    ):
        hash(placement.camera_estimate)
        placed = placement(spoilt, cameras)
        assert placed.people.shape == lifted.bodies.shape and placed.people[valid].isfinite().all()
        assert placed.depth.shape == placed.confidence.shape == valid.shape
        assert (placed.confidence[~valid] == 0).all() and placed.height.isfinite().all()
        torch.testing.assert_close(placed.up.norm(dim=-1), torch.ones(len(lifted)))


def test_the_default_is_there() -> None:
    assert DEFAULT_METHOD in METHODS and all(isinstance(method, Method) for method in METHODS.values())
