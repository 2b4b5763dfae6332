"""A finished run, read again: its settings, its data, and what its lifters make of the evaluation scenes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from callbacks.lifting import lift_scenes
from callbacks.rows import JOINT, Row, paper_row, product_row, rows_of, table_1_rows
from callbacks.scene_errors import SceneErrors
from callbacks.scoring import LiftedScenes
from datamodules.recordings import scored_scenes
from duolift.body.skeleton import Skeleton, skeleton_named
from duolift.errors import InputError
from duolift.geometry.scene_batch import SceneBatch
from experiments.checkpoints import load_lifter, trained_lifters
from experiments.config import load_run
from experiments.data import read_takes
from experiments.settings import Config
from experiments.train_lifter import LABELLED


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: in `runs/`.
        config: what it was made with.
        lifters: the trained ones, without Figure 1's baseline; the first is shown.
        skeleton, scenes: of the evaluation, with ground truth.
    """

    folder: Path
    config: Config
    lifters: tuple[str, ...]
    skeleton: Skeleton
    scenes: SceneBatch

    @classmethod
    def read(cls, folder: Path, arguments: Sequence[str] = ()) -> "Run":
        """A run from its folder; the embedded set is written again where it is not there.

        Args:
            arguments: settings that are other now, such as `data.root`, where the data has moved to.

        Raises:
            InputError: no finished lifter is there, the data is missing, or is not what the run was made with.
        """
        config = load_run(folder / "config.yaml", arguments)
        finished = tuple(trained_lifters(folder))
        takes = read_takes(config, [*config.data.train, *config.data.evaluate])
        expected = load_json(folder / finished[0] / "settings.json")["data"]["content"].partition(" + ")[0]
        if takes.fingerprint != expected:
            raise InputError(
                f"{config.data.root}: found the content {takes.fingerprint}; "
                f"expected {expected}, which {folder} was made with "
                "(make evaluate scores a run on other data)"
            )
        skeleton = skeleton_named(config.data.skeleton)
        scenes = scored_scenes(takes.of(config.data.evaluate).scenes(skeleton), config.data.root)
        return cls(folder, config, finished, skeleton, scenes)

    def metrics(self, stage: str) -> dict[str, Any]:
        """What a stage measured."""
        found: dict[str, Any] = load_json(self.folder / stage / "metrics.json")
        return found

    @property
    def has_joint(self) -> bool:
        """Whether Figure 1's baseline was trained."""
        return (self.folder / JOINT / "metrics.json").exists()

    @property
    def rows(self) -> list[Row]:
        """What the lifter that is shown fills of the ablation."""
        return rows_of(self.lifters[0] + (LABELLED if self.config.lifting.labels else ""))

    @cached_property
    def lift(self) -> LiftedScenes:
        """The evaluation scenes, lifted again by the lifter that is shown."""
        return self._lifted(self.lifters[0], self.skeleton.name)

    @cached_property
    def table_1(self) -> list[SceneErrors]:
        """By each row of Table 1, in its first reading."""
        return [SceneErrors.of(self.lift, row) for row in table_1_rows(self.rows)]

    @property
    def paper(self) -> SceneErrors:
        """By the paper's full method."""
        return next(errors for errors in self.table_1 if errors.row == paper_row(self.rows))

    @cached_property
    def product(self) -> SceneErrors:
        """By what the product does unless told otherwise."""
        return SceneErrors.of(self.lift, product_row(self.rows))

    @cached_property
    def joint(self) -> SceneErrors:
        """By Figure 1's baseline, where it was trained."""
        return SceneErrors.of(self._lifted(JOINT, self.skeleton.pair().name), rows_of(JOINT)[0])

    def _lifted(self, lifter: str, skeleton: str) -> LiftedScenes:
        module = load_lifter(self.folder / lifter / "last.ckpt", skeleton)
        return LiftedScenes(self.scenes, lift_scenes(module, self.scenes, self.skeleton))


def load_json(path: Path) -> Any:
    """A JSON file of a run. Raises InputError where it is missing or no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); expected what a finished stage leaves") from error
