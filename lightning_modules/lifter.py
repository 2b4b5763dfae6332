"""Stage two: learn depth and elevation by making turned, reprojected poses likely."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Self

import torch
from torch import Tensor, nn

from duolift.body.skeleton import WHOLE, skeleton_named
from duolift.geometry.noise import centred_noise
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.projection import lift, project
from duolift.learning import losses
from duolift.learning.cycle import Cycle, cycle, random_views
from duolift.learning.objective import CYCLE_TERMS, Objective, cycle_terms
from duolift.networks import build_network
from duolift.networks.architecture import Architecture
from duolift.networks.flows import PoseFlow
from duolift.networks.frozen_flows import FrozenFlows
from duolift.networks.splits import parts_of
from lightning_modules.optimisation import OptimiserSettings, StageModule, adam, gather_processes, randomly_mirrored


class LifterModule(StageModule):
    """A lifting network and how it learns without 3D labels.

    Each argument that has settings of its own is a dataclass, or the plain values of one as checkpoints hold it.

    >>> from duolift.body.skeleton import PAPER19
    >>> module = LifterModule(
    ...     "paper19",
    ...     normalisation=Normalisation(scale=0.1, c=10.0, centring="ray"),
    ...     architecture=Architecture(width=8, blocks=1),
    ...     objective=Objective(bone_ratios=(1.0,) * len(PAPER19.bones)),
    ... )
    >>> bodies, elevation = module(torch.zeros(5, 19, 2))
    >>> bodies.shape, elevation.shape
    (torch.Size([5, 19, 3]), torch.Size([5]))

    Args:
        skeleton: name of the skeleton of the poses.
        normalisation: what the poses were made with.
        architecture: of the lifting network.
        objective: what is learned from which views of which poses.
        optimiser: None for the defaults.
        flip_test: in use, lift every pose and its mirror image, and take the mean.
        half: run the network's matrix products in bfloat16.

    Attributes:
        nll: part -> how much less likely the last batch's views were than training poses, in nats, summed over the ways
            to lift a pose.
    """

    def __init__(
        self,
        skeleton: str,
        normalisation: Normalisation | dict[str, Any],
        architecture: Architecture | dict[str, Any],
        objective: Objective | dict[str, Any],
        optimiser: OptimiserSettings | dict[str, Any] | None = None,
        flip_test: bool = False,
        half: bool = False,
    ) -> None:
        super().__init__()
        self.skeleton = skeleton_named(skeleton)
        self.normalisation = Normalisation(**normalisation) if isinstance(normalisation, dict) else normalisation
        self.architecture = Architecture(**architecture) if isinstance(architecture, dict) else architecture
        self.objective = Objective.from_plain(objective) if isinstance(objective, dict) else objective
        given = OptimiserSettings() if optimiser is None else optimiser
        self.optimiser = OptimiserSettings(**given) if isinstance(given, dict) else given
        self.flip_test = flip_test
        self.save_hyperparameters(
            {
                "skeleton": skeleton,
                "normalisation": asdict(self.normalisation),
                "architecture": asdict(self.architecture),
                "objective": self.objective.plain(),
                "optimiser": asdict(self.optimiser),
                "flip_test": flip_test,
                "half": half,
            }
        )
        self.lifter = build_network(self.skeleton, self.architecture)
        self.lifter.low_precision = half
        bones = [self.skeleton.indices(bone) for bone in self.skeleton.bones]
        self.register_buffer("bones", torch.tensor(bones), persistent=False)
        self.register_buffer("ratios", torch.tensor(self.objective.bone_ratios), persistent=False)
        self.flows: nn.ModuleDict | None = None
        self.prior: FrozenFlows | None = None
        self.register_buffer("nll_baseline", None, persistent=False)
        self.nll: dict[str, Tensor] = {}
        self.strict_loading = False  # the flows are no part of the checkpoints that training goes on from

    @property
    def scored_parts(self) -> tuple[str, ...]:
        """The parts whose flows score the views."""
        return self.objective.parts or parts_of(self.architecture.split)

    def attach_prior(self, flows: nn.ModuleDict, poses: Tensor) -> Self:
        """Take the pre-trained flows that score this module's views.

        The flows are frozen, and no part of this module's checkpoints.

        Args:
            flows: part -> `PoseFlow`.
            poses: (pose, joint, 2), some training poses. Their mean negative log-likelihood is the baseline that is
                subtracted from that of views, which makes the values of runs with other flows comparable.

        Raises:
            RuntimeError: a part that is to be scored has no flow.
        """
        self.flows = flows.eval().requires_grad_(False)
        self.prior = FrozenFlows([self._flow(part) for part in self.scored_parts])
        with torch.no_grad():
            self.register_buffer("nll_baseline", -self.prior.log_prob(poses).mean(-1), persistent=False)  # (part,)
        return self

    def forward(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Lift normalised poses (..., joint, 2) as in use.

        Returns:
            bodies (..., joint, 3) in head lengths, centred on their roots, and elevations (...) in radians.
        """
        offsets, theta = self.lifter.predict(poses, self.flip_test)
        return lift(poses, offsets, self.normalisation.c), theta

    def losses(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        loss, terms, theta = self.loss(self.augment(batch))
        elevation = {
            "train/elevation_mean_deg": theta.mean().rad2deg(),
            "train/elevation_std_deg": theta.std().rad2deg(),
        }
        return loss, self._named("train", loss, terms) | elevation

    def validation_step(self, batch: Tensor, batch_index: int) -> None:
        loss, terms, _ = self.loss(batch)
        self.log_dict(self._named("val", loss, terms), sync_dist=True)

    def _named(self, stage: str, loss: Tensor, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """A loss, its terms and the likelihood by part of the body, as they are logged."""
        parts = {f"likelihood_{part}_nats": value for part, value in self.nll.items()}
        return {f"{stage}/{name}": value for name, value in (terms | parts | {"loss": loss}).items()}

    def augment(self, batch: Tensor) -> Tensor:
        """Poses (batch, joint, 2) as they are trained on: some mirrored, and neighbours drawn beside them."""
        poses, sampling = batch, self.objective.sampling
        if self.objective.mirror:
            poses = randomly_mirrored(poses, self.skeleton)
        return torch.cat([poses, self._flow(WHOLE).perturb(poses, sampling)]) if sampling else poses

    def loss(self, poses: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """The weighted loss of poses (batch, joint, 2), its unweighted terms, and the elevations (batch,).

        Terms whose weight is 0 are not computed, and not among the terms.
        """
        objective, wanted = self.objective, self.objective.weights.terms
        with self.lifter.shared_casts(poses):
            offsets, theta = self.lifter(self._noisy(poses))  # (way, batch, joint), (batch,)
            everybody = gather_processes(self, theta if objective.attached or objective.elevations else theta.detach())
            views = random_views(theta, objective.azimuth, objective.attached, everybody, objective.elevations)
            seen = cycle(self._relift_training, poses, offsets, views, self.normalisation.c)
            terms = self._cycle_terms(poses, seen, wanted)
            if "elevation" in wanted and objective.elevations is not None:
                terms["elevation"] = losses.elevation_prior(everybody, *objective.elevations)
            if "augmentation" in wanted:
                terms["augmentation"] = self._augmentation_loss(seen.body.detach(), theta.detach())
        return objective.weights.total(terms), terms, theta

    def _relift_training(self, turned: Tensor) -> Tensor:
        """Offsets (way, batch, joint) of turned poses (way, batch, joint, 2), with a detector's noise in training."""
        return self.lifter.relift(self._noisy(turned))

    @torch.no_grad()
    def held_out(self, poses: Tensor) -> dict[str, float]:
        """The loss terms of held-out poses, unweighted, and `total`, weighted: a criterion without 3D.

        Poses are lifted as in use, and seen from the same views at every call. All terms of the cycle are computed,
        those of weight 0 as well, so that runs of different weights can be compared. Empty where no prior is attached.
        """
        if self.prior is None:
            return {}
        poses, c, weights = poses.to(self.device), self.normalisation.c, asdict(self.objective.weights)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            offsets, theta = self.lifter.predict(poses, self.flip_test)
            views = random_views(theta, self.objective.azimuth, elevations=self.objective.elevations)
            seen = cycle(self._relift_in_use, poses, offsets.unsqueeze(0), views, c)
        every = ("likelihood", *CYCLE_TERMS)
        terms = {name: value.item() for name, value in self._cycle_terms(poses, seen, every).items()}
        return terms | {"total": sum(weights[name] * value for name, value in terms.items())}

    def _relift_in_use(self, turned: Tensor) -> Tensor:
        """Offsets (1, batch, joint) of turned poses (1, batch, joint, 2), lifted as in use."""
        offsets: Tensor = self.lifter.predict(turned, self.flip_test)[0]
        return offsets

    def _cycle_terms(self, poses: Tensor, seen: Cycle, wanted: Collection[str]) -> dict[str, Tensor]:
        """The wanted terms of a cycle, each summed over the ways to lift a pose; sets `nll`."""
        terms, self.nll = {}, {}
        if "likelihood" in wanted:
            nll = self._nll(seen.seen)  # (part,)
            self.nll = dict(zip(self.scored_parts, nll.detach(), strict=True))
            terms["likelihood"] = nll.sum()
        return terms | cycle_terms(poses, seen, self.get_buffer("bones"), self.get_buffer("ratios"), wanted)

    def _augmentation_loss(self, bodies: Tensor, theta: Tensor) -> Tensor:
        """The loss of people made of lifted bodies (way, batch, joint, 3), summed over the ways to lift a pose."""
        body = torch.einsum("w,w...->...", self.lifter.share, bodies)  # (batch, joint, 3)
        other, other_theta = self.objective.augmentation(body, theta, self.skeleton)
        poses = project(other, self.normalisation.c)
        offsets, predicted = self.lifter(poses)
        terms = losses.known(lift(poses, offsets, self.normalisation.c), other, predicted, other_theta)
        return len(bodies) * torch.stack(list(terms.values())).sum()

    def _nll(self, poses: Tensor) -> Tensor:
        """Nats by which poses (way, batch, joint, 2) are less likely than training poses, summed over ways: (part,)."""
        if self.prior is None:
            raise RuntimeError("no flows: call attach_prior with the pre-trained flows first")
        # (part, way) less the baseline (part, 1)
        return (-self.prior.log_prob(poses).mean(-1) - self.get_buffer("nll_baseline").unsqueeze(-1)).sum(-1)

    def _noisy(self, poses: Tensor) -> Tensor:
        """Poses (..., joint, 2) with a detector's noise, in training, where the objective has any."""
        if not (self.objective.noise and self.training):
            return poses
        sigma = self.objective.noise / self.normalisation.c * torch.rand_like(poses[..., 0, 0])  # (...)
        return poses + centred_noise(poses, sigma, self.skeleton.root_index)

    def _flow(self, part: str) -> PoseFlow:
        if self.flows is None or part not in self.flows:
            raise RuntimeError(f"no flow of the part {part!r}: call attach_prior with the pre-trained flows first")
        flow = self.flows[part]
        assert isinstance(flow, PoseFlow)
        return flow

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        weights = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: value for name, value in weights.items() if not name.startswith("flows.")}

    def configure_optimizers(self) -> Any:
        return adam(self, self.lifter.parameters(), self.optimiser)
