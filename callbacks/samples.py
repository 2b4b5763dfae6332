"""Pictures of poses drawn from the flows, which show what they have learned."""

from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.loggers import WandbLogger

from callbacks.figures import pose_grid, save_figure
from lightning_modules.flow_prior import FlowPriorModule


class FlowSamples(pl.Callback):
    """At the end of training draws poses from every flow, as `samples_<part>.png` and in the log."""

    def __init__(self, folder: Path, count: int = 24) -> None:
        self.folder, self.count = folder, count

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, FlowPriorModule)
        if not trainer.is_global_zero:
            return
        pl_module.eval()
        for part in pl_module.flows:
            path = self.folder / f"samples_{part}.png"
            figure = pose_grid(
                pl_module.flow(part).sample(self.count), pl_module.skeleton, joints=pl_module.skeleton.part(part)
            )
            save_figure(figure, path)
            if isinstance(trainer.logger, WandbLogger):
                trainer.logger.log_image(f"samples/{part}", [str(path)])
