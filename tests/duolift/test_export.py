"""Exported models: the same people as the lifter's, for any number of scenes and people."""

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch

from duolift.body.skeleton import PAPER19, SKELETONS
from duolift.errors import InputError
from duolift.export import INPUTS, OUTPUTS, SUFFIXES, TOLERANCE, ImageLifter, example, export
from duolift.networks.people_lifter import FEWEST_JOINTS, PeopleLifter
from duolift.predictor import Lifter
from tests.conftest import full_disk


@pytest.mark.parametrize("name", SKELETONS)
def test_torch_export_gives_the_same_people(
    name: str, people_lifter: Callable[..., PeopleLifter], tmp_path: Path
) -> None:
    people, path = people_lifter(name, completing=True), tmp_path / "lifter.pt2"
    assert export(people, path) <= TOLERANCE
    extra = {"joints": ""}
    loaded = torch.export.load(path, extra_files=extra).module()
    assert extra["joints"].split("\n") == list(people.skeleton.joints)
    arguments = example(7, 5, len(people.skeleton))
    expected = ImageLifter(people)(*arguments)
    torch.testing.assert_close(loaded(*arguments), expected, rtol=0, atol=TOLERANCE)


def test_onnx_gives_the_same_people(lifter: Lifter, tmp_path: Path) -> None:
    path = tmp_path / "lifter.onnx"
    assert export(lifter.people, path) <= TOLERANCE
    session = onnxruntime.InferenceSession(path)
    assert session.get_modelmeta().custom_metadata_map["joints"].split("\n") == list(PAPER19.joints)
    assert [i.name for i in session.get_inputs()] == list(INPUTS)
    arguments = example(7, 5, len(PAPER19))
    arguments[1][0, 0, FEWEST_JOINTS - 1 :] = False
    expected = ImageLifter(lifter.people)(*arguments)
    found = session.run(OUTPUTS, {n: a.numpy() for n, a in zip(INPUTS, arguments, strict=True)})
    for name, value in zip(OUTPUTS, found, strict=True):
        torch.testing.assert_close(torch.tensor(value), expected[name], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_told_of_and_leaves_the_file_of_before(lifter: Lifter, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"lifter{suffix}"
    path.write_bytes(b"before")
    with full_disk(100_000), pytest.raises(InputError, match=rf"{suffix}: cannot be written \(File too large\)"):
        export(lifter.people, path)
    assert [*tmp_path.iterdir()] == [path] and path.read_bytes() == b"before"


def test_another_suffix_is_refused_and_leaves_nothing(lifter: Lifter, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"suffix '.tflite'; expected one of .pt2, .onnx"):
        export(lifter.people, tmp_path / "lifter.tflite")
    assert list(tmp_path.iterdir()) == []
