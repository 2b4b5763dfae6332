"""Normalizing flows over 2D poses: LInKs' coupling flow, built on nflows (https://github.com/bayesiains/nflows).

    log p(x) = log N(f(x); 0, I) + log |det df/dx|

f standardises the pose and then repeats one block: an affine coupling with a clamped scale (Real NVP,
https://arxiv.org/abs/1605.08803), a learned affine map of every dimension (Glow's ActNorm,
https://arxiv.org/abs/1807.03039), and a fixed random rotation that mixes the dimensions for the next block. The root of
a centred pose is always (0, 0), a dimension of unbounded density, so no flow ever sees it.

This is the only module that imports nflows.
"""

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

    >>> import torch
    >>> block = CouplingBlock(dimensions=4, width=8, clamp=2.0, rotation=torch.eye(4))
    >>> outputs, log_det = block(torch.ones(1, 4))
    >>> outputs.tolist(), log_det.tolist()  # a new block is the identity, up to its rotation
    ([[1.0, 1.0, 1.0, 1.0]], [0.0])

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
        first = nn.Linear(self.kept, width)
        # Stored by columns, its gradient is a product of the other order, which takes half as long on a CPU.
        first.weight.data = first.weight.data.t().contiguous().t()
        self.subnet = nn.Sequential(first, nn.ReLU(inplace=True), last)
        self.log_scale = nn.Parameter(torch.zeros(dimensions))
        self.shift = nn.Parameter(torch.zeros(dimensions))
        self.register_buffer("rotation", rotation)

    @property
    def layers(self) -> tuple[nn.Linear, nn.Linear]:
        """The subnet's two linear layers, before and after its hidden units."""
        return cast(nn.Linear, self.subnet[0]), cast(nn.Linear, self.subnet[2])

    def forward(self, inputs: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Inputs (batch, dimensions) -> outputs of that shape, and log |det| (batch,)."""
        kept, changed = inputs.split([self.kept, self.changed], dim=-1)
        log_scale, shift = self._coupling(kept)  # (batch, changed) both
        mixed = torch.cat([kept, torch.addcmul(shift, changed, log_scale.exp())], dim=-1)
        # the affine map of every dimension and the rotation are one matrix: (x e^s) R + b = x (diag(e^s) R) + b
        outputs = torch.addmm(self.shift, mixed, self.log_scale.exp().unsqueeze(-1) * self.rotation)
        return outputs, log_scale.sum(-1) + self.log_scale.sum()

    def inverse(self, inputs: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Undo `forward`: outputs (batch, dimensions) -> inputs, and log |det| of the inverse (batch,)."""
        mixed = (inputs - self.shift) @ self.rotation.mT * (-self.log_scale).exp()
        kept, changed = mixed.split([self.kept, self.changed], dim=-1)
        log_scale, shift = self._coupling(kept)
        outputs = torch.cat([kept, (changed - shift) * (-log_scale).exp()], dim=-1)
        return outputs, -log_scale.sum(-1) - self.log_scale.sum()

    def _coupling(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = self.subnet(kept).chunk(2, dim=-1)
        return self.clamp * raw.tanh(), shift


class PoseFlow(nn.Module):
    """The density of the 2D poses of one part of the body.

    >>> import torch
    >>> from duolift.body.skeleton import PAPER19
    >>> flow = PoseFlow(PAPER19, "legs", blocks=2, width=8, clamp=2.0)
    >>> flow.dimensions  # of six joints: the pelvis is the root, which no flow sees
    12
    >>> round(flow.log_prob(torch.zeros(19, 2)).item(), 3)  # an untrained flow is a unit Gaussian: -6 log(2 pi) here
    -11.027

    Args:
        skeleton: of the poses that it is given.
        part: a key of `Skeleton.parts`.
        blocks: how many `CouplingBlock`.
        width, clamp: see `CouplingBlock`.
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
        """The learned blocks, in the order of use."""
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
        # eps ~ N(0, 1) of each latent dimension: common poses, near z = 0, move least
        z = self.flow.transform_to_noise(self._flatten(poses))
        neighbours, _ = self.flow._transform.inverse(z + strength * torch.randn_like(z) * z)
        return self._unflatten(neighbours)

    def _flatten(self, poses: Tensor) -> Tensor:
        return poses[..., self.joints, :].flatten(-2)

    def _unflatten(self, flat: Tensor) -> Tensor:
        poses = flat.new_zeros(*flat.shape[:-1], self.size, 2)
        poses[..., self.joints, :] = flat.unflatten(-1, (-1, 2))
        return poses


def random_rotation(dimensions: int) -> Tensor:
    """A rotation drawn uniformly from SO(dimensions), by the QR decomposition of a Gaussian matrix.

    >>> import torch
    >>> rotation = random_rotation(5)
    >>> torch.allclose(rotation @ rotation.mT, torch.eye(5), atol=1e-5), round(torch.det(rotation).item(), 4)
    (True, 1.0)
    """
    q, r = torch.linalg.qr(torch.randn(dimensions, dimensions))
    q = q * r.diagonal().sign()  # without this, Q is not uniform: its columns' signs are LAPACK's choice
    q[:, 0] *= torch.linalg.det(q).sign()
    return q
