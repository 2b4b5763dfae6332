"""What a stage was made by is told, with git and without."""

import re
from pathlib import Path

import pytest

from experiments import origin


def test_an_origin_names_the_day_the_commit_and_the_versions() -> None:
    found = origin.origin()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert re.fullmatch(r"[0-9a-f]{12}( with changes)?|unknown", found["commit"])
    assert set(found) == {"date", "commit", "python", "machine", *origin.PACKAGES}
    assert re.search(r"\(\d+ cores\)", found["machine"]) and found["machine"] in origin.told(found)
    del found["machine"]
    assert " on " not in origin.told(found), "as an earlier version left it"
    assert all(re.match(r"\d+\.\d+", found[name]) for name in ("python", *origin.PACKAGES))
    told = origin.told(found)
    assert all(value in told for value in found.values())


def test_outside_a_checkout_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "__file__", str(tmp_path / "experiments" / "origin.py"))
    assert origin.commit() == "unknown"
    monkeypatch.setenv("PATH", "")
    assert origin.commit() == "unknown"
