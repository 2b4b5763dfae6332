"""Lifters compared on single people and on pairs: the same images, paired differences, tables and a figure."""

import json
from pathlib import Path

import pytest
import torch
from conftest import some_poses
from small_benchmarks import H36M_ACTIONS, H36M_SUBJECTS, h36m_root
from small_tree import SUBJECTS as PAIRS
from small_tree import write_tree

from duolift.body.skeleton import DETECTOR15, H36M17, PAPER19, Skeleton
from duolift.errors import InputError
from duolift.networks.architecture import Architecture
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import PeopleLifter
from duolift.predictor import Lifter
from experiments import compare
from experiments.compare import Options, common, named


def lifter(skeleton: Skeleton) -> PeopleLifter:
    people = PeopleLifter(PeopleArchitecture(skeleton.name, Architecture(width=8, blocks=1), c=5.0, centring="ray"))
    people.fit(some_poses(skeleton, 50))
    return people


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two untrained lifters of different joints."""
    folder = tmp_path_factory.mktemp("lifters")
    torch.manual_seed(0)
    for name, skeleton in (("first", PAPER19), ("second", DETECTOR15)):
        Lifter(lifter(skeleton)).save(folder / f"{name}.safetensors")
    return [str(folder / f"{name}.safetensors") for name in ("first", "second")]


def test_single_people_are_compared_over_the_joints_that_all_have(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["data.source=h36m", f"data.root={h36m_root()}", "data.evaluate=[S1,S9]", "data.h36m.every=2"]
    compare.main([*given, f"runs={tmp_path}", "--lifters", *files, "--samples", "200"])
    printed = capsys.readouterr().out
    assert "| second - first |" in printed and "bootstrapped over takes" in printed
    found = json.loads((tmp_path / "compare" / "h36m-first-second.json").read_text())
    assert found["takes"] == len(H36M_SUBJECTS) * len(H36M_ACTIONS) and found["images"] == found["takes"] * 4 * 3
    assert found["joints"] == list(DETECTOR15.joints) and found["lifters"] == ["first", "second"]
    assert found["values"].keys() == {"pa_mpjpe_mm", "n_mpjpe_mm", "n_pck_pct"}
    for metric, of in found["values"].items():
        assert all(one["low"] <= one["mean"] <= one["high"] for one in of.values())
        between = found["differences"][metric]["second"]["mean"]
        assert between == pytest.approx(of["second"]["mean"] - of["first"]["mean"])
    for suffix in (".csv", ".md", ".png"):
        assert (tmp_path / "compare" / f"h36m-first-second{suffix}").stat().st_size > 200


def test_a_lifter_is_no_better_than_itself(files: list[str], tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    (other / "first.safetensors").write_bytes(Path(files[0]).read_bytes())
    both = named([files[0], str(other / "first.safetensors")])
    assert list(both) == [str(Path(file).with_suffix("")) for file in (files[0], other / "first.safetensors")]
    given = ["data.source=h36m", f"data.root={h36m_root()}", "data.evaluate=[S1,S9]", f"runs={tmp_path}"]
    compare.main([*given, "--lifters", *(f"{name}.safetensors" for name in both), "--samples", "100", "--pixels", "3"])
    (path,) = (tmp_path / "compare").glob("*.json")
    for of in json.loads(path.read_text())["differences"].values():
        (between,) = of.values()
        assert (between["mean"], between["low"], between["high"]) == (0, 0, 0)


def test_people_together_are_placed_as_well(files: list[str], tmp_path: Path) -> None:
    root = write_tree(tmp_path / "pairs")
    given = ["data.source=chi3d", f"data.root={root}", f"data.evaluate=[{','.join(PAIRS)}]", f"runs={tmp_path}"]
    compare.main([*given, f"data.cache={tmp_path}/cache", "--lifters", *files, "--samples", "100"])
    found = json.loads((tmp_path / "compare" / "chi3d-first-second.json").read_text())
    assert {"scene_pa_mpjpe_mm", "root_displacement_error_mm", "scale_error_pct"} <= found["values"].keys()
    assert "PA-MPJPE of the scene mm" in (tmp_path / "compare" / "chi3d-first-second.md").read_text()


def test_what_cannot_be_compared_is_refused(files: list[str], tmp_path: Path) -> None:
    given = ["data.source=h36m", f"data.root={h36m_root()}", "data.evaluate=[S9]", f"runs={tmp_path}"]
    with pytest.raises(InputError, match="expected each once"):
        compare.main([*given, "--lifters", files[0], files[0]])
    with pytest.raises(InputError, match="--samples is 3; expected 100 to 1000000"):
        compare.main([*given, "--lifters", *files, "--samples", "3"])
    with pytest.raises(InputError, match="have neck, head in common; expected the pelvis, and head top"):
        common([H36M17], ["neck", "head"])
    with pytest.raises(ValueError, match=r"confidence is 1.0; expected 0.5 or more"):
        Options(confidence=1.0)
