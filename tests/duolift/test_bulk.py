"""Properties of bulk lifting: every file once, whole, alike however it is shared out; bad ones by name."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from torch import Tensor

from duolift.body.skeleton import PAPER19
from duolift.bulk import FileLifter, columns, file_lifter, lift_files
from duolift.bulk.__main__ import main
from duolift.camera import DETECTOR_NOISE
from duolift.errors import InputError
from duolift.export import ImageLifter
from duolift.predictor import Lifter

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

JOINTS = len(PAPER19)
PEOPLE = (2, 1, 3, 2, 2, 1)
"""How many are in each image of a file."""


@pytest.fixture
def table(some_rays: Callable[..., Tensor]) -> Any:
    """Keypoints of `PEOPLE`, one joint of the first person hidden, the fourth person not seen."""
    count = sum(PEOPLE)
    pixels = (450 + 800 * some_rays(count)).numpy().reshape(count, -1)
    confidence = np.ones((count, JOINTS), np.float32)
    confidence[0, PAPER19.index("left_wrist")] = confidence[3] = 0
    image = np.repeat([f"{number}.jpg" for number in range(len(PEOPLE))], PEOPLE)
    return pa.table(
        {
            "image": image.tolist(),
            "person": np.concatenate([np.arange(n) for n in PEOPLE]),
            "width": np.full(count, 900),
            "height": np.full(count, 900.0),
            "keypoints": list(pixels),
            "confidence": list(confidence),
            "unused": ["x"] * count,
        }
    )


@pytest.fixture
def weights(lifter: Lifter, tmp_path: Path) -> Path:
    lifter.save(tmp_path / "lifter.safetensors")
    return tmp_path / "lifter.safetensors"


@pytest.fixture
def folders(table: Any, tmp_path: Path) -> tuple[Path, Path]:
    """A folder of three files, one of them in a folder of its own and one empty, and one for what becomes of them."""
    source = tmp_path / "keypoints"
    (source / "more").mkdir(parents=True)
    for name, some in (("a", table), ("more/b", table.slice(3)), ("c", table.slice(0, 0))):
        pq.write_table(some, source / f"{name}.parquet", row_group_size=4)
    return source, tmp_path / "people"


def tables(folder: Path) -> dict[str, Any]:
    return {path.relative_to(folder).as_posix(): pq.read_table(path) for path in folder.rglob("*.parquet")}


def array(column: Any) -> np.ndarray:
    return np.array(column.to_pylist(), np.float32)


def test_bfloat16_costs_less_than_a_centimetre(
    folders: tuple[Path, Path], weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joints = {}
    for half in (False, True):
        monkeypatch.setattr(file_lifter, "fast_bfloat16", lambda half=half: half)
        assert not any(outcome.error for outcome in lift_files(folders[0], tmp_path / str(half), weights))
        joints[half] = array(tables(tmp_path / str(half))["a.parquet"]["joints"])
    assert 0 < np.nanmax(np.abs(joints[True] - joints[False])) < 0.01


def test_every_row_is_lifted_as_its_image_is_alone(
    folders: tuple[Path, Path], weights: Path, lifter: Lifter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lifter, "fast_bfloat16", lambda: False)
    outcomes = {outcome.file: outcome for outcome in lift_files(*folders, weights)}
    found, table = tables(folders[1]), pq.read_table(folders[0] / "a.parquet")
    assert {name: len(people) for name, people in found.items()} == {
        "a.parquet": 11,
        "more/b.parquet": 8,
        "c.parquet": 0,
    }
    assert (outcomes["a.parquet"].people, outcomes["a.parquet"].images) == (11, 6)
    people = found["a.parquet"]
    assert people.select(["image", "person"]).equals(table.select(["image", "person"]))
    valid = np.arange(11) != 3
    joints = array(people["joints"]).reshape(11, JOINTS, 3)
    assert np.isfinite(joints[valid]).all() and np.isnan(joints[3]).all()
    assert np.isnan(array(people["elevation"])[3]) and array(people["confidence"])[3] == 0
    np.testing.assert_allclose(array(people["focal"]), 900 * 2**0.5, rtol=1e-6)
    model, focal, start = ImageLifter(Lifter.load(weights).people), torch.tensor([900 * 2**0.5]), 0
    points, seen = array(table["keypoints"]).reshape(11, JOINTS, 2), array(table["confidence"]) > 0
    for count in PEOPLE:
        of = slice(start, start + count)
        given = torch.from_numpy(points[None, of]), torch.from_numpy(seen[None, of])
        alone = model(*given, focal, torch.full((1, 2), 450.0), torch.full((1, count), DETECTOR_NOISE))
        chosen = valid[of]
        np.testing.assert_allclose(joints[of][chosen], alone["people"][0].numpy()[chosen], atol=1e-4)
        np.testing.assert_allclose(array(people["up"])[of], alone["up"].expand(count, 3).numpy(), atol=1e-5)
        start += count


def test_images_that_lie_across_what_is_read_at_once_stay_together(
    folders: tuple[Path, Path], weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(lift_files(*folders, weights))
    for rows in (1, 2, 3, 5):
        monkeypatch.setattr(columns, "ROWS_AT_ONCE", rows)
        list(lift_files(folders[0], tmp_path / str(rows), weights))
        for name, people in tables(folders[1]).items():
            again = tables(tmp_path / str(rows))[name]
            assert again.select(["image", "person"]).equals(people.select(["image", "person"]))
            np.testing.assert_allclose(array(again["joints"]), array(people["joints"]), atol=1e-4)


def test_what_is_there_is_not_made_again(
    folders: tuple[Path, Path], weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folders[1]
    assert len(list(lift_files(*folders, weights))) == 3
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*.parquet")}
    (target / "a.parquet").unlink()
    lifted: list[str] = []
    lift = FileLifter.lift
    monkeypatch.setattr(FileLifter, "lift", lambda self, name: lifted.append(name) or lift(self, name))
    list(lift_files(*folders, weights))
    assert lifted == ["a.parquet"]
    after = {path: path.stat().st_mtime_ns for path in target.rglob("*.parquet")}
    assert after.keys() == before.keys() and sum(after[path] != before[path] for path in after) == 1


def test_a_file_cut_off_in_lifting_leaves_nothing(
    folders: tuple[Path, Path], weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "ROWS_AT_ONCE", 4)
    lift, calls = FileLifter.lift_people, []

    def fail(self: FileLifter, *given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise MemoryError
        return lift(self, *given)

    monkeypatch.setattr(FileLifter, "lift_people", fail)
    with pytest.raises(MemoryError):
        list(lift_files(*folders, weights))
    assert [path for path in folders[1].rglob("*") if path.is_file()] == []


def test_people_of_another_lifter_are_refused(
    folders: tuple[Path, Path], weights: Path, people_lifter: Any, tmp_path: Path
) -> None:
    list(lift_files(*folders, weights))
    Lifter(people_lifter()).save(tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"a\.parquet: was made by another lifter"):
        list(lift_files(*folders, tmp_path / "other.safetensors"))


def changed(table: Any, name: str, values: Any) -> Any:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


SPOILT: dict[str, tuple[Callable[[Any], Any], str]] = {
    "column": (lambda t: t.drop_columns(["person"]), "has no column person"),
    "apart": (lambda t: t.take([0, 2, 1, *range(3, 11)]), "rows of image '0.jpg' are apart"),
    "joints": (lambda t: changed(t, "keypoints", [[1.0, 2.0]] * 11), "keypoints holds a list of 2; .*lists of 38"),
    "null": (lambda t: changed(t, "confidence", [None] * 11), "confidence holds a null; expected lists of 19"),
    "size": (lambda t: changed(t, "width", [0.0] * 11), r"size is \[0\.0, 900\.0\] pixels"),
    "type": (lambda t: changed(t, "height", ["high"] * 11), "column height is of string; expected numbers"),
    "focal": (lambda t: t.append_column("focal", pa.array([-1.0] * 11)), r"focal is -1\.0 pixels"),
    "image": (lambda t: changed(t, "image", [None] * 11), "column image holds nulls"),
}


@pytest.mark.parametrize(("spoil", "fragment"), SPOILT.values(), ids=SPOILT)
def test_a_bad_file_is_named_and_leaves_the_others_lifted(
    folders: tuple[Path, Path], weights: Path, table: Any, spoil: Callable[[Any], Any], fragment: str
) -> None:
    source, target = folders
    pq.write_table(spoil(table), source / "a.parquet")
    bad, *good = lift_files(source, target, weights)
    with pytest.raises(InputError, match=fragment):
        raise InputError(bad.error)
    assert bad.error.startswith(f"{source}/a.parquet: ") and [outcome.error for outcome in good] == ["", ""]
    assert tables(target).keys() == {"c.parquet", "more/b.parquet"}
    assert [path for path in target.rglob("*") if path.suffix == ".part"] == []


def test_focal_lengths_are_taken_where_they_are_told(folders: tuple[Path, Path], weights: Path, table: Any) -> None:
    told = [1000.0] * 2 + [None] * 9
    pq.write_table(table.append_column("focal", pa.array(told)), folders[0] / "a.parquet")
    list(lift_files(*folders, weights))
    focal = array(tables(folders[1])["a.parquet"]["focal"])
    np.testing.assert_allclose(focal, [1000.0] * 2 + [900 * 2**0.5] * 9, rtol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "fragment"),
    [
        (lambda source: [path.unlink() for path in source.rglob("*.parquet")], "keypoints: holds no files"),
        (lambda source: (source / "a.parquet").write_bytes(b"spoilt"), "a.parquet: not readable as Parquet"),
    ],
)
def test_the_command_says_what_is_wrong_and_ends_with_2(
    folders: tuple[Path, Path], weights: Path, spoil: Any, fragment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(folders[0])
    assert main([*map(str, folders), "--weights", str(weights)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and fragment in line


# Ray ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A small Ray of its own, that keeps nothing but in a temporary folder."""
    library = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_AUTH_MODE", "disabled")
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        folder = tmp_path_factory.mktemp("r")
        library.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 * 2**20,
            log_to_driver=False,
            _temp_dir=str(folder),
        )
        yield library
        library.shutdown()


