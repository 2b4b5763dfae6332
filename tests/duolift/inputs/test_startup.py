"""Reading starts at once: what is heavy is imported where it is first needed."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from duolift.inputs import check_source, read
from duolift.errors import InputError
try:
    {call}
except InputError:
    pass
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def modules_after(call: str, folder: Path) -> set[str]:
    """Top-level modules of a fresh interpreter that has made a call."""
    command = [sys.executable, "-c", SCRIPT.format(call=call)]
    return {*subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split()}


@pytest.mark.parametrize("call", ['check_source("gone.json")', 'next(read("gone.json"))'])
def test_a_missing_file_is_told_before_anything_heavy_is_imported(call: str, tmp_path: Path) -> None:
    loaded = modules_after(call, tmp_path)
    assert "numpy" in loaded and not loaded & {"torch", "scipy", "PIL", "ijson"}


def test_reading_needs_neither_torch_nor_scipy(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"people": []}')
    loaded = modules_after('next(read("a.json"))', tmp_path)
    assert "ijson" in loaded and not loaded & {"torch", "scipy", "PIL"}
