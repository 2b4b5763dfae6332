"""The scripts and the notebook of `examples/` run as they stand, and the notebook holds what it prints."""

import ast
import json
import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

LEAVES = {
    "distances": set(),
    "own_detector": {"scene.json", "scene-1.bvh", "scene-2.bvh", "scene.png"},
    "while_it_films": set(),
}
"""What a script writes into the folder that it is run in."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs_by_the_command_of_its_head(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"python examples/{script.name}" in (ast.get_docstring(ast.parse(script.read_text())) or "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    runpy.run_path(str(script), run_name="__main__")
    assert " m a" in capsys.readouterr().out, "it tells metres"
    assert {path.name for path in tmp_path.iterdir()} == LEAVES[script.stem]


def value_of(cell: dict[str, Any], names: dict[str, Any]) -> Any:
    """Run a cell's code; the value of its last line where that is an expression, which a notebook shows."""
    tree = ast.parse("".join(cell["source"]))
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "a cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "a cell", "eval"), names) if isinstance(last, ast.Expr) else None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_outputs_are_of_now(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cell by cell in one namespace; what is shown has as many lines and words as what is stored."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        with redirect_stdout(StringIO()) as printed:
            value = value_of(cell, names)
        assert cell["execution_count"] == number
        stored = [output for output in cell["outputs"] if output["output_type"] != "error"]
        assert len(stored) == len(cell["outputs"]), "an error is stored"
        texts = ["".join(output.get("text") or output["data"]["text/plain"]) for output in stored]
        now = printed.getvalue() or (repr(value) if value is not None else "")
        assert laid_out("".join(texts)) == laid_out(now)
    assert {path.name for path in (tmp_path / "first-steps").iterdir()} >= {"scene.html", "scene-1.bvh"}


def laid_out(text: str) -> list[int]:
    """How many words each line has. The words themselves differ with the lifter, and from machine to machine."""
    return [len(line.split()) for line in text.strip().splitlines()]
