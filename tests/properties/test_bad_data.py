"""Files that are made to do harm: they take no more memory than a file may, never hang, and end in an error."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datamodules.sources import chi3d
from duolift import inputs, outputs
from duolift.commands.lift import named
from duolift.errors import InputError
from duolift.files.bounded_json import JSON_LIMITS
from duolift.files.npz import ArchiveLimits
from duolift.files.whole_json import json_value
from duolift.inputs import FILE_FORMATS, Options
from duolift.inputs.pictures import camera_of_picture
from duolift.networks.architecture import Architecture
from duolift.networks.people_architecture import PeopleArchitecture
from duolift.networks.people_lifter import weight_shapes
from duolift.predictor import Lifter
from experiments.checkpoints import STAMP, stamp_of
from experiments.config import load, load_run
from fuzzing import seeds
from fuzzing.readers import rows

MEGABYTES = 20
"""Of a bomb, more than is read at once."""

BOMBS: dict[str, tuple[bytes, bytes, bytes]] = {
    "a key": (b'{"', b"k", b'": 1}'),
    "a text": (b'{"images": [{"id": "', b"k", b'"}]}'),
    "a number": (b'[{"image_id": ', b"1", b"}]"),
    "blanks": (b'{"people": ', b" ", b"[]}"),
    "unknown keys": (b"{", b'"a": 0,', b'"b": 0}'),
    "an array in an item": (b'[{"image_id": 1, "keypoints": [', b"0,", b"0]}]"),
    "an array of people": (b'{"people": [', b"[],", b"[]]}"),
}

MEASURED = """
import resource, sys
from pathlib import Path
from duolift import inputs
from duolift.errors import InputError
import ijson
for path in sorted(Path(sys.argv[1]).iterdir()):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        list(inputs.read(path))
    except InputError as error:
        print(path.stem, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, error, sep="|")
