"""The numbers on real people are those of another scorer, which shares no code with this project.

It reads the same files in its own way, starts the command, reads the scenes' JSON, matches and scores with NumPy.
"""

import importlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from conftest import SHARED
from small_shelf import write_detections

from benchmarks.real import shelf
from benchmarks.real.capture import Capture
from benchmarks.real.run import run
from benchmarks.real.summary import summary
from benchmarks.real.variants import VARIANTS
from duolift import cli
from duolift.predictor import Lifter

DATA, SCORER = SHARED / "data" / "shelf", SHARED / "tools" / "real"
FRAMES = 20

PERSON = {
    "pa_mpjpe_mm": "pa",
    "visible_pa_mpjpe_mm": "pa_seen",
    "mean_pose_pa_mpjpe_mm": "pa_mean",
    "up_deg": "up_off",
}
TILTS = {"tilt_deg": "tilt_said", "true_tilt_deg": "tilt_true"}  # of which theirs count downwards
ARRANGEMENTS = {
    "estimate": "lift",
    "paper": "paper",
    "one_depth": "one_depth",
    "one_depth_own_size": "one_depth_size",
    "mean_pose": "mean_pose",
    "true_places": "perfect_place",
    "true_bodies": "perfect_body",
}
"""Our name -> the other scorer's."""

ERRORS = {"pa_mpjpe_mm": "pa", "root_displacement_error_mm": "rde"}

ROUNDING = 0.1
"""Millimetres or degrees: the other scorer has scenes from JSON, of whole tenths of millimetres."""

pytestmark = pytest.mark.skipif(not DATA.exists() or not SCORER.exists(), reason="the data are not here")


@pytest.fixture(scope="module")
def scorer() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCORER))
        yield importlib.import_module("shelf")


@pytest.fixture(scope="module")
def root(scorer: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of the set."""
    folder = tmp_path_factory.mktemp("shelf") / "shelf"
    folder.mkdir()
    (folder / "calibration.json").write_text((DATA / "calibration.json").read_text())
    for camera in range(5):
        frames = [found for found, _ in zip(scorer.candidates(camera), range(FRAMES), strict=False)]
        write_detections(
            folder / f"det{camera}.txt", [([joint.T for joint in joints], limbs) for joints, limbs in frames]
        )
    for name in ("gt.txt", "skel.txt"):
        joints, *lines = (DATA / name).read_text().splitlines()
        ends = 0
        for _ in range(FRAMES):
            ends += 1 + 5 * int(lines[ends])  # a line with how many people, and five a person
        (folder / name).write_text("\n".join([f"{joints.split()[0]} {FRAMES}", *lines[:ends]]))
    return folder


@pytest.fixture(scope="module")
def capture(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return shelf.read(root, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    return Lifter.load()


def theirs(scorer: ModuleType, variant: str, root: Path, work: Path, patch: pytest.MonkeyPatch) -> Any:
    """The other scorer's rows of people and of scenes; the command is run in this process."""
    common = importlib.import_module("common")
    patch.setattr(scorer, "DATA", root)
    patch.setattr(scorer, "WORK", work)

    def command(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, cli.main(words[1:]), "", "")

    patch.setattr(common.subprocess, "run", command)
    (work / "out").mkdir()
    scorer.main(variant)
    return json.loads((work / "out" / f"shelf_{variant}.json").read_text())


KNOWN = [name for name, variant in VARIANTS.items() if not (variant.calibrated or variant.measured)]
"""Variants of the other scorer: it tells neither where cameras are nor how tall people are."""


@pytest.mark.parametrize("variant", KNOWN)
def test_both_scorers_agree(
    variant: str,
    scorer: ModuleType,
    root: Path,
    capture: Capture,
    lifter: Lifter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if VARIANTS[variant].projected:  # of which the other one leaves out the pelvis: it then follows from the hips
        truth = capture.truths["annotated"]
        joints = tuple("unused" if joint == "pelvis" else joint for joint in truth.joints)
        capture = replace(capture, truths={"annotated": replace(truth, joints=joints)})
    ours = run(lifter, capture, VARIANTS[variant]).scores
    found, expected = summary(ours), theirs(scorer, variant, root, tmp_path, monkeypatch)
    people, frames = expected["people"], expected["frames"]
    assert len(ours.people) == len(people) > 100 and len(ours.scenes) == len(frames) > 40
    for our, their in PERSON.items():
        assert found["person"][our] == pytest.approx(median(people, their), abs=ROUNDING), our
    for our, their in TILTS.items():
        assert found["person"][our] == pytest.approx(-median(people, their), abs=ROUNDING), our
    for our, their in ARRANGEMENTS.items():
        for error, short in ERRORS.items():
            assert found["scene"][our][error] == pytest.approx(median(frames, f"{short}_{their}"), abs=ROUNDING), our
    hidden = [person["joints"] - person["seen"] for person in people]
    groups = {name: of["people"] for name, of in found["by_hidden_joints"].items()}
    assert [*groups.values()] == [*np.histogram(hidden, [0, 1, 3, 5, 99])[0]]


def median(rows: list[dict[str, Any]], name: str) -> float:
    values = [row[name] for row in rows if np.isfinite(row.get(name, np.nan))]
    return float(np.median(values))
