"""Stage two: learn depth and elevation by making turned, reprojected poses likely."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from duolift.body.skeleton import WHOLE, skeleton_named
from duolift.bounds import NotNegative, check_bounds
from duolift.geometry.noise import centred_noise
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.projection import lift, project
from duolift.learning import losses
from duolift.learning.augmentation import Augmentation
from duolift.learning.cycle import Cycle, cycle, random_views
from duolift.networks.flows import FrozenFlows, PoseFlow
from duolift.networks.lifters import LiftingNetwork, parts_of
from lightning_modules.optimisation import Averaging, adam, of_all_processes, randomly_mirrored


@dataclass
class LossWeights:
    """Weight of every term of the loss; 0 leaves a term out. LInKs' and ElePose's values.

    Attributes:
        likelihood: negative log-likelihood of the turned, reprojected pose under the flows.
        reprojection: L1 between input and cycled 2D pose.
        consistency: L2 between turned and re-lifted 3D pose.
        deformation: change of the difference between two poses over the cycle.
        bone: deviation of the bones' length ratios from fixed ones.
        augmentation: lifting people made of lifted ones, as they are known to be; no term of LInKs or ElePose.
    """

    likelihood: NotNegative[float] = 1.0
    reprojection: NotNegative[float] = 1.0
    consistency: NotNegative[float] = 1.0
    deformation: NotNegative[float] = 1.0
    bone: NotNegative[float] = 50.0
    augmentation: NotNegative[float] = 0.0

    def __post_init__(self) -> None:
        check_bounds(self)


class LifterModule(Averaging):
    """A lifting network and how it learns without 3D labels.

    Args:
        skeleton: name of the skeleton of the poses.
        scale, c, centring: the `Normalisation` that the poses were made with.
        bone_ratios: prior length of every bone of the skeleton over their mean.
        split: a key of `duolift.networks.lifters.SPLITS`.
        width, blocks: of the networks.
        elevation_bound: largest elevation in radians, or None for no bound.
        initial_elevation: radians that untrained networks start near; see `duolift.networks.lifters.LiftingNetwork`.
        half: bfloat16 in the networks' matrix products.
        weights: a `LossWeights`, as a plain dictionary.
        azimuth: turns about the vertical are uniform in +-azimuth, radians.
        attached: gradients also reach the elevations through the views that are drawn as they are distributed, as in
            ElePose and LInKs; the likelihood then pulls every elevation towards the likeliest.
        mirror: also train on mirrored poses.
        sampling: strength of LInKs' generative sampling, which doubles the batch; 0 leaves it out.
        noise: the networks see training poses with Gaussian noise, of a deviation that is uniform between 0
            and this, in head lengths, for every pose.
        augmentation: an `Augmentation`, as a plain dictionary; it makes other people where its loss has a weight.
        likelihoods: parts whose flows score the views; None takes the lifter's own parts.
        flip_test: lift every pose and its mirror image, and take the mean.
        learning_rate, schedule, decay, weight_decay: Adam's; see `lightning_modules.optimisation.adam`.
    """

    def __init__(
        self,
        skeleton: str,
        scale: float,
        c: float,
        bone_ratios: list[float],
        split: str = "whole",
        centring: str = "shift",
        width: int = 1024,
        blocks: int = 3,
        elevation_bound: float | None = None,
        initial_elevation: float = 0.0,
        half: bool = False,
        weights: dict[str, float] | None = None,
        azimuth: float = torch.pi,
        attached: bool = True,
        mirror: bool = False,
        sampling: float = 0.0,
        noise: float = 0.0,
        augmentation: dict[str, float] | None = None,
        likelihoods: list[str] | None = None,
        flip_test: bool = False,
        learning_rate: float = 2e-4,
        schedule: str = "exponential",
        decay: float = 0.95,
        weight_decay: float = 1e-5,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.skeleton = skeleton_named(skeleton)
        self.normalisation = Normalisation(scale, c, centring)
        self.lifter = LiftingNetwork(self.skeleton, split, width, blocks, elevation_bound, half, initial_elevation)
        self.weights = LossWeights(**(weights or {}))
        self.augmentation = Augmentation(**(augmentation or {}))
        self.azimuth, self.attached, self.mirror, self.sampling = azimuth, attached, mirror, sampling
        self.noise, self.flip_test, self.scored = noise, flip_test, tuple(likelihoods or parts_of(split))
        self.learning_rate, self.schedule, self.decay = learning_rate, schedule, decay
        self.weight_decay = weight_decay
        bones = [self.skeleton.indices(bone) for bone in self.skeleton.bones]
        self.register_buffer("bones", torch.tensor(bones), persistent=False)
        self.register_buffer("ratios", torch.tensor(bone_ratios), persistent=False)
        self.flows: nn.ModuleDict | None = None
        self.judges: FrozenFlows | None = None
        self.register_buffer("typical", None, persistent=False)
        self.surprise: dict[str, Tensor] = {}
        self.strict_loading = False

    def learn_from(self, flows: nn.ModuleDict, poses: Tensor) -> Self:
        """Take the frozen flows that score this module's views, and poses to know a typical score by.

        The flows are the earlier stage's: they are no part of this module's checkpoints.
        """
        self.flows = flows.eval().requires_grad_(False)
        self.judges = FrozenFlows([self._flow(part) for part in self.scored])
        with torch.no_grad():
            self.register_buffer("typical", -self.judges.log_prob(poses).mean(-1), persistent=False)
        return self

    def forward(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised poses (..., joint, 2) -> bodies (..., joint, 3) and elevations (...) in radians."""
        offsets, theta = self.lifter.predict(poses, self.flip_test)
        return lift(poses, offsets, self.normalisation.c), theta

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        loss, terms, theta = self.loss(self.varied(batch))
        elevation = {
            "train/elevation_mean_deg": theta.mean().rad2deg(),
            "train/elevation_std_deg": theta.std().rad2deg(),
        }
        self.averaged(self._named("train", loss, terms) | elevation)
        return loss

    def validation_step(self, batch: Tensor, batch_index: int) -> None:
        loss, terms, _ = self.loss(batch)
        self.log_dict(self._named("val", loss, terms), sync_dist=True)

    def _named(self, stage: str, loss: Tensor, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """A loss, its terms and the likelihood by part of the body, as they are logged."""
        parts = {f"likelihood_{part}_nats": value for part, value in self.surprise.items()}
        return {f"{stage}/{name}": value for name, value in (terms | parts | {"loss": loss}).items()}

    def varied(self, batch: Tensor) -> Tensor:
        """A batch (batch, joint, 2) as it is trained on: poses mirrored, neighbours drawn beside them."""
        poses = randomly_mirrored(batch, self.skeleton) if self.mirror else batch
        return torch.cat([poses, self._flow(WHOLE).perturb(poses, self.sampling)]) if self.sampling else poses

    def loss(self, poses: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """The weighted loss of poses (batch, joint, 2), its unweighted terms, and the elevations (batch,)."""
        with self.lifter.shared_casts(poses):
            offsets, theta = self.lifter(self._noisy(poses, self.noise))
            everybody = of_all_processes(self, theta if self.attached else theta.detach())
            views = random_views(theta, self.azimuth, self.attached, everybody)
            seen = cycle(self._relift, poses, offsets, views, self.normalisation.c)
            terms = self._terms(poses, seen)
            if self.weights.augmentation:
                terms["augmentation"] = self._unlike(seen.body.detach(), theta.detach())
        weights = asdict(self.weights)
        return torch.stack([weights[name] * value for name, value in terms.items()]).sum(), terms, theta

    def _relift(self, turned: Tensor) -> Tensor:
        """Offsets (way, batch, joint) of turned poses (way, batch, joint, 2), as detectors would find them."""
        return self.lifter.relift(self._noisy(turned, self.noise))

    @torch.no_grad()
    def held_out(self, poses: Tensor) -> dict[str, float]:
        """The loss terms of held-out poses, unweighted, and `total`, weighted: a criterion without 3D.

        Poses are lifted as they are in use, and seen from the same views every time; empty where no flows were given.
        """
        if self.flows is None:
            return {}
        poses, c, weights = poses.to(self.device), self.normalisation.c, asdict(self.weights)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            offsets, theta = self.lifter.predict(poses, self.flip_test)
            views = random_views(theta, self.azimuth)
            seen = cycle(self._again, poses, offsets.unsqueeze(0), views, c)
        terms = {name: value.item() for name, value in self._terms(poses, seen).items()}
        return terms | {"total": sum(weights[name] * value for name, value in terms.items())}

    def _again(self, turned: Tensor) -> Tensor:
        """Offsets (1, batch, joint) of turned poses (1, batch, joint, 2), lifted as in use."""
        offsets: Tensor = self.lifter.predict(turned, self.flip_test)[0]
        return offsets

    def _terms(self, poses: Tensor, seen: Cycle) -> dict[str, Tensor]:
        """Every term, summed over the ways to assemble a pose; `surprise` tells the likelihood by part."""
        ways = len(seen.body)
        surprise = self._surprise(seen.seen)
        self.surprise = dict(zip(self.scored, surprise.detach(), strict=True))
        ratios, bones = self.get_buffer("ratios"), self.get_buffer("bones")
        return {
            "likelihood": surprise.sum(),
            "reprojection": ways * losses.reprojection(poses, seen.back),
            "consistency": ways * losses.consistency(seen.turned, seen.relifted),
            "deformation": ways * losses.deformation(seen.body, seen.returned),
            "bone": ways * losses.bone_prior(seen.body, bones, ratios),
        }

    def _unlike(self, bodies: Tensor, theta: Tensor) -> Tensor:
        """The loss of people made of lifted bodies (way, batch, joint, 3), summed over the ways to assemble a pose."""
        body = torch.einsum("w,w...->...", self.lifter.share, bodies)
        other, other_theta = self.augmentation(body, theta, self.skeleton)
        poses = project(other, self.normalisation.c)
        offsets, found = self.lifter(poses)
        terms = losses.known(lift(poses, offsets, self.normalisation.c), other, found, other_theta)
        return len(bodies) * torch.stack(list(terms.values())).sum()

    def _surprise(self, poses: Tensor) -> Tensor:
        """Nats by which poses (way, batch, joint, 2) are less likely than typical ones, (part,), summed over ways."""
        if self.judges is None:
            raise RuntimeError("no flows: call learn_from with the pre-trained flows first")
        return (-self.judges.log_prob(poses).mean(-1) - self.get_buffer("typical").unsqueeze(-1)).sum(-1)

    def _noisy(self, poses: Tensor, most: float) -> Tensor:
        """Poses (..., joint, 2) as a detector finds them, off by at most this deviation; unchanged outside training."""
        if not (most and self.training):
            return poses
        deviation = most / self.normalisation.c * torch.rand_like(poses[..., 0, 0])
        return poses + centred_noise(poses, deviation, self.skeleton.root_index)

    def _flow(self, part: str) -> PoseFlow:
        if self.flows is None or part not in self.flows:
            raise RuntimeError(f"no flow of the part {part!r}: call learn_from with the pre-trained flows first")
        flow = self.flows[part]
        assert isinstance(flow, PoseFlow)
        return flow

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        weights = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: value for name, value in weights.items() if not name.startswith("flows.")}

    def configure_optimizers(self) -> Any:
        return adam(self, self.lifter.parameters(), self.learning_rate, self.schedule, self.decay, self.weight_decay)
