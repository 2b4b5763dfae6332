"""Properties of several processes: they learn what one would, each draws its own noise, the first one writes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import pytorch_lightning as pl
import torch
from conftest import REPOSITORY, lifter_module, some_poses
from small_run import arguments, files, run_command
from torch import Tensor
from torch.utils.data import DataLoader

from datamodules.batch_sampler import DistributedBatchSampler
from datamodules.pose_dataset import PoseDataset
from duolift.body.skeleton import PAPER19
from duolift.errors import InputError
from experiments import train_lifter
from experiments.processes import OwnNoise, number_of, trainer_of
from experiments.settings import Compute
from lightning_modules.flow_prior import FlowPriorModule
from lightning_modules.lifter import LifterModule

CERTAIN = ["flows.noise=0", "flows.mirror=false"]
"""Settings of flows that are trained without anything random but the order of the poses."""


# Shares ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [2, 3, 4])
@pytest.mark.parametrize("seed", [0, None])
def test_shares_side_by_side_are_the_batches_of_one_process(processes: int, seed: int | None) -> None:
    count = 100 if seed is not None else 96 + processes  # the rest of validation shares out evenly
    alone, shares = (
        DistributedBatchSampler(count, 24, seed=seed),
        [DistributedBatchSampler(count, 24, k, processes, seed) for k in range(processes)],
    )
    for epoch in range(2):
        for sampler in (alone, *shares):
            sampler.set_epoch(epoch)
        together = [torch.cat(parts) for parts in zip(*shares, strict=True)]
        assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))
        assert len(together) == len(alone) == len(shares[0]) == len(list(shares[0]))
        assert len(torch.cat(together).unique()) == (96 if seed is not None else count)


def test_every_epoch_and_every_seed_has_an_order_of_its_own() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = DistributedBatchSampler(64, 64, seed=seed)
        sampler.set_epoch(epoch)
        return next(iter(sampler)).tolist()

    orders = [order(seed, epoch) for seed in (0, 1) for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] and len({*map(tuple, orders)}) == 4


def test_a_rest_of_fewer_than_processes_is_left_out_by_all() -> None:
    shares = [list(DistributedBatchSampler(9, 8, process, 4)) for process in range(4)]
    assert [[len(batch) for batch in batches] for batches in shares] == [[2]] * 4


def test_a_batch_that_does_not_share_out_is_refused() -> None:
    with pytest.raises(ValueError, match="batch of 8 does not divide evenly among 3"):
        DistributedBatchSampler(100, 8, 0, 3)


# A step ---------------------------------------------------------------------------------------------------------------


class Certain(LifterModule):
    """A lifter whose views are turned alike and seen from the batch's mean elevation, but draw a number first."""

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        self.drawn = torch.rand(())
        with (
            patch.object(torch, "randn_like", lambda tensor: torch.full_like(tensor, 0.5)),
            patch.object(torch, "rand_like", lambda tensor: torch.full_like(tensor, 0.7)),
        ):
            return super().training_step(batch, batch_index)


