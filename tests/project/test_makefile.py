"""`make help` says what there is."""

import re
import shutil
import subprocess

import pytest
from conftest import REPOSITORY

EXPERIMENTS = sorted((REPOSITORY / "experiments" / "conf").glob("*.yaml"))


@pytest.fixture(scope="module")
def shown() -> str:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    return subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout


def test_help_names_every_experiment_with_the_first_line_of_its_head(shown: str) -> None:
    named = dict(re.findall(r"^    (\w+) +(\S.*)$", shown.partition("experiments/conf/:\n")[2], re.MULTILINE))
    assert named == {path.stem: path.read_text().splitlines()[0].removeprefix("# ") for path in EXPERIMENTS}
    assert EXPERIMENTS and all(named.values())


def test_help_names_every_target(shown: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert targets and set(targets) == set(re.findall(r"^  make ([a-z-]+) +\S", shown, re.MULTILINE))
