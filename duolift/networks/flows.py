"""Normalizing flows over 2D poses: LInKs' coupling flow, built on nflows.

    log p(x) = log N(f(x); 0, I) + log |det df/dx|

f standardises the pose and then repeats one block: an affine coupling with a clamped scale, a learned
affine map of every dimension, and a fixed random rotation that mixes them for the next block. The root
of a centred pose is always (0, 0), a dimension of unbounded density, so no flow ever sees it.

This is the only module that imports nflows.
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.transforms import CompositeTransform, PointwiseAffineTransform, Transform
from torch import Tensor, nn

from duolift.body.skeleton import Skeleton


class CouplingBlock(Transform):
    """Affine coupling, per-dimension affine map, fixed rotation.

    The first half x1 of the input sets scale and shift of the second: `y2 = x2 exp(clamp tanh(s)) + t`
    with (s, t) = subnet(x1). Unlike nflows' own coupling, the scale can grow as well as shrink.

    Args:
        dimensions: of the input.
        width: of the subnet's one hidden layer.
        clamp: bound on the log-scale.
        rotation: (dimensions, dimensions), orthogonal with determinant 1.
    """

    rotation: Tensor

    def __init__(self, dimensions: int, width: int, clamp: float, rotation: Tensor) -> None:
        super().__init__()
        self.kept, self.changed, self.clamp = dimensions // 2, dimensions - dimensions // 2, clamp
        last = nn.Linear(width, 2 * self.changed)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.subnet = nn.Sequential(nn.Linear(self.kept, width), nn.ReLU(inplace=True), last)
        self.log_scale = nn.Parameter(torch.zeros(dimensions))
        self.shift = nn.Parameter(torch.zeros(dimensions))
        self.register_buffer("rotation", rotation)

    @property
    def layers(self) -> tuple[nn.Linear, nn.Linear]:
        """The subnet's, before and after its hidden units."""
        return cast(nn.Linear, self.subnet[0]), cast(nn.Linear, self.subnet[2])

    def forward(self, inputs: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(batch, dimensions) -> the same, and log |det| (batch,)."""
        kept, changed = inputs.split([self.kept, self.changed], dim=-1)
        log_scale, shift = self._coupling(kept)
        mixed = torch.cat([kept, torch.addcmul(shift, changed, log_scale.exp())], dim=-1)
        outputs = torch.addmm(self.shift, mixed, self.log_scale.exp().unsqueeze(-1) * self.rotation)
        return outputs, log_scale.sum(-1) + self.log_scale.sum()

    def inverse(self, inputs: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        mixed = (inputs - self.shift) @ self.rotation.mT * (-self.log_scale).exp()
        kept, changed = mixed.split([self.kept, self.changed], dim=-1)
        log_scale, shift = self._coupling(kept)
        outputs = torch.cat([kept, (changed - shift) * (-log_scale).exp()], dim=-1)
        return outputs, -log_scale.sum(-1) - self.log_scale.sum()

    def _coupling(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = self.subnet(kept).chunk(2, dim=-1)
        return self.clamp * raw.tanh(), shift


class PoseFlow(nn.Module):
    """The density of a part's 2D poses.

    Args:
        skeleton: of the poses it is given.
        part: which of the skeleton's parts it scores.
        blocks, width, clamp: see `CouplingBlock`.
    """

    joints: Tensor

    def __init__(self, skeleton: Skeleton, part: str, blocks: int, width: int, clamp: float) -> None:
        super().__init__()
        joints = [j for j in skeleton.part(part) if j != skeleton.root_index]
        self.size, self.root = len(skeleton), skeleton.root_index
        self.dimensions = 2 * len(joints)
        self.register_buffer("joints", torch.tensor(joints), persistent=False)
        standardise = PointwiseAffineTransform(torch.zeros(self.dimensions), torch.ones(self.dimensions))
        couplings = [
            CouplingBlock(self.dimensions, width, clamp, random_rotation(self.dimensions)) for _ in range(blocks)
        ]
        self.flow = Flow(CompositeTransform([standardise, *couplings]), StandardNormal([self.dimensions]))

    @property
    def standardisation(self) -> PointwiseAffineTransform:
        """The fixed first map."""
        return cast(PointwiseAffineTransform, self.flow._transform._transforms[0])

    @property
    def couplings(self) -> list[CouplingBlock]:
        """What is learned, in the order of use."""
        return [cast(CouplingBlock, block) for block in self.flow._transform._transforms[1:]]

    @torch.no_grad()
    def standardise(self, poses: Tensor) -> None:
        """Set the fixed first map so that these poses (pose, joint, 2) have mean 0 and deviation 1."""
        flat = self._flatten(poses)
        first = self.standardisation
        deviation = flat.std(0).clamp(min=1e-6)
        first._scale.copy_(1 / deviation)
        first._shift.copy_(-flat.mean(0) / deviation)

    def log_prob(self, poses: Tensor) -> Tensor:
        """Log-likelihood in nats of poses (..., joint, 2) -> (...)."""
        flat = self._flatten(poses)
        return cast(Tensor, self.flow.log_prob(flat.reshape(-1, self.dimensions))).view(flat.shape[:-1])

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        """Draw poses (count, joint, 2); joints outside the part are at the root."""
        return self._unflatten(self.flow.sample(count))

    @torch.no_grad()
    def perturb(self, poses: Tensor, strength: float) -> Tensor:
        """LInKs' generative sampling: neighbours `z' = z + strength * eps * z` of poses (batch, joint, 2)."""
        z = self.flow.transform_to_noise(self._flatten(poses))
        neighbours, _ = self.flow._transform.inverse(z + strength * torch.randn_like(z) * z)
        return self._unflatten(neighbours)

    def _flatten(self, poses: Tensor) -> Tensor:
        return poses[..., self.joints, :].flatten(-2)

    def _unflatten(self, flat: Tensor) -> Tensor:
        poses = flat.new_zeros(*flat.shape[:-1], self.size, 2)
        poses[..., self.joints, :] = flat.unflatten(-1, (-1, 2))
        return poses


class FrozenFlows(nn.Module):
    """Flows of one skeleton that learn no longer, scoring as one: what small ones cost is the number of operations.

    A flow of fewer dimensions than the largest has others that stay 0, and a narrower one units that do.

    Args:
        flows: of as many blocks; what they know is copied.
    """

    seen: Tensor
    scale: Tensor
    shift: Tensor
    constant: Tensor

    def __init__(self, flows: Sequence[PoseFlow]) -> None:
        super().__init__()
        half = max(flow.dimensions for flow in flows) // 2
        width = max(block.layers[0].out_features for flow in flows for block in flow.couplings)
        aligned = zip(*(flow.couplings for flow in flows), strict=True)
        self.blocks = nn.Sequential(*(_FrozenBlocks(blocks, half, width) for blocks in aligned))
        first = [flow.standardisation for flow in flows]
        numbers = [(2 * flow.joints.unsqueeze(-1) + flow.joints.new_tensor([0, 1])).flatten() for flow in flows]
        _remember(self, "seen", [_in_halves(of_flow, half) for of_flow in numbers])
        _remember(self, "scale", [_in_halves(one._scale, half).unsqueeze(0) for one in first])
        _remember(self, "shift", [_in_halves(one._shift, half).unsqueeze(0) for one in first])
        _remember(self, "constant", [_constant(flow) for flow in flows])

    def log_prob(self, poses: Tensor) -> Tensor:
        """Log-likelihoods in nats of poses (..., joint, 2) -> (flow, ...)."""
        flat = poses.flatten(-2)[..., self.seen].movedim(-2, 0)  # (flow, ..., dimension)
        rows = flat.reshape(len(flat), -1, flat.shape[-1])
        outputs, log_det = self.blocks((rows * self.scale + self.shift, self.constant))
        return (log_det - 0.5 * outputs.square().sum(-1)).view(flat.shape[:-1])


class _FrozenBlocks(nn.Module):
    """A `CouplingBlock` of every flow, in halves of one size: what is kept, and what is changed."""

    def __init__(self, blocks: Sequence[CouplingBlock], half: int, width: int) -> None:
        super().__init__()
        firsts, lasts = zip(*(block.layers for block in blocks), strict=True)
        maps = [block.log_scale.exp().unsqueeze(-1) * block.rotation for block in blocks]
        _remember(self, "clamp", [block.shift.new_full((1, 1), block.clamp) for block in blocks])
        _remember(self, "first", [_padded(_padded(layer.weight, half).mT, width) for layer in firsts])
        _remember(self, "first_bias", [_padded(layer.bias, width).unsqueeze(0) for layer in firsts])
        _remember(self, "last", [_in_halves(_padded(layer.weight, width).mT, half) for layer in lasts])
        _remember(self, "last_bias", [_in_halves(layer.bias, half).unsqueeze(0) for layer in lasts])
        _remember(self, "map", [_in_halves(_in_halves(one, half).mT, half).mT for one in maps])
        _remember(self, "map_bias", [_in_halves(block.shift, half).unsqueeze(0) for block in blocks])

    def forward(self, given: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """(flow, pose, dimension) and log |det| so far (flow, pose) -> the same."""
        known = self.get_buffer
        kept, changed = given[0].chunk(2, dim=-1)
        hidden = torch.baddbmm(known("first_bias"), kept, known("first")).relu_()
        raw, shift = torch.baddbmm(known("last_bias"), hidden, known("last")).chunk(2, dim=-1)
        log_scale = known("clamp") * raw.tanh()
        mixed = torch.cat([kept, torch.addcmul(shift, changed, log_scale.exp())], dim=-1)
        return torch.baddbmm(known("map_bias"), mixed, known("map")), given[1] + log_scale.sum(-1)


def _remember(module: nn.Module, name: str, of_flows: Sequence[Tensor]) -> None:
    """Keep a tensor of every flow, (flow, ...), which moves with the module and is no part of its state."""
    module.register_buffer(name, torch.stack(list(of_flows)).detach().contiguous(), persistent=False)


def _constant(flow: PoseFlow) -> Tensor:
    """What a log-likelihood has in it whatever the pose, (1,)."""
    log_scales = [flow.standardisation._log_scale, *(block.log_scale for block in flow.couplings)]
    return torch.cat(log_scales).sum(0, keepdim=True) - flow.dimensions * math.log(2 * math.pi) / 2


def _padded(values: Tensor, size: int) -> Tensor:
    """(..., n) -> (..., size), zeros behind."""
    return nn.functional.pad(values, (0, size - values.shape[-1]))


def _in_halves(values: Tensor, half: int) -> Tensor:
    """(..., two halves) -> (..., two halves of that size), zeros behind each."""
    return torch.cat([_padded(part, half) for part in values.chunk(2, dim=-1)], dim=-1)


def random_rotation(dimensions: int) -> Tensor:
    """A rotation drawn uniformly from SO(dimensions)."""
    q, r = torch.linalg.qr(torch.randn(dimensions, dimensions))
    q = q * r.diagonal().sign()
    q[:, 0] *= torch.linalg.det(q).sign()
    return q
