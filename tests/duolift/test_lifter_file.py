"""Lifter files: what is written is read again, and files of format 1 are the same lifters as ever."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from duolift.errors import InputError
from duolift.lifter_file import FORMAT, READABLE, read_lifter, write_lifter
from duolift.networks.detection_network import DetectionArchitecture
from duolift.networks.people_lifter import PeopleLifter
from duolift.networks.told_alone import angles
from duolift.predictor import SHIPPED
from tests.conftest import tensors_of

COMPLETING = pytest.mark.parametrize("completing", [False, True], ids=["mean pose", "completer"])


def test_a_lifter_with_a_detection_network_is_read_as_it_was(
    people_lifter: Callable[..., PeopleLifter], some_rays: Callable[..., Tensor], tmp_path: Path
) -> None:
    people, path = people_lifter(detecting=True, flip=True).half().float(), tmp_path / "lifter.safetensors"
    write_lifter(people, path)
    read, _ = read_lifter(path)
    assert read.network is None and read.architecture == people.architecture
    rays = some_rays(3, 2)
    visible = torch.rand(rays.shape[:-1]) > 0.2
    for ours, theirs in zip(*(tensors_of(of(rays, visible)) for of in (people, read)), strict=True):
        assert torch.equal(ours, theirs)


def as_format_1(path: Path) -> None:
    """Write a lifter's file anew as duolift 0.1.0 did, its architecture one flat list."""
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["duolift"])
    nested = header["architecture"]
    completer = nested["completer"] or {"width": None, "blocks": None}
    flat: dict[str, Any] = {
        "skeleton": nested["skeleton"],
        **{key: nested["lifter"][key] for key in ("split", "width", "blocks", "elevation_bound")},
        **{key: nested[key] for key in ("c", "centring", "flip")},
        "completer_width": completer["width"],
        "completer_blocks": completer["blocks"],
    }
    header = {**header, "format": 1, "architecture": flat}
    safetensors.torch.save_file(safetensors.torch.load_file(path), path, {"duolift": json.dumps(header)})


def as_format_2(path: Path) -> None:
    """Write a lifter's file anew as it was before there were detection networks."""
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["duolift"])
    assert header["architecture"].pop("detection") is None
    safetensors.torch.save_file(
        safetensors.torch.load_file(path), path, {"duolift": json.dumps({**header, "format": 2})}
    )


@COMPLETING
@pytest.mark.parametrize("version", READABLE)
def test_a_lifter_of_any_format_is_read_as_it_was(
    version: int,
    completing: bool,
    people_lifter: Callable[..., PeopleLifter],
    some_rays: Callable[..., Tensor],
    tmp_path: Path,
) -> None:
    people, path = people_lifter(completing=completing, flip=True).half().float(), tmp_path / "lifter.safetensors"
    write_lifter(people, path, {"run": "mine"})
    {1: as_format_1, 2: as_format_2}.get(version, lambda _: None)(path)
    read, origin = read_lifter(path)
    assert read.architecture == people.architecture and origin == {"run": "mine"}
    rays = some_rays(3, 2)
    visible = torch.rand(rays.shape[:-1]) > 0.2
    for ours, theirs in zip(*(tensors_of(of(rays, visible)) for of in (people, read)), strict=True):
        assert torch.equal(ours, theirs)


def test_of_format_3_means_and_deviations_of_how_cameras_are_held_are_read(
    people_lifter: Callable[..., PeopleLifter], tmp_path: Path
) -> None:
    path = tmp_path / "lifter.safetensors"
    write_lifter(people_lifter(detecting=True, flip=True), path)
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["duolift"])
    weights = safetensors.torch.load_file(path)
    del weights["detection.usual"]
    weights["detection.usual_up"] = torch.tensor([[-0.25, 0.25], [0.0, 0.125]]).half()
    safetensors.torch.save_file(weights, path, {"duolift": json.dumps({**header, "format": 3})})
    read, _ = read_lifter(path)
    assert read.detection is not None
    at = angles(read.detection.usual)
    means = (read.detection.usual * at).sum(-1)
    torch.testing.assert_close(means, torch.tensor([-0.25, 0.0]), rtol=0, atol=1e-3)
    spread = (read.detection.usual * (at - means.unsqueeze(-1)).square()).sum(-1).sqrt()
    torch.testing.assert_close(spread, torch.tensor([0.25, 0.125]), rtol=0, atol=1e-3)


def test_the_lifter_that_comes_with_the_package_lifts_detections_and_names_whom_to_credit() -> None:
    people, origin = read_lifter(SHIPPED)
    assert people.architecture.detection == DetectionArchitecture(768, 4)
    assert people.architecture.lifter is None and people.architecture.flip
    assert (origin["experiment"], origin["start"]["experiment"]) == ("refined_weights", "shipped_weights")
    assert not origin["labels"] and not origin["start"]["labels"]
    assert "mocap.cs.cmu.edu" in origin["credit"] and "MPII" in origin["credit"]
    assert SHIPPED.stat().st_size < 16 * 2**20


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"network": "mesh"}, "network is 'mesh'; expected one of parts"),
        ({"split": "thirds"}, "split is 'thirds'; expected one of whole"),
        ({"width": 2.5}, "width is 2.5; expected a whole number"),
        ({"depth": 3}, "unexpected keyword argument 'depth'"),
    ],
)
def test_an_architecture_that_is_none_is_told(
    change: dict[str, Any], fragment: str, people_lifter: Callable[..., PeopleLifter], tmp_path: Path
) -> None:
    people, path = people_lifter(), tmp_path / "lifter.safetensors"
    architecture = people.architecture.plain()
    architecture["lifter"] |= change
    header = {"format": FORMAT, "architecture": architecture}
    safetensors.torch.save_file(people.state_dict(), path, {"duolift": json.dumps(header)})
    with pytest.raises(InputError, match=rf"lifter\.safetensors: weights and architecture disagree .*{fragment}"):
        read_lifter(path)
