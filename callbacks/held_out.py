"""Evaluation without any 3D: the losses of people who were held out, and what they look like from the side."""

import json
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from callbacks.figures import pose_grid, save_figure
from callbacks.periodic import PeriodicEvaluation
from duolift.files import write_text
from duolift.geometry.rotations import rotate, rotation_x
from lightning_modules.lifter import LifterModule

PICTURED = 8
"""Poses in the picture, evenly spaced."""


class HeldOutEvaluation(PeriodicEvaluation):
    """Measures how a lifter does by 2D alone, for data that have nothing else.

    During training it logs `held_out/<term>` every few epochs; docs/study.md has how well each term ranks lifters as
    their 3D error does. At the end it writes a file with them and those on the way, and a picture, `held_out.png`: some
    held-out poses, and below them the lifted bodies, levelled, from the side and from above. Of several processes only
    the first does.

    Args:
        poses: (pose, joint, 2), normalised; none that is trained on.
        every: epochs between two measurements.
        path: the file to write at the end.
    """

    def __init__(self, poses: Tensor, every: int, path: Path) -> None:
        super().__init__(every)
        self.poses, self.path = poses, path

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.due(trainer):
            return
        assert isinstance(pl_module, LifterModule)
        held_out = pl_module.held_out(self.poses)
        pl_module.log_dict({f"held_out/{name}": value for name, value in held_out.items()}, rank_zero_only=True)
        self.history.append({"epoch": trainer.current_epoch + 1, "held_out": held_out})

    @torch.no_grad()
    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LifterModule)
        module = pl_module.eval()
        bodies, elevation = module(self.poses.to(module.device))
        some = slice(None, None, -(-len(self.poses) // PICTURED))
        save_figure(
            pose_grid(seen_from_three_sides(bodies[some].cpu(), elevation[some].cpu()), module.skeleton, PICTURED),
            self.path.with_name("held_out.png"),
        )
        degrees = elevation.rad2deg()
        measured = {
            "poses": len(self.poses),
            "held_out": module.held_out(self.poses),
            "elevation_mean_deg": degrees.mean().item(),
            "elevation_std_deg": degrees.std().item(),
            "history": self.history,
        }
        write_text(self.path, json.dumps(measured, indent=1))


def seen_from_three_sides(bodies: Tensor, elevation: Tensor) -> Tensor:
    """Bodies (body, joint, 3) by parallel projection (3 * body, joint, 2): all of them as the camera sees them, then
    levelled from the side, then from above.

    >>> seen_from_three_sides(torch.zeros(8, 15, 3), torch.zeros(8)).shape
    torch.Size([24, 15, 2])
    """
    level = rotate(rotation_x(elevation), bodies)
    return torch.cat([bodies[..., [0, 1]], level[..., [2, 1]], level[..., [0, 2]] * torch.tensor([1.0, -1.0])])
