"""The rows of the ablation: which lifts, placed how, by which knowledge of the camera."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

import torch

from duolift.geometry.lifted import Lifted
from duolift.placement import DEFAULT_METHOD, METHODS, ground, paper
from duolift.placement.interface import FocalSource, Placed, Placement, SceneCameras

JOINT = "joint"
"""The lifter of Figure 1's baseline: both people lifted as one body."""

PERFECT = "perfect lift"
"""What tables call the lifter of rows that are filled from the ground truth."""

PRODUCT = METHODS[DEFAULT_METHOD].main.name
"""The row of what the product does unless told otherwise: the one that headlines, pictures and pages show."""


class LiftedBy(StrEnum):
    """Where a row's bodies come from: a trained lifter, or the ground truth, lifted without error."""

    TRAINED = "trained"
    PERFECT = "perfect"


@dataclass(frozen=True)
class AsOneBody:
    """The placement of people who were lifted as one body: they are in one scene already (Figure 1's baseline)."""

    @property
    def camera_estimate(self) -> None:
        return None

    @property
    def keeps_bodies(self) -> bool:
        return True

    def __call__(self, lifted: Lifted, cameras: SceneCameras) -> Placed:
        up = lifted.bodies.new_tensor([0.0, -1.0, 0.0]).expand(len(lifted), 3)
        depth = torch.full_like(lifted.distance, torch.nan)
        return Placed(lifted.bodies, up, depth[:, 0], depth, torch.ones_like(depth))


@dataclass(frozen=True)
class Row:
    """One row of the ablation.

    Attributes:
        name: as a table shows it.
        lifter: as a table shows it: the lifter's name, or `PERFECT`.
        placement: how people are put into one scene.
        published: what the paper reports, by metric, where it has this row.
        up_known: whether the camera's extrinsics are known, and so where up is.
        focal: where the focal length comes from; unless it is known, lenses are taken to be free of distortion.
        lifted_by: where the bodies come from.
    """

    name: str
    lifter: str
    placement: Placement
    published: Mapping[str, float] | None = None
    up_known: bool = False
    focal: FocalSource = FocalSource.KNOWN
    lifted_by: LiftedBy = LiftedBy.TRAINED

    @property
    def of_one_body(self) -> bool:
        """Whether this is Figure 1's baseline, which has no elevation of each person."""
        return isinstance(self.placement, AsOneBody)

    @property
    def in_camera(self) -> bool:
        """Whether people are placed in the camera's own frame: placements that estimate no camera level it."""
        return self.placement.camera_estimate is not None

    @property
    def scale_about(self) -> str | None:
        """The reading of the paper's scale step, of a row of Table 1."""
        return getattr(self.placement, "scale_about", None)

    def described(self, metrics: Mapping[str, float]) -> dict[str, Any]:
        """The row with its metrics, as `ablation.json` holds it."""
        options = dict.fromkeys(placement_options()) | asdict(self.placement)  # type: ignore[call-overload]
        return {
            "name": self.name,
            "lifter": self.lifter,
            **options,
            **dict(zip(CAMERA_SETTINGS, (self.up_known, self.focal), strict=True)),
            "metrics": dict(metrics),
            "published": self.published,
        }


CAMERA_SETTINGS = ("up", "focal")
"""Columns beside the placements' options: whether up is known, and where the focal length comes from."""


def placement_options() -> list[str]:
    """The options of all placements, each a column of a table."""
    placements = [method.image for method in METHODS.values()]
    return list(dict.fromkeys(f.name for placement in placements for f in fields(placement)))  # type: ignore[arg-type]


def rows_of(lifter: str) -> list[Row]:
    """Every row that this lifter can fill, in the order of a table: those of all placements, or Figure 1's baseline."""
    if lifter == JOINT:
        return [Row("both people as one pose (Figure 1)", JOINT, AsOneBody())]
    variants = [variant for method in METHODS.values() for variant in method.variants]
    return [
        *(Row(v.name, lifter, v.placement, v.published, v.up_known, v.focal) for v in variants),
        *(
            Row(v.name, PERFECT, v.on_perfect_lifts, lifted_by=LiftedBy.PERFECT)
            for v in variants
            if v.on_perfect_lifts is not None
        ),
    ]


def product_row(rows: Sequence[Row]) -> Row:
    """What the product does (`PRODUCT`); Figure 1's baseline where that is the only row."""
    return next((row for row in rows if is_product(row.name, row.lifter)), rows[0])


def product_result(results: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The same of rows as `ablation.json` and `metrics.json` hold them."""
    return next((r for r in results if is_product(r["name"], r["lifter"])), results[0])


def is_product(name: str, lifter: str) -> bool:
    """Whether a row, by its name and its lifter, is that of the product."""
    return name == PRODUCT and lifter != PERFECT


def paper_row(rows: Sequence[Row]) -> Row:
    """The paper's full method in its first reading; Figure 1's baseline where that is the only row."""
    return next((row for row in rows if _is_paper(row.name, row.scale_about, row.lifter)), rows[0])


def paper_result(results: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The same of rows as `ablation.json` and `metrics.json` hold them."""
    return next((r for r in results if _is_paper(r["name"], r["scale_about"], r["lifter"])), results[0])


def _is_paper(name: str, scale_about: str | None, lifter: str) -> bool:
    return (name, scale_about) == (paper.MAIN, "camera") and lifter != PERFECT


def table_1_rows(rows: Sequence[Row]) -> list[Row]:
    """Table 1 of the paper in its first reading; nothing of Figure 1's baseline."""
    return [row for row in rows if row.name in paper.TABLE_1 and row.scale_about == "camera" and row.lifter != PERFECT]


def pictured_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows to compare in a picture: Table 1, ground placement of an image and with everything, the product, and that of
    a perfect lift."""
    trained = {row.name: row for row in rows if row.lifted_by == LiftedBy.TRAINED}
    perfect = next(row for row in rows if row.name == PRODUCT and row.lifted_by == LiftedBy.PERFECT)
    ours = [trained[name] for name in (next(iter(ground.STEPS)), ground.MAIN, PRODUCT)]
    return [*table_1_rows(rows), *ours, perfect]
