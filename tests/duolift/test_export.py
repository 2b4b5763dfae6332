"""Exported models: the same people as the lifter's, for any number of scenes and people."""

import io
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor
from torch.export import ExportedProgram

from duolift.body.skeleton import PAPER19, SKELETONS
from duolift.errors import InputError
from duolift.export import INPUTS, OUTPUTS, SUFFIXES, TOLERANCE, ImageLifter, example, export
from duolift.networks.people_lifter import FEWEST_JOINTS, PeopleLifter
from duolift.predictor import Lifter
from tests.conftest import full_disk
from tests.quick_export import Still

ANYTHING = (1e30, torch.inf, torch.nan)
"""What the keypoints of hidden joints may be."""

AXES = {
    "keypoints": ["scene", "person", len(PAPER19), 2],
    "visible": ["scene", "person", len(PAPER19)],
    "focal": ["scene"],
    "principal": ["scene", 2],
    "noise": ["scene", "person"],
    "people": ["scene", "person", len(PAPER19), 3],
    "theta": ["scene", "person"],
    "up": ["scene", 3],
    "height": ["scene"],
    "confidence": ["scene", "person"],
}
"""Input or output -> its axes in an ONNX file."""


def joints(skeleton: str) -> int:
    return len(SKELETONS[skeleton])


def axes_of(path: Path) -> dict[str, list[str | int]]:
    graph = onnx.load(path).graph
    return {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }


def with_hidden(arguments: tuple[Tensor, ...], anything: float) -> tuple[Tensor, ...]:
    """The same arguments with other keypoints where nothing is visible."""
    keypoints, visible, *rest = arguments
    return keypoints.masked_fill(~visible.unsqueeze(-1), anything), visible, *rest


@pytest.mark.parametrize("anything", ANYTHING)
def test_hidden_keypoints_decide_nothing_and_get_no_gradient(anything: float, lifter: Lifter) -> None:
    found, arguments = [], example(4, 3, len(PAPER19))
    visible = arguments[1]
    for given in (arguments, with_hidden(arguments, anything)):
        keypoints, focal, principal = (given[number].clone().requires_grad_() for number in (0, 2, 3))
        placed = ImageLifter(lifter.people)(keypoints, visible, focal, principal, given[4])
        torch.stack([value.square().sum() for value in placed.values()]).sum().backward()
        assert keypoints.grad is not None and not keypoints.grad[~visible].any()
        found.append([*placed.values(), keypoints.grad, focal.grad, principal.grad])
    assert all(one.isfinite().all() and torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", [min(SKELETONS, key=joints), max(SKELETONS, key=joints)])
def test_torch_export_gives_the_same_people(
    name: str, people_lifter: Callable[..., PeopleLifter], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is loaded once, as `export` does to check it: loading takes as long as exporting."""
    people, path = people_lifter(name, completing=True), tmp_path / "lifter.pt2"
    load, extra, programs = torch.export.load, {"joints": ""}, []

    def kept(file: io.BytesIO) -> ExportedProgram:
        content, program = file.getvalue(), load(file, extra_files=extra)
        programs.append((content, program))
        return program

    monkeypatch.setattr("torch.export.load", kept)
    assert export(people, path) <= TOLERANCE
    ((content, program),) = programs
    assert path.read_bytes() == content and extra["joints"].split("\n") == list(people.skeleton.joints)
    loaded = program.module()
    arguments = example(7, 5, len(people.skeleton))
    expected = ImageLifter(people)(*arguments)
    torch.testing.assert_close(loaded(*arguments), expected, rtol=0, atol=TOLERANCE)
    for anything in ANYTHING:
        found = loaded(*with_hidden(arguments, anything))
        torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.slow
def test_onnx_gives_the_same_people(lifter: Lifter, tmp_path: Path) -> None:
    path = tmp_path / "lifter.onnx"
    assert export(lifter.people, path) <= TOLERANCE
    session = onnxruntime.InferenceSession(path)
    assert session.get_modelmeta().custom_metadata_map["joints"].split("\n") == list(PAPER19.joints)
    assert [i.name for i in session.get_inputs()] == list(INPUTS)
    assert axes_of(path) == AXES
    arguments = example(7, 5, len(PAPER19))
    arguments[1][0, 0, FEWEST_JOINTS - 1 :] = False
    expected = ImageLifter(lifter.people)(*arguments)
    for anything in (None, *ANYTHING):
        given = arguments if anything is None else with_hidden(arguments, anything)
        found = session.run(OUTPUTS, {n: a.numpy() for n, a in zip(INPUTS, given, strict=True)})
        for name, value in zip(OUTPUTS, found, strict=True):
            torch.testing.assert_close(torch.tensor(value), expected[name], rtol=1e-6, atol=TOLERANCE)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_told_of_and_leaves_the_file_of_before(
    lifter: Lifter, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a model that is quick to export: what is written decides nothing here."""
    monkeypatch.setattr("duolift.export.ImageLifter", Still)
    path = tmp_path / f"lifter{suffix}"
    path.write_bytes(b"before")
    with full_disk(100_000), pytest.raises(InputError, match=rf"{suffix}: cannot be written \(File too large\)"):
        export(lifter.people, path)
    assert [*tmp_path.iterdir()] == [path] and path.read_bytes() == b"before"


def test_another_suffix_is_refused_and_leaves_nothing(lifter: Lifter, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"suffix '.tflite'; expected one of .pt2, .onnx"):
        export(lifter.people, tmp_path / "lifter.tflite")
    assert list(tmp_path.iterdir()) == []