@pytest.mark.slow
def test_two_workers_make_the_files_of_one(
    ray: Any, folders: tuple[Path, Path], weights: Path, table: Any, tmp_path: Path
) -> None:
    source, target = folders
    pq.write_table(table.drop_columns(["person"]), source / "bad.parquet")
    here, valid = (
        {outcome.file: outcome for outcome in lift_files(source, folder, weights, workers)}
        for folder, workers in ((target, 0), (tmp_path / "by-ray", 2))
    )
    assert here.keys() == valid.keys()
    for name, outcome in here.items():
        assert (outcome.people, outcome.images, outcome.error) == (
            valid[name].people,
            valid[name].images,
            valid[name].error,
        )
    assert here["bad.parquet"].error
    ours, theirs = tables(target), tables(tmp_path / "by-ray")
    assert ours.keys() == theirs.keys() == {"a.parquet", "c.parquet", "more/b.parquet"}
    for name, people in ours.items():
        assert theirs[name].select(["image", "person"]).equals(people.select(["image", "person"]))
        np.testing.assert_allclose(array(theirs[name]["joints"]), array(people["joints"]), atol=1e-4)
    assert next(lift_files(source, tmp_path / "by-ray", weights, 2)).file == "bad.parquet"


def test_the_module_needs_neither_ray_nor_pyarrow_to_be_imported() -> None:
    code = "import sys, duolift.bulk.__main__; print({'ray', 'pyarrow'} & {*sys.modules})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY)
    assert ended.stdout.strip() == "set()", ended.stderr