"""


@pytest.mark.slow
def test_memory_is_that_of_what_is_read_at_once_and_not_of_the_file(tmp_path: Path) -> None:
    for number, (start, repeated, end) in enumerate(BOMBS.values()):
        with (tmp_path / f"{number}.json").open("wb") as file:
            file.write(start)
            file.writelines([repeated * (2**20 // len(repeated))] * MEGABYTES)
            file.write(end)
    run = subprocess.run([sys.executable, "-c", MEASURED, str(tmp_path)], capture_output=True, text=True, timeout=500)
    told = [line.split("|") for line in run.stdout.splitlines()]
    assert len(told) == len(BOMBS), run.stderr[-2000:]
    refused = re.compile("takes more than 16 MB|holds an object with|holds a list of objects with")
    assert all(refused.search(message) for _, _, message in told), told
    small, large = told[:5], told[5:]
    assert all(int(mebibytes) < 3 * MEGABYTES for _, mebibytes, _ in small), told
    assert all(int(mebibytes) < 64 * MEGABYTES for _, mebibytes, _ in large), told  # 8 bytes a number, 100 a list


@pytest.mark.parametrize("bracket", [b"[", b'{"a":', b'[{"a":'])
@pytest.mark.parametrize("closed", [True, False])
def test_nesting(tmp_path: Path, bracket: bytes, closed: bool) -> None:
    path = tmp_path / "deep.json"
    ends = bracket.replace(b'"a":', b"").translate(bytes.maketrans(b"[{", b"]}"))[::-1]
    path.write_bytes(b'{"people": [' + bracket * 100_000 + (b"1" + ends * 100_000 + b"]}") * closed)
    message = rf"nests objects and lists more than {JSON_LIMITS.depth} deep|holds no list"
    for file_format in (None, *(name for name, known in FILE_FORMATS.items() if known.suffix == ".json")):
        with pytest.raises(InputError, match=message):
            list(inputs.read(path, Options(format=file_format)))
    with pytest.raises(InputError, match=message):
        outputs.read(path)
    with pytest.raises(InputError, match="not valid JSON"):
        json_value(path, path.read_bytes())


def test_brackets_in_texts_are_no_nesting(tmp_path: Path) -> None:
    people = json.loads(seeds.openpose()[0])
    for text in ("[" * 999, '\\"[' * 999, "\\" * 65535 + '"[', "é{" * 40000):
        (tmp_path / "a.json").write_text(json.dumps({"note": text, **people}, ensure_ascii=False))
        (frame,) = inputs.read(tmp_path / "a.json")
        assert len(frame.keypoints) == 2


def test_a_list_is_as_long_as_it_likes_where_it_is_read_in_pieces(tmp_path: Path) -> None:
    """Far more than `JSON_LIMITS.held` of people, none of them large."""
    one = json.dumps(json.loads(seeds.results()[0])[0])
    with (tmp_path / "long.json").open("w") as file:
        file.write(f"[{one}")
        person = f', {{"image_id": 7, "keypoints": [{" " * 2**16}0]}}'
        file.writelines(person for _ in range(JSON_LIMITS.held // 2**16 + 2))
        file.write("]")
    with pytest.raises(InputError, match=r"\[1\]\.keypoints has 1 numbers"):
        list(inputs.read(tmp_path / "long.json"))


def zipped(path: Path, name: str, size: int) -> Path:
    """An archive whose one array is so many bytes of zeros."""
    head = io.BytesIO()
    shape = (size // (4 * 17 * 2 * 8), 4, 17, 2)
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{name}.npy", "w") as file:
        file.write(head.getvalue())
        for _ in range(size // 2**20):
            file.write(bytes(2**20))
    return path


def test_what_an_archive_unpacks_to_is_known_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "bomb.npz", "keypoints", 32 * 2**20)
    assert path.stat().st_size < 10**5
    monkeypatch.setattr("duolift.files.npz.ARCHIVE_LIMITS", ArchiveLimits(unpacked=2**20))
    for read in (outputs.read, lambda path: list(inputs.read(path))):
        with pytest.raises(InputError, match="unpacks to 33554"):
            read(path)


@pytest.mark.parametrize("shape", [(10**9, 0, 17, 2), (10**15, 0, 17, 2), (0, 10**9, 17, 2)])
def test_arrays_of_nothing_are_not_gone_through(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.savez(tmp_path / "a.npz", keypoints=np.empty(shape))
    with pytest.raises(InputError, match="with nothing in it"):
        list(inputs.read(tmp_path / "a.npz"))


@pytest.mark.parametrize("code", [b"\xff\xff\xff\x7f", b"\x00\xd8\x00\x00"], ids=["beyond Unicode", "half a pair"])
def test_texts_of_arrays_are_texts(tmp_path: Path, code: bytes) -> None:
    poses = np.zeros((1, 1, 17, 2))
    np.savez(tmp_path / "a.npz", keypoints=poses, names=np.frombuffer(code, "<U1"))
    with pytest.raises(InputError, match="names holds what is no text"):
        list(inputs.read(tmp_path / "a.npz"))


WAITS: dict[str, Callable[[Path], object]] = {
    "detections": lambda path: list(inputs.read(path)),
    "picture": camera_of_picture,
    "lifter": Lifter.load,
    "checkpoint": lambda path: stamp_of(path, "a lifter"),
    "settings": lambda path: load_run(path, []),
    "scene.json": lambda path: outputs.read(path.with_name("pipe.json")),
    "scene.npz": lambda path: outputs.read(path.with_name("pipe.npz")),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("read", WAITS.values(), ids=WAITS)
def test_a_pipe_or_a_device_is_no_file(tmp_path: Path, read: Callable[[Path], object]) -> None:
    for name in ("pipe", "pipe.json", "pipe.npz"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="pipe"):
        read(tmp_path / "pipe")


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere.json"
    folder.mkdir()
    elsewhere.write_bytes(seeds.openpose()[0])
    (folder / "loop.json").symlink_to(folder / "loop.json")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe.json")
    with pytest.raises(InputError, match=r"holds no \.json"):
        list(inputs.read(folder))
    (folder / "link.json").symlink_to(elsewhere)
    assert [frame.name for frame in inputs.read(folder)] == ["link"]
    with pytest.raises(InputError, match="cannot be read"):
        list(inputs.read(folder / "loop.json"))


NAMES = ["../../x", "..", "/", "", ".", "a/../b", "x" * 5000, "a\0b", "C:\\x", "a b", "..\\..\\x", "-o"]


@pytest.mark.parametrize("name", NAMES)
def test_an_images_name_leaves_no_folder(tmp_path: Path, name: str) -> None:
    ((label, _, _), _) = named(iter([(name, None), ("another", None)]))  # type: ignore[list-item]
    path = tmp_path / f"scene-{label}.json"
    path.write_text("")
    assert path.resolve().parent == tmp_path and len(label) <= 100


def test_labels_are_different(tmp_path: Path) -> None:
    names = ["a", "a", "a-2", "a-2", "x" * 5000 + "1", "x" * 5000 + "2"]
    labels = [label for label, _, _ in named((name, None) for name in names)]  # type: ignore[misc]
    assert len({*labels}) == len(names)


@pytest.mark.parametrize("name", [name for name in NAMES if name])
@pytest.mark.parametrize("pictures", [".", "folder"])
def test_an_images_name_is_looked_for_in_the_pictures_folder_alone(
    tmp_path: Path, name: str, pictures: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.jpg").write_bytes(seeds.pictures()[0])
    (tmp_path / "x.jpg").write_bytes(seeds.pictures()[0])
    content = {name: {"people": json.loads(seeds.openpose()[0])["people"]}}
    (tmp_path / "a.json").write_text(json.dumps(content))
    if pictures == ".":
        (tmp_path / "x.jpg").unlink()
    (frame,) = inputs.read(tmp_path / "a.json", Options(pictures=Path(pictures)))
    assert frame.image is None


ENCODINGS = ["utf-16", "utf-16-le", "utf-32", "latin-1"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_other_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_bytes('{"people": [], "é": 1}'.encode(encoding))
    with pytest.raises(InputError):
        list(inputs.read(tmp_path / "a.json"))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400, "1" + "0" * 5000])
def test_numbers_that_are_none(tmp_path: Path, number: str) -> None:
    text = seeds.openpose()[0].decode()
    value = text[text.index('pose_keypoints_2d": [') + 21 :].partition(",")[0]
    (tmp_path / "a.json").write_text(text.replace(value, number, 1))
    with pytest.raises(InputError):
        list(inputs.read(tmp_path / "a.json"))


@pytest.mark.parametrize("focal", [1e-300, 1e300])
def test_a_lens_is_one(tmp_path: Path, focal: float) -> None:
    with pytest.raises(InputError, match="expected 1 positive number"):
        Options(focal=focal)


SPOILT: dict[str, dict[str, object]] = {
    "a network too wide to be there": {"width": 65536},
    "endless blocks": {"blocks": 10**9},
    "no number": {"width": "4"},
    "a list for a name": {"skeleton": ["paper19"]},
    "true": {"blocks": True},
    "no distance": {"c": float("nan")},
    "too near": {"c": 0.5},
    "a straight angle": {"elevation_bound": float("inf")},
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_a_lifter_that_is_none_takes_no_memory(tmp_path: Path, change: dict[str, object]) -> None:
    content = seeds.lifters()[0]
    length = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + length])
    told = json.loads(head["__metadata__"]["duolift"])
    for key, value in change.items():
        architecture = told["architecture"]
        (architecture["lifter"] if key in architecture["lifter"] else architecture)[key] = value
    head["__metadata__"]["duolift"] = json.dumps(told)
    written = json.dumps(head).encode()
    path = tmp_path / "lifter.safetensors"
    path.write_bytes(len(written).to_bytes(8, "little") + written + content[8 + length :])
    with pytest.raises(InputError, match="weights and architecture disagree"):
        Lifter.load(path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, lifter: Lifter) -> None:
    next(iter(lifter.people.parameters())).data[0] = torch.nan
    lifter.save(tmp_path / "lifter.safetensors")
    with pytest.raises(InputError, match="is not finite"):
        Lifter.load(tmp_path / "lifter.safetensors")


def test_shapes_are_those_of_the_weights() -> None:
    shapes = weight_shapes(PeopleArchitecture("paper19", Architecture(width=60000, blocks=2), 5.0))
    assert max(shape.numel() for shape in shapes.values()) == 60000**2  # 14 GB, had they been made


@pytest.mark.parametrize("stamp", [[1], {"format": 1}, "a text", {"version": "1"}])
def test_a_stamp_that_is_not_whole_is_refused(tmp_path: Path, stamp: object) -> None:
    torch.save({STAMP: stamp}, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match="its stamp is not whole"):
        stamp_of(tmp_path / "last.ckpt", "a lifter")


LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefghijklmnopq"))
SETTINGS = {"aliases": LAUGHS, "levels": "a: " + "[" * 100_000, "levels by dashes": "a:\n" + "- " * 50_000}


@pytest.mark.parametrize("text", SETTINGS.values(), ids=SETTINGS)
def test_settings_are_plain(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(InputError, match="expected plain settings"):
        load_run(tmp_path / "config.yaml", [])


@pytest.mark.parametrize("argument", ["experiment=${data}", "experiment=${x", "run=\udccd", "run=${run}", "seed=${x}"])
def test_arguments_that_say_nothing(argument: str) -> None:
    with pytest.raises(InputError):
        load([argument])


TABLES: dict[str, Callable[[Any], Any]] = {
    "a list for an image": lambda table: _with(table, "image", [[1.0], [2.0]] * 2),
    "true for an image": lambda table: _with(table, "image", [True] * 4),
    "a text for a lens": lambda table: _with(table, "focal", ["a", None, "b", None]),
    "a list for a lens": lambda table: _with(table, "focal", [[1.0], None] * 2),
    "an object for a width": lambda table: _with(table, "width", [{"a": 1}] * 4),
    "texts for joints": lambda table: _with(table, "keypoints", [["a"]] * 4),
    "a column twice": lambda table: table.append_column("width", table["width"]),
    "beyond all pixels": lambda table: _with(table, "keypoints", [[1e30] * 38] * 4),
    "a width beyond all pixels": lambda table: _with(table, "width", [1e30] * 4),
}


def _with(table: Any, name: str, values: list[Any]) -> Any:
    import pyarrow as pa

    rest = table.drop_columns([name]) if name in table.column_names else table
    return rest.append_column(name, pa.array(values))


@pytest.mark.parametrize("change", TABLES.values(), ids=TABLES)
def test_a_table_of_something_else_is_refused(tmp_path: Path, change: Callable[[Any], Any]) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "people.parquet"
    pq.write_table(change(pq.read_table(io.BytesIO(seeds.tables()[0]))), path)
    with pytest.raises(InputError, match=r"people\.parquet: "):
        rows(path)


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    whole, path = seeds.tables()[0], tmp_path / "people.parquet"
    for damaged in (whole.replace(b"width", b"\x98idth"), whole[:4] + bytes(60) + whole[64:], whole[:-50]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"people\.parquet: "):
            rows(path)


def test_arguments_are_plain() -> None:
    for argument in ("run=" + "[" * 100_000, "a" + ".a" * 100_000 + "=1", "run=" + "- " * 50_000):
        with pytest.raises(InputError, match=r"expected plain settings|expected key=value"):
            load([argument])


def test_a_parsed_copy_of_another_kind_is_made_anew(tmp_path: Path) -> None:
    root = seeds.write_tree(tmp_path / "tree", *seeds.take(), seeds.INFO)
    whole = chi3d.read(root, [seeds.SUBJECT], None, tmp_path / "cache")
    (copy,) = (tmp_path / "cache").glob("*.npz")
    good = dict(np.load(copy))
    for change in (
        {"world": good["world"][:, :1]},
        {"world": good["world"] * np.nan},
        {"start": np.array([0, 1])},
        {"names": np.array([1])},
        {"focal": good["focal"].astype(np.float64)},
    ):
        np.savez(copy, **{**good, **change})
        assert torch.equal(chi3d.read(root, [seeds.SUBJECT], None, tmp_path / "cache").world, whole.world)
    np.savez(copy, world=good["world"])
    assert torch.equal(chi3d.read(root, [seeds.SUBJECT], None, tmp_path / "cache").world, whole.world)
