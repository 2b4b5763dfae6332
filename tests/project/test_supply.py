"""What is installed is what was pinned, by its hash where one file serves every machine; and its licences."""

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from conftest import REPOSITORY

OWN = {"duolift", "pip", "setuptools"}
"""What is installed and not pinned: the project, and what every environment begins with."""

ALLOWED = ("Apache", "BSD", "MIT", "ISC", "MPL", "Mozilla Public", "Python Software Foundation", "PSF", "zlib", "CC0")
"""Licences that let anybody use, change and pass on; parts of the names that packages write."""

UNSAID = {"atheris": "Apache-2.0", "ezc3d": "MIT"}
"""Licences of packages that do not say them."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(name: str) -> dict[str, str]:
    """The lines of a file of requirements: package -> what follows `==`."""
    lines = (REPOSITORY / name).read_text().splitlines()
    parts = (line.split("==", 1) for line in lines if line and not line.startswith("#"))
    return {canonical(package): rest for package, rest in parts}


def installed() -> dict[str, Distribution]:
    """The environment's packages, without those that setuptools carries within and adds to the path when imported."""
    if not (Path(sys.prefix) / ".installed").exists():
        pytest.skip("the environment is not the one that make install creates")
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    found = {canonical(one.metadata["Name"]): one for one in distributions(path=sorted(places))}
    return {name: one for name, one in found.items() if name not in OWN}


def serves_every_machine(distribution: Distribution) -> bool:
    """Whether what was installed came as a wheel for any machine. What was built here from source has no hash."""
    tags = re.findall(r"^Tag: (.*)$", distribution.read_text("WHEEL") or "", re.MULTILINE)
    return bool(tags) and all(tag.endswith("-none-any") for tag in tags)


def test_everything_that_is_installed_is_pinned_to_its_version() -> None:
    versions = pinned("constraints.txt")
    found = {name: one.version.split("+")[0] for name, one in installed().items()}
    other = {name: version for name, version in found.items() if versions.get(name) != version}
    assert other == {}


def test_every_hash_is_of_a_pinned_version() -> None:
    versions, hashed = pinned("constraints.txt"), pinned("hashes.txt")
    assert hashed and all(re.fullmatch(r"\S+ --hash=sha256:[0-9a-f]{64}", rest) for rest in hashed.values())
    assert {name: rest.split()[0] for name, rest in hashed.items()} == {name: versions[name] for name in hashed}


NOT_LOWEST = {"torch", "atheris"}
"""torch is that of constraints.txt, as CPU builds of lower ones are not to be had everywhere; no test needs atheris."""


def test_the_lowest_versions_are_those_that_the_project_allows() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = [one for extra in (project["dependencies"], *project["optional-dependencies"].values()) for one in extra]
    split = (
        re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)", one) for one in wanted if not one.startswith("duolift[")
    )
    lowest = {canonical(found[1]): found[2] for found in split if found}
    assert len(lowest) > 40 and lowest.keys() >= NOT_LOWEST
    given = pinned("lowest.txt")
    short = {name: re.sub(r"(\.0)+$", "", version) for name, version in lowest.items() if name not in NOT_LOWEST}
    assert {name: re.sub(r"(\.0)+$", "", given.get(name, "missing")) for name in short} == short
    assert given["torch"] == pinned("constraints.txt")["torch"]


FROM_SOURCE = {"freia", "nflows"}
"""Wheels for any machine that are built on this one, as there is but their source."""


def test_what_serves_every_machine_is_pinned_by_its_hash() -> None:
    anywhere = {name for name, one in installed().items() if serves_every_machine(one)}
    assert anywhere - pinned("hashes.txt").keys() - FROM_SOURCE == set()


def test_every_licence_lets_anybody_use_change_and_pass_on() -> None:
    installed()
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    licences = {canonical(one["Name"]): one["License"] for one in listed} | UNSAID
    assert {name: said for name, said in licences.items() if not any(word in said for word in ALLOWED)} == {}
