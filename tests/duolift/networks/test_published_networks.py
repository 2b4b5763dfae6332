"""The networks as published: where their activations are, told by what the layers compute."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from duolift.body.skeleton import PAPER19
from duolift.networks import build_network
from duolift.networks.architecture import Architecture
from duolift.networks.part_networks import PartNetworks
from duolift.networks.published_networks import PublishedNetworks


def residual(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    """Linear, LeakyReLU, linear, LeakyReLU, added to the input."""
    hidden = x
    for layer in (0, 2):
        hidden = leaky_relu(
            hidden @ weights[f"{name}.layers.{layer}.weight"].mT + weights[f"{name}.layers.{layer}.bias"]
        )
    return x + hidden


@pytest.mark.parametrize("blocks", [1, 3])
def test_it_computes_what_the_published_description_says(blocks: int) -> None:
    network = build_network(PAPER19, Architecture(network="published", width=12, blocks=blocks))
    assert isinstance(network, PublishedNetworks)
    poses = torch.randn(6, len(PAPER19), 2)
    weights = {name.removeprefix("networks.whole."): value for name, value in network.state_dict().items()}
    features = poses.flatten(1) @ weights["trunk.0.weight"].mT + weights["trunk.0.bias"]  # no activation after the stem
    features = leaky_relu(residual(features, weights, "trunk.1"))
    outputs = {}
    for branch in ("depth", "angle"):
        hidden = features
        for block in range(blocks):
            hidden = leaky_relu(residual(hidden, weights, f"{branch}.{2 * block}"))
        outputs[branch] = hidden @ weights[f"{branch}.{2 * blocks}.weight"].mT + weights[f"{branch}.{2 * blocks}.bias"]
    expected = outputs["depth"]
    expected[:, PAPER19.root_index] = 0
    offsets, elevation = network(poses)
    torch.testing.assert_close(offsets[0], expected)
    torch.testing.assert_close(elevation, outputs["angle"].squeeze(-1))


def test_it_is_not_the_default_network() -> None:
    torch.manual_seed(0)
    published = build_network(PAPER19, Architecture(network="published", width=12, blocks=2))
    default = build_network(PAPER19, Architecture(width=12, blocks=2))
    assert isinstance(default, PartNetworks) and not isinstance(default, PublishedNetworks)
    count = [sum(weight.numel() for weight in network.parameters()) for network in (published, default)]
    assert count[0] == count[1], "activations have no weights"
    poses = torch.randn(6, len(PAPER19), 2)
    assert not torch.allclose(published(poses)[0], default(poses)[0])
