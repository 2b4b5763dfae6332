"""A `LightningDataModule` that serves the normalised 2D poses of a data set."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from datamodules.batch_sampler import DistributedBatchSampler
from datamodules.pose_dataset import PoseDataset
from datamodules.recordings import scored_scenes
from datamodules.sources.registry import Source
from duolift.body.skeleton import Skeleton
from duolift.errors import InputError
from duolift.geometry.bones import bone_lengths
from duolift.geometry.normalisation import Normalisation
from duolift.geometry.pairs import join_pair
from duolift.geometry.scene_batch import SceneBatch
from duolift.networks.partners import Partners

PEOPLE_OF_A_PAIR = 2


@dataclass(frozen=True)
class Extra:
    """A further data set whose 2D poses join the training poses.

    Attributes:
        source: its layout on disk.
        root: its folder.
        times: how many times over each of its poses counts.

    >>> from datamodules.sources.registry import SYNTHETIC
    >>> Extra(SYNTHETIC, Path("data/synthetic")).times
    1
    """

    source: Source
    root: Path
    times: int = 1


class NotPairsError(InputError):
    """Two people are to be lifted as one body, and the data have scenes of other numbers of them.

    Args:
        message: what is said.
        numbers: of people in scenes.
    """

    def __init__(self, message: str, numbers: list[int]) -> None:
        super().__init__(message)
        self.numbers = numbers


class PoseDataModule(pl.LightningDataModule):
    """Serves a data set: normalised 2D poses for training, scenes for evaluation.

    Training and validation batches are poses (batch, joint, 2) and nothing else: no 3D reaches a module
    from here, but for the supervised reference, which asks for `labels`. `evaluation` is what the evaluation
    callback scores on.

    Args:
        source: the data set's layout on disk; see `datamodules.sources.registry`.
        root: the data set's folder.
        skeleton: the joints to serve.
        train: subjects to train on.
        evaluate: subjects to evaluate on; their 2D poses are also the validation poses, for likelihoods.
        bodies: `person` serves each person's pose; `pair` two people as one pose about the mid-point of their pelvises,
            which is what Figure 1's baseline lifts.
        c: head lengths from camera to root, or None to derive it from the cameras' focal length.
        centring: `shift` or `ray`; see `duolift.geometry.normalisation`.
        batch_size: poses a step, of all of the trainer's processes together.
        held_out: the largest number of validation poses; fewer are taken evenly spaced.
        cameras: views to read, or None for those the data set names.
        cache: folder for parsed copies.
        labels: serve (poses, depth offsets (batch, joint), elevations (batch,)) instead.
        extra: further data sets: the poses of all of their subjects join the training poses, each data set in its own
            mean head length.
        extra_share: the largest number of poses of each of them, as a share of the training subjects' poses, before
            they are taken several times over.
        partners: serve (poses, the nearest other person's (batch, joint, 2), whether there is one within reach
            (batch,)) instead; see `duolift.networks.partners`.
        seed: of the order in which poses are trained on.

    Attributes:
        normalisation: fitted to the training subjects.
        training_poses, validation_poses: (pose, joint, 2), of everybody who is valid.
        evaluation: scenes of the evaluation subjects, with ground truth where the source has it.
        image: width and height of the images, pixels, or None where the source does not say.
        consecutive: whether the scenes of a sequence are consecutive frames.
        size: the mean sum of the training subjects' bone lengths, millimetres, or None where there is no 3D.
        fingerprint: of the content of all files that were read.

    All of them are there after `setup`.
    """

    def __init__(
        self,
        source: Source,
        root: Path,
        skeleton: Skeleton,
        train: Sequence[str] = ("s02", "s03"),
        evaluate: Sequence[str] = ("s04",),
        bodies: str = "person",
        c: float | None = None,
        centring: str = "ray",
        batch_size: int = 256,
        held_out: int = 4096,
        cameras: Sequence[str] | None = None,
        cache: Path | None = None,
        labels: bool = False,
        extra: Sequence[Extra] = (),
        extra_share: float = 0.5,
        partners: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if partners and (labels or bodies == "pair"):
            raise ValueError("partners are those of a single person's poses: expected no labels, no pairs")
        if labels and bodies == "pair":
            raise ValueError("labels are a single person's: expected no pairs")
        self.source, self.root, self.cache, self.labels = source, Path(root), cache, labels
        self.extra, self.extra_share, self.partners = tuple(extra), extra_share, partners
        self.skeleton, self.train, self.evaluate, self.cameras = skeleton, tuple(train), tuple(evaluate), cameras
        self.bodies, self.c, self.centring, self.batch_size, self.held_out = bodies, c, centring, batch_size, held_out
        self.seed = seed

    def setup(self, stage: str | None = None) -> None:
        """Read the takes, measure the unit of length on the training subjects, normalise."""
        if hasattr(self, "normalisation"):
            return
        takes = self.source.read(self.root, [*self.train, *self.evaluate], self.cameras, self.cache)
        self.fingerprint, self.image, self.consecutive = takes.fingerprint, takes.image, takes.consecutive
        self._training = takes.of(self.train)
        training, evaluation = (some.scenes(self.skeleton) for some in (self._training, takes.of(self.evaluate)))
        self._refuse_other_than_pairs(training, self.root)
        self._refuse_other_than_pairs(evaluation, self.root)
        self.evaluation = scored_scenes(evaluation, self.root)
        self.normalisation = Normalisation.fitted(training.without_truth(), self.skeleton, self.c, self.centring)
        self._set_up_training(training)
        self._set_up_validation()

    def _set_up_training(self, scenes: SceneBatch) -> None:
        known = None if scenes.truth is None else bone_lengths(scenes.of_people(scenes.truth), self.skeleton)
        self.size = None if known is None else known.sum(-1).mean().item()
        self.training_poses = self.poses(scenes.without_truth())
        if self.partners:
            self.training_partners = self._partner_tensors(scenes.without_truth())
        if self.labels:
            self.training_labels = self._label_tensors(scenes)
        most = int(self.extra_share * len(self.training_poses))
        for extra in self.extra:
            self._add(extra, most)

    def _set_up_validation(self) -> None:
        poses = self.poses(self.evaluation)
        every = -(-len(poses) // self.held_out)  # the ceiling: every so many-th pose is taken
        self.validation_poses = poses[::every]
        if self.partners:
            self.validation_partners = tuple(part[::every] for part in self._partner_tensors(self.evaluation))
        if self.labels:
            self.validation_labels = tuple(label[::every] for label in self._label_tensors(self.evaluation))

    def _add(self, extra: Extra, most: int) -> None:
        """Add another data set's poses to the training poses, at most so many different ones, evenly spaced."""
        root = extra.root
        takes = extra.source.read(root, extra.source.subjects(root), None, self.cache)
        scenes = takes.scenes(self.skeleton)
        self._refuse_other_than_pairs(scenes, root)
        own = Normalisation.fitted(scenes.without_truth(), self.skeleton, self.normalisation.c, self.centring)
        poses = self.poses(scenes.without_truth(), own)
        chosen = torch.linspace(0, len(poses) - 1, min(most, len(poses))).long().repeat(extra.times)
        self.training_poses = torch.cat([self.training_poses, poses[chosen]])
        if self.labels:
            if scenes.truth is None:
                raise InputError(f"{root}: holds no 3D; expected a data set that has it, to be learned from by labels")
            known = zip(self.training_labels, self._label_tensors(scenes, own), strict=True)
            self.training_labels = tuple(torch.cat([present, added[chosen]]) for present, added in known)
        if self.partners:
            both = zip(self.training_partners, self._partner_tensors(scenes.without_truth(), own), strict=True)
            self.training_partners = tuple(torch.cat([present, added[chosen]]) for present, added in both)
        self.fingerprint += f" + {takes.fingerprint}" + (f" * {extra.times}" if extra.times > 1 else "")

    def _refuse_other_than_pairs(self, scenes: SceneBatch, root: Path) -> None:
        numbers = scenes.everybody.sum(-1).unique().tolist()
        if self.bodies == "pair" and numbers != [PEOPLE_OF_A_PAIR]:
            found = " or ".join(map(str, numbers))
            raise NotPairsError(
                f"{root}: holds scenes of {found} people; expected {PEOPLE_OF_A_PAIR}, lifted as one body", numbers
            )

    def with_batch_size(self, size: int) -> Self:
        """The same data, not read again, in batches of another size."""
        other = copy(self)
        other.batch_size = size
        return other

    @property
    def alone(self) -> bool:
        """Whether the evaluation's images are of one person each, so that there is nothing to place."""
        return self.evaluation.pixels.shape[1] == 1

    @property
    def pose_skeleton(self) -> Skeleton:
        """The skeleton of the poses served: a person's, or a pair's."""
        return self.skeleton if self.bodies == "person" else self.skeleton.pair()

    def poses(self, scenes: SceneBatch, normalisation: Normalisation | None = None) -> Tensor:
        """Normalised poses (pose, joint, 2) of every valid body in the scenes, scene by scene.

        Args:
            normalisation: None takes the training subjects'.
        """
        normalisation = normalisation or self.normalisation
        seen = normalisation.coordinates(scenes)  # (scene, person, joint, 2)
        seen = scenes.of_people(seen) if self.bodies == "person" else join_pair(seen, self.skeleton).flatten(0, 1)
        return normalisation(seen, seen[..., self.pose_skeleton.root_index, :])

    def partners_of(
        self, scenes: SceneBatch, visible: Tensor | None = None, normalisation: Normalisation | None = None
    ) -> Partners:
        """The nearest other person of every person of `poses`, with leading axis (pose,).

        Args:
            visible: (scene, person, joint), or None where everything is.
            normalisation: None takes the training subjects'.
        """
        normalisation = normalisation or self.normalisation
        seen = normalisation.coordinates(scenes)  # (scene, person, joint, 2)
        visible = torch.ones_like(seen[..., 0], dtype=torch.bool) if visible is None else visible
        visible = visible & scenes.everybody.unsqueeze(-1)
        return Partners.of(seen, visible, normalisation, self.skeleton).map(scenes.of_people)

    def _partner_tensors(self, scenes: SceneBatch, normalisation: Normalisation | None = None) -> tuple[Tensor, ...]:
        """Fully visible partners (pose, joint, 2), and whether there is one within reach (pose,)."""
        partners = self.partners_of(scenes, None, normalisation)
        return partners.poses, partners.visible.any(-1)

    def _label_tensors(self, scenes: SceneBatch, normalisation: Normalisation | None = None) -> tuple[Tensor, ...]:
        """True depth offsets (pose, joint), as a perfect lifter gives them, and elevations (pose,)."""
        normalisation = normalisation or self.normalisation
        if scenes.up is None:
            raise InputError(
                f"{self.root}: nothing tells where up is in these images, as labels do; expected lifting.labels=false"
            )
        offsets = normalisation.true_bodies(scenes, self.skeleton)[..., 2]  # (scene, person, joint)
        return scenes.of_people(offsets), scenes.of_people(scenes.elevations(self.skeleton.root_index))

    def bone_ratios(self) -> Tensor:
        """Mean ratio of each bone's length to the person's mean bone length, (bone,), over the training subjects.

        It is a statistic of their 3D skeletons, not of any pose: ElePose (https://arxiv.org/abs/2112.07088) and LInKs
        take it as known.
        """
        mean = self._training.bone_ratios(self.skeleton)
        return mean if self.bodies == "person" else mean.repeat(PEOPLE_OF_A_PAIR)

    def train_dataloader(self) -> DataLoader[Any]:
        others = self.training_labels if self.labels else self.training_partners if self.partners else ()
        return self._loader((self.training_poses, *others), self.batch_size, self.seed)

    def val_dataloader(self) -> DataLoader[Any]:
        others = self.validation_labels if self.labels else self.validation_partners if self.partners else ()
        return self._loader((self.validation_poses, *others), 4 * self.batch_size, None)

    def _loader(self, tensors: tuple[Tensor, ...], batch_size: int, seed: int | None) -> DataLoader[Any]:
        """A loader of this process's share of every batch, from tensors that it brings to this process's device."""
        trainer = self.trainer
        process, processes = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        device = trainer.strategy.root_device if trainer else None
        sampler = DistributedBatchSampler(len(tensors[0]), batch_size, process, processes, seed, device)
        dataset = PoseDataset(*tensors, device=device)
        return DataLoader(dataset, batch_size=None, sampler=sampler, collate_fn=_uncollated)


def _uncollated(batch: Any) -> Any:
    """A batch as the data set gives it: its tensors need no collation."""
    return batch
