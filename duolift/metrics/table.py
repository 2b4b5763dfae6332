"""The protocols of `duolift.metrics.protocols` as a table has them, and objects that gather them batch by batch.

The objects have torchmetrics' three methods, `update`, `compute` and `reset`: each is a sum and a count around a pure
function.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from duolift.metrics.protocols import (
    acceleration_errors,
    at_root,
    auc,
    joint_errors,
    pck,
    procrustes,
    root_errors,
    scaled,
    velocity_errors,
)

Scores = Callable[[Tensor, Tensor, int], Tensor]
"""Predictions and truth, (..., joint, 3) of both, and the index of the root -> numbers whose mean is the metric."""


UNITS = {"_mm": "mm", "_pct": "%", "_mm_per_frame": "mm/frame", "_mm_per_frame2": "mm/frame²"}
"""How a key ends -> the unit of its values."""


@dataclass(frozen=True)
class Protocol:
    """A metric as a table has it.

    Attributes:
        key: its name in files, with its unit.
        short: its name in tables.
        scores: what its mean is taken of.
        decimals: of the value, as the field rounds it.
        higher: whether more is better.
        frames: how many consecutive frames a score takes; of one, frames may be any.
        absolute: whether it compares places in the camera's frame; otherwise poses are brought together.
        sized: whether predictions have to be in millimetres.

    >>> strict = Protocol("pck50_pct", "PCK at 50 mm", lambda p, t, root: pck(joint_errors(at_root(p, t, root), t), 50))
    >>> pose = torch.randn(8, 17, 3)
    >>> strict.scores(pose, pose, 0).shape
    torch.Size([8, 17])
    """

    key: str
    short: str
    scores: Scores
    decimals: int = 1
    higher: bool = False
    frames: int = 1
    absolute: bool = False
    sized: bool = True

    @property
    def title(self) -> str:
        """The head of its column, with the unit.

        >>> PROTOCOLS["acceleration_error_mm_per_frame2"].title
        'acceleration error mm/frame²'
        """
        unit = next(unit for end, unit in UNITS.items() if self.key.endswith(end))
        return f"{self.short} {unit}"

    def text(self, value: float) -> str:
        """The value as tables have it.

        >>> PROTOCOLS["mpjpe_mm"].text(36.66)
        '36.7'
        """
        return f"{value:.{self.decimals}f}"


PROTOCOLS: dict[str, Protocol] = {
    protocol.key: protocol
    for protocol in (
        Protocol("mpjpe_mm", "MPJPE", lambda p, t, root: joint_errors(at_root(p, t, root), t)),
        Protocol("n_mpjpe_mm", "N-MPJPE", lambda p, t, root: joint_errors(scaled(p, t, root), t), sized=False),
        Protocol("pa_mpjpe_mm", "PA-MPJPE", lambda p, t, root: joint_errors(procrustes(p, t), t), sized=False),
        Protocol(
            "pa_mpjpe_reflected_mm",
            "PA-MPJPE, mirrored or not,",
            lambda p, t, root: joint_errors(procrustes(p, t, reflection=True), t),
            sized=False,
        ),
        Protocol("pck_pct", "PCK", lambda p, t, root: pck(joint_errors(at_root(p, t, root), t)), higher=True),
        Protocol("auc_pct", "AUC", lambda p, t, root: auc(joint_errors(at_root(p, t, root), t)), higher=True),
        Protocol(
            "n_pck_pct",
            "N-PCK",
            lambda p, t, root: pck(joint_errors(scaled(p, t, root), t)),
            higher=True,
            sized=False,
        ),
        Protocol(
            "n_auc_pct",
            "N-AUC",
            lambda p, t, root: auc(joint_errors(scaled(p, t, root), t)),
            higher=True,
            sized=False,
        ),
        Protocol(
            "pa_pck_pct",
            "PA-PCK",
            lambda p, t, root: pck(joint_errors(procrustes(p, t), t)),
            higher=True,
            sized=False,
        ),
        Protocol(
            "pa_auc_pct",
            "PA-AUC",
            lambda p, t, root: auc(joint_errors(procrustes(p, t), t)),
            higher=True,
            sized=False,
        ),
        Protocol(
            "mpjve_mm_per_frame",
            "MPJVE",
            lambda p, t, root: velocity_errors(at_root(p, t, root), t),
            decimals=2,
            frames=2,
        ),
        Protocol(
            "acceleration_error_mm_per_frame2",
            "acceleration error",
            lambda p, t, root: acceleration_errors(at_root(p, t, root), t),
            frames=3,
        ),
        Protocol("pck_abs_pct", "PCK_abs", lambda p, t, root: pck(joint_errors(p, t)), higher=True, absolute=True),
        Protocol("root_error_mm", "MRPE", root_errors, absolute=True),
    )
}
"""Key -> protocol, in the order of a table."""


@dataclass
class Metric:
    """The mean of a protocol's scores over batches.

    Args:
        protocol: one of `PROTOCOLS`, or one of your own.
        root: index of the root joint.

    >>> metric = Metric(PROTOCOLS["mpjpe_mm"], root=0)
    >>> metric.update(torch.zeros(4, 17, 3), torch.zeros(4, 17, 3))
    >>> metric.compute()
    0.0
    """

    protocol: Protocol
    root: int
    total: float = field(default=0.0, init=False)
    count: int = field(default=0, init=False)

    def update(self, predicted: Tensor, truth: Tensor, visible: Tensor | None = None) -> None:
        """Add some poses, (..., joint, 3); of a protocol of several frames, consecutive ones, (frame, ..., joint, 3).

        Args:
            visible: (..., joint), which joints count; None for all. Protocols of roots alone take (...).

        Raises:
            ValueError: arrays of different shapes.
        """
        scores = self.protocol.scores(predicted, truth, self.root)
        if visible is not None:
            frames = self.protocol.frames
            if frames > 1:  # a score is of that many frames, all of which have to show the joint
                visible = torch.stack([visible[start : start + len(scores)] for start in range(frames)]).all(0)
            scores = scores[visible]
        self.total += scores.double().sum().item()
        self.count += scores.numel()

    def compute(self) -> float:
        """The mean so far. Raises ValueError where there is nothing to take it of."""
        if not self.count:
            raise ValueError(f"{self.protocol.key}: nothing was scored; expected poses, by update()")
        return self.total / self.count

    def reset(self) -> None:
        """Forget everything."""
        self.total, self.count = 0.0, 0


@dataclass
class Metrics:
    """Several protocols at once, as `Metric`.

    >>> metrics = Metrics.of(root=0, keys=("n_mpjpe_mm", "pa_mpjpe_mm"))
    >>> metrics.update(torch.ones(4, 17, 3), torch.ones(4, 17, 3))
    >>> metrics.compute()
    {'n_mpjpe_mm': 0.0, 'pa_mpjpe_mm': 0.0}
    """

    metrics: tuple[Metric, ...]

    @classmethod
    def of(cls, root: int, keys: Iterable[str] = PROTOCOLS) -> "Metrics":
        """Those of some keys of `PROTOCOLS`, with the index of the root joint."""
        return cls(tuple(Metric(PROTOCOLS[key], root) for key in keys))

    def update(self, predicted: Tensor, truth: Tensor, visible: Tensor | None = None) -> None:
        """As of `Metric.update`; protocols that take more frames than there are get nothing."""
        for metric in self.metrics:
            if metric.protocol.frames <= (len(predicted) if predicted.ndim > 2 else 1):
                metric.update(predicted, truth, visible)

    def compute(self) -> dict[str, float]:
        """The means by key, of the protocols that got anything."""
        return {metric.protocol.key: metric.compute() for metric in self.metrics if metric.count}

    def reset(self) -> None:
        """Forget everything."""
        for metric in self.metrics:
            metric.reset()
