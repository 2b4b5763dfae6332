"""All formats alike: chosen by suffix, whole or not at all, and whatever the scene."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from duolift.errors import InputError
from duolift.example import example_scene
from duolift.outputs import READERS, WRITERS, read, write
from duolift.scene import Scene
from tests.conftest import full_disk

NEEDS = {
    ".c3d": "ezc3d",
    ".glb": "trimesh",
    ".parquet": "pyarrow",
    ".angles.parquet": "pyarrow",
    ".png": "matplotlib",
    ".gif": "PIL",
    ".mp4": "imageio_ffmpeg",
    ".rrd": "rerun",
}
A_FILE_A_PERSON = (".bvh", ".trc")
NEEDS_SOMEBODY = (*A_FILE_A_PERSON, ".c3d")


@pytest.mark.parametrize("name", ["scene.xyz", "scene", "scene.json.bak"])
def test_an_unknown_suffix_is_refused_with_those_known(tmp_path: Path, name: str) -> None:
    for action, known in ((lambda path: write(example_scene(), path), WRITERS), (read, READERS)):
        with pytest.raises(InputError) as refused:
            action(tmp_path / name)
        assert all(suffix in str(refused.value) for suffix in known)
    assert not list(tmp_path.iterdir())


def test_a_suffix_in_capitals_is_known(tmp_path: Path) -> None:
    write(example_scene(), tmp_path / "scene.JSON")
    assert read(tmp_path / "scene.JSON").identities == (1, 2)


@pytest.mark.parametrize("suffix", WRITERS)
def test_nothing_but_the_files_named_is_left(tmp_path: Path, suffix: str) -> None:
    written = write(example_scene(frames=2), tmp_path / f"scene{suffix}")
    assert sorted(tmp_path.iterdir()) == sorted(written)
    names = [path.name for path in written]
    assert names == ([f"scene-{i}{suffix}" for i in (1, 2)] if suffix in A_FILE_A_PERSON else [f"scene{suffix}"])
    assert all(path.stat().st_size for path in written)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize(
    "scene",
    [example_scene(people=0), example_scene(frames=1, people=1, rate=None), example_scene(frames=0)],
    ids=["nobody", "one person in one image", "no frames"],
)
def test_small_scenes_are_written_or_refused_in_words(tmp_path: Path, suffix: str, scene: Scene) -> None:
    if suffix in NEEDS_SOMEBODY and not scene.valid.any():
        with pytest.raises(InputError, match="people is empty"):
            write(scene, tmp_path / f"scene{suffix}")
        assert not list(tmp_path.iterdir())
    else:
        assert all(path.stat().st_size for path in write(scene, tmp_path / f"scene{suffix}"))


@pytest.mark.parametrize("suffix", NEEDS)
def test_a_missing_library_is_named_with_the_extra_that_brings_it(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str) -> ModuleType:
        if name.partition(".")[0] == NEEDS[suffix]:
            raise ImportError(f"No module named {name!r}")
        return import_module(name)

    monkeypatch.setattr("duolift.outputs.libraries.import_module", without)
    extra = "rerun" if suffix == ".rrd" else "outputs"
    with pytest.raises(InputError, match=rf"{suffix} needs {NEEDS[suffix]}.*pip install -e .\.\[{extra}\]"):
        write(example_scene(frames=1), tmp_path / f"scene{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        write(example_scene(frames=1), tmp_path / "file" / f"scene{suffix}")
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("there", [0.05, 0.6, 0.99])
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_full_disk_is_told_of_in_a_line_and_leaves_what_was_there(
    tmp_path: Path, suffix: str, there: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Rerun joins what comes within milliseconds: files of a busy machine would differ in size
    monkeypatch.setenv("RERUN_FLUSH_TICK_SECS", "1000")
    scene = example_scene(frames=40)
    before = {path: path.read_bytes() for path in write(scene, tmp_path / f"scene{suffix}")}
    room = int(there * min(len(content) for content in before.values()))
    with full_disk(room), pytest.raises(InputError, match=rf"scene.*\{suffix}: cannot be written \([^\n]+\)$"):
        write(scene, tmp_path / f"scene{suffix}")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_importing_the_outputs_asks_for_no_library() -> None:
    heavy = sorted(
        {*NEEDS.values()}
        | {"torch", "roma", "scipy", "pandas", "lightning", "pytorch_lightning", "wandb", "omegaconf", "nflows"}
    )
    code = f"import sys, duolift.outputs, duolift.view.server; print(sorted(set({heavy}) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_format_is_added_with_a_function_and_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_names(scene: Scene, path: Path) -> list[Path]:
        path.write_text("\n".join(scene.names))
        return [path]

    monkeypatch.setitem(WRITERS, ".txt", write_names)
    (path,) = example_scene(frames=2).save(tmp_path / "scene.txt")
    assert path.read_text().split() == ["000000.jpg", "000001.jpg"]
    with pytest.raises(InputError, match=r"\.txt"):
        write(example_scene(), tmp_path / "scene.xyz")
