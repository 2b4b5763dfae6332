"""Every example in a docstring runs, and everything that a user may call has one."""

import ast
import doctest
import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY

import duolift

FOLDERS = ("duolift", "benchmarks", "callbacks", "datamodules", "experiments", "fuzzing", "lightning_modules")

PUBLIC_ROOMS = ("body", "detectors", "geometry", "inputs", "learning", "metrics", "networks", "outputs", "placement")
"""The folders of `duolift` whose functions and classes a program may use beside `duolift.__all__`.

Of a folder whose `__init__` has an `__all__`, those names; else every name that begins without an underscore.
"""

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.DONT_ACCEPT_TRUE_FOR_1

WITHOUT_EXAMPLE: dict[str, tuple[str, ...]] = {
    "writers and readers of one format: the example is `Scene.save`": (
        "duolift.outputs.arrays",
        "duolift.outputs.bvh",
        "duolift.outputs.document.read_document",
        "duolift.outputs.document.write_document",
        "duolift.outputs.fields",
        "duolift.outputs.markers",
        "duolift.outputs.meshes",
        "duolift.outputs.notebook",
        "duolift.outputs.page",
        "duolift.outputs.pictures",
        "duolift.outputs.recording",
        "duolift.outputs.schema",
        "duolift.outputs.table",
    ),
    "steps of ground placement: the example is `GroundPlacement`": (
        "duolift.placement.ground",
        "duolift.placement.horizon",
    ),
}
"""A reason -> what has no example: `module` for all of a module, or `module.name`. Shorten it; never let it grow."""


def sources() -> dict[str, Path]:
    """Module name -> its file, for every module of the repository's packages."""
    files = (file for folder in FOLDERS for file in sorted((REPOSITORY / folder).rglob("*.py")))
    return {module_name(file): file for file in files}


def module_name(file: Path) -> str:
    parts = file.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def prompts(file: Path) -> int:
    """How many examples a file's text holds, wherever they stand."""
    return sum(line.lstrip().startswith(">>> ") for line in file.read_text().splitlines())


SOURCES = sources()
WITH_EXAMPLES = [name for name, file in SOURCES.items() if prompts(file)]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a module's examples, in an empty folder; none stands where doctest does not look for it."""
    monkeypatch.chdir(tmp_path)
    module, report = importlib.import_module(name), io.StringIO()
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    found = [test for test in doctest.DocTestFinder().find(module, name) if test.examples]
    for test in found:
        runner.run(test, out=report.write)
    if runner.summarize(verbose=False).failed:
        pytest.fail(report.getvalue(), pytrace=False)
    ran = sum(example.source.count("\n") > 0 for test in found for example in test.examples)
    assert ran == prompts(SOURCES[name]), f"{name}: doctest finds {ran} examples of {prompts(SOURCES[name])}"


def documented(tree: ast.Module) -> Iterator[str]:
    """The docstrings of a module, its classes and its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def names_in_examples(tree: ast.Module) -> set[str]:
    """Every word of the code of a module's examples."""
    parser = doctest.DocTestParser()
    return {
        word
        for docstring in documented(tree)
        for example in parser.get_examples(docstring)
        for word in re.findall(r"\w+", example.source)
    }


def public_names(tree: ast.Module) -> set[str]:
    """The functions and classes that a module defines for others."""
    defined = (node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return {name for name in defined if not name.startswith("_")}


def exported(tree: ast.Module) -> set[str] | None:
    """The names in a module's `__all__`; None where it has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return {*ast.literal_eval(node.value)}
    return None


def without_example() -> set[str]:
    """`module.name` of every public function and class that no example of its module, or of its folder, uses."""
    trees = {module: ast.parse(file.read_text()) for module, file in SOURCES.items()}
    missing: set[str] = set()
    for module, tree in trees.items():
        room, shown = ".".join(module.split(".")[:2]), names_in_examples(tree)
        if room.removeprefix("duolift.") in PUBLIC_ROOMS:
            names, shown = exported(trees[room]), shown | names_in_examples(trees[room])
            expected = public_names(tree) if names is None else public_names(tree) & names
        else:
            expected = {name for name, home in duolift.PUBLIC.items() if home == module}
        missing |= {f"{module}.{name}" for name in expected - shown}
    return missing


def test_everything_public_has_an_example() -> None:
    exempt = {name for names in WITHOUT_EXAMPLE.values() for name in names}
    missing = without_example()
    unexcused = sorted(name for name in missing if not {name, name.rpartition(".")[0]} & exempt)
    assert not unexcused, f"no example of its module uses {', '.join(unexcused)}"
    needless = exempt - missing - {name.rpartition(".")[0] for name in missing}
    assert not needless, f"take off the list of exemptions: {', '.join(sorted(needless))}"
