"""The package as users get it: one name, light dependencies, and people lifted right after installation."""

import json
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from conftest import REPOSITORY

LIFT = """
import json, sys
from duolift import Lifter, cli
scene = Lifter.load().lift(json.load(open("keypoints.json")), format="coco")
assert scene.people.shape == (1, 2, 19, 3), scene.people.shape
for command in ("lift detections.json -o scene.json -o scene.npz", "--version"):
    try:
        assert cli.main(command.split()) == 0
    except SystemExit as left:
        assert not left.code
import duolift
print("AT", duolift.__file__)
print("MODULES", *{name.partition(".")[0] for name in sys.modules})
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what is tracked, so that nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked("."):
        copy = folder / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, copy)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, folder / "source"], check=True, capture_output=True)
    (file,) = folder.glob("duolift-*.whl")
    return file


def tracked(folder: str) -> list[str]:
    """Files that git knows."""
    listed = subprocess.run(["git", "ls-files", folder], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def test_the_wheel_holds_duolift_alone_and_all_of_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"duolift"}
    assert {*tracked("duolift")} <= {*names}
    assert wheel.stat().st_size < 10e6


def test_a_fresh_environment_lifts(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(here))  # without what installs the checkout
    people = [[[300 + 40 * i, 100 + 20 * j, 0.9] for j in range(17)] for i in range(2)]
    (tmp_path / "keypoints.json").write_text(json.dumps(people))
    found = [{"image_id": 1, "category_id": 1, "score": 1, "keypoints": [v for j in p for v in j]} for p in people]
    (tmp_path / "detections.json").write_text(json.dumps(found))
    python = tmp_path / "env" / "bin" / "python"
    result = subprocess.run([python, "-P", "-c", LIFT], cwd=tmp_path, capture_output=True, text=True, env={})
    assert result.returncode == 0, result.stderr
    assert Path(re.findall(r"^AT (.*)$", result.stdout, re.M)[0]).is_relative_to(tmp_path)
    assert (tmp_path / "scene.json").is_file() and (tmp_path / "scene.npz").is_file()
    modules = result.stdout.rpartition("MODULES ")[2].split()
    distributions = packages_distributions()
    used = {normal(name) for module in modules for name in distributions.get(module, [])}
    optional, needed = declared(True), declared(False)
    assert {"torch", "safetensors"} <= needed & used and not used & (optional - needed - {"duolift"})


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(extra: bool) -> set[str]:
    """What the package says it needs: of its extras, or without any."""
    requirements = [r for r in requires("duolift") or () if ("extra ==" in r) == extra]
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}