class Kept(pl.Callback):
    """Keeps what every process comes to: the gradient of its first step, and the number it drew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: Any, optimizer: Any) -> None:
        gradient = torch.cat([p.grad.flatten() for p in pl_module.lifter.parameters()])
        torch.save({"gradient": gradient, "drawn": pl_module.drawn}, self.folder / f"{trainer.global_rank}.pt")


class Served(pl.LightningDataModule):
    """One batch, as `PoseDataModule` serves it."""

    def __init__(self, poses: Tensor) -> None:
        super().__init__()
        self.poses = poses

    def train_dataloader(self) -> DataLoader[Any]:
        assert self.trainer is not None
        shares = DistributedBatchSampler(
            len(self.poses), len(self.poses), self.trainer.global_rank, self.trainer.world_size, 0
        )
        return DataLoader(PoseDataset(self.poses), batch_size=None, sampler=shares)


@pytest.mark.slow
@pytest.mark.parametrize("attached", [False, True])
def test_the_gradient_of_two_processes_is_that_of_one_with_the_whole_batch(tmp_path: Path, attached: bool) -> None:
    poses, found = some_poses(PAPER19, 64), []
    flows = FlowPriorModule("paper19", ["whole"], blocks=2, width=8)
    flows.standardise(poses)
    for processes, strategy in ((1, "auto"), (2, "ddp_spawn")):
        torch.manual_seed(1)
        module = lifter_module(kind=Certain, width=16, blocks=1, attached=attached)
        compute = Compute(accelerator="cpu", devices=str(processes), strategy=strategy)
        options: dict[str, Any] = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
        folder = tmp_path / str(processes)
        folder.mkdir()
        callbacks = [OwnNoise(0), Kept(folder)]
        run = trainer_of(
            compute, max_steps=1, limit_val_batches=0, enable_checkpointing=False, callbacks=callbacks, **options
        )
        run.fit(module.attach_prior(flows.flows, poses), datamodule=Served(poses))
        found += [torch.load(folder / f"{process}.pt") for process in range(processes)]
    alone, first, second = (kept["gradient"] for kept in found)
    assert torch.equal(first, second) and alone.norm() > 1
    assert (alone - first).norm() < 1e-6 * alone.norm()
    assert found[1]["drawn"] != found[2]["drawn"]


# Commands -------------------------------------------------------------------------------------------------------------


def started(module: str, given: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that has ended."""
    return subprocess.run(
        [sys.executable, "-m", f"experiments.{module}", *given, "compute.accelerator=cpu", "compute.threads=1"],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, list[str]]]:
    """The run `one` of one process and the run `two` of two, and what each printed."""
    folder, printed = tmp_path_factory.mktemp("processes"), {}
    for processes, run in ((1, "one"), (2, "two")):
        settings = [f"run={run}", "lifting.epochs=1", f"compute.devices={processes}", *CERTAIN]
        ended = started("train_lifter", arguments(folder, *settings))
        assert ended.returncode == 0, ended.stderr
        printed[processes] = [*ended.stdout.splitlines(), *ended.stderr.splitlines()]
    return folder, printed


@pytest.mark.slow
def test_the_same_command_learns_the_same_flows_on_two_processes(done: Any) -> None:
    runs = done[0] / "runs"
    one, two = (torch.load(runs / run / "flows" / "last.ckpt")["state_dict"] for run in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-5)
    one, two = (json.loads((runs / run / "flows" / "metrics.json").read_text()) for run in ("one", "two"))
    assert two == pytest.approx(one, rel=1e-4)


def test_two_processes_leave_the_files_and_print_the_lines_of_one(done: Any) -> None:
    folder, printed = done
    one, two = (
        {path.relative_to(folder / "runs" / run) for path in files(folder / "runs" / run)} for run in ("one", "two")
    )
    assert one == two
    ours = {count: [line for line in lines if not line.startswith("[W")] for count, lines in printed.items()}
    assert [line.split()[0] for line in ours[1]] == [line.split()[0] for line in ours[2]], "but for torch's warnings"
    settings = [(folder / "runs" / run / "whole" / "settings.json").read_text() for run in ("one", "two")]
    assert settings[0] == settings[1]


@pytest.mark.slow
def test_a_run_of_two_processes_is_a_finished_one_for_one(done: Any) -> None:
    folder, _ = done
    before = files(folder / "runs")
    ended = started("train_lifter", arguments(folder, "run=two", "lifting.epochs=1", "compute.devices=1", *CERTAIN))
    assert ended.returncode == 0 and files(folder / "runs") == before


@pytest.mark.slow
@pytest.mark.parametrize("others", [{"LOCAL_RANK": "1"}, {"NODE_RANK": "1"}, {"SLURM_PROCID": "3"}])
def test_of_several_processes_the_first_alone_says_what_is_wrong(tmp_path: Path, others: dict[str, str]) -> None:
    ended = started("train_lifter", ["data.source=chi3d", "data.root=/nowhere", f"runs={tmp_path}"], **others)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", "")


def test_a_batch_that_processes_cannot_share_out_leaves_no_run(
    done: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*arguments(done[0]), f"runs={tmp_path}/runs", "compute.devices=3", "compute.accelerator=cpu"]
    assert run_command(train_lifter.main, given, monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: a batch of 64 poses: expected one that 3 processes share out evenly"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("setting", [{"devices": "0"}, {"accelerator": "abacus"}, {"strategy": "hope"}])
def test_devices_that_are_not_there_are_refused(setting: dict[str, str]) -> None:
    (name, value), *_ = setting.items()
    with pytest.raises(InputError, match=f"setting compute is .*{name}={value}"):
        number_of(Compute(**{"accelerator": "cpu", **setting}))  # type: ignore[arg-type]


def test_processes_are_counted_over_all_nodes() -> None:
    assert number_of(Compute(accelerator="cpu", devices="2", num_nodes=3, strategy="ddp")) == 6
    assert number_of(Compute(accelerator="cpu")) == 1
