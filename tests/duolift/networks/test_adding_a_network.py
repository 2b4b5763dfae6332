"""A lifting network is one class and one entry: trained, packed, read, used and exported like the one that is there."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from duolift.body.skeleton import PAPER19, Skeleton
from duolift.errors import InputError
from duolift.export import TOLERANCE, export
from duolift.networks import NETWORKS, LiftingNetwork, build_network
from duolift.networks.architecture import Architecture
from duolift.networks.completion import strategies_of
from duolift.networks.flows import PoseFlow
from duolift.networks.people_lifter import PeopleLifter
from duolift.predictor import Lifter
from experiments.pack import architecture
from tests.conftest import fit, lifter_module, some_poses, trainer


class Linear(LiftingNetwork):
    """Depths and elevation as a linear function of the pose."""

    def __init__(self, skeleton: Skeleton, architecture: Architecture) -> None:
        super().__init__(skeleton, architecture)
        self.layer = nn.Linear(2 * len(skeleton), len(skeleton) + 1)

    def forward(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.layer(poses.flatten(-2))
        return (outputs[..., :-1] * self.free).unsqueeze(0), self.bounded(outputs[..., -1])


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "linear", Linear)


def test_a_network_from_outside_is_trained_packed_read_used_and_exported(tmp_path: Path) -> None:
    poses, path = some_poses(PAPER19, 64), tmp_path / "lifter.safetensors"
    module = lifter_module(network="linear", elevation_bound=1.0, centring="ray", weights={"augmentation": 1.0})
    module.attach_prior(nn.ModuleDict({"whole": PoseFlow(PAPER19, "whole", 1, 8, 2.0)}), poses)
    before = module(poses)[0]
    fit(module, poses, trainer())
    assert module(poses)[0].isfinite().all() and not torch.equal(module(poses)[0], before)

    people = PeopleLifter(architecture(module, None))
    people.network.load_state_dict(module.lifter.state_dict())
    people.fit(poses)
    Lifter(people).save(path)
    lifter = Lifter.load(path)
    assert isinstance(lifter.people.network, Linear)
    scene = lifter.lift(450 + 100 * np.random.default_rng(0).normal(size=(2, 25, 2)), format="chi3d")
    assert np.isfinite(scene.people).all()
    assert export(lifter.people, tmp_path / "lifter.pt2") <= TOLERANCE
    del NETWORKS["linear"]
    with pytest.raises(InputError, match="network is 'linear'; expected one of parts"):
        Lifter.load(path)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("low_precision", [False, True])
def test_every_network_is_what_a_lifting_network_is(network: str, low_precision: bool) -> None:
    made = build_network(PAPER19, Architecture(network, "whole", 16, 1, 1.0))
    made.low_precision = low_precision
    offsets, elevation = made(torch.randn(5, 3, 19, 2))
    assert offsets.shape == (made.ways, 5, 3, 19) and elevation.shape == (5, 3)
    assert not offsets[..., PAPER19.root_index].any() and (elevation.abs() <= 1).all()
    assert made.share.sum() == pytest.approx(1)
    of_ways = torch.randn(made.ways, 5, 19, 2)
    relifted = made.relift(of_ways)
    for way in range(made.ways):
        torch.testing.assert_close(relifted[way], made(of_ways[way])[0][way])
    offsets, elevation = made.predict(of_ways[0], flip=True)
    assert offsets.shape == (5, 19) and elevation.shape == (5,)


def test_what_a_network_without_parts_cannot_do_is_not_offered() -> None:
    assert strategies_of(Architecture("linear", "links")) == ("fill_lift",)
