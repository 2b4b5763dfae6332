"""Scenes as JSON and as arrays: what is written comes back, and nothing else comes in."""

import copy
import dataclasses
import gc
import json
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duolift.body.skeleton import CHI3D25, PAPER23
from duolift.errors import InputError
from duolift.example import example_scene
from duolift.outputs import READERS, fields, read, write
from duolift.outputs.document import from_document, from_json, members_of, to_document, to_json
from duolift.outputs.page import page
from duolift.outputs.schema import READABLE_VERSIONS, SCENE_VERSION
from duolift.scene import Scene

SCENES = {
    "two, one of them absent for a while": example_scene(),
    "a single image": example_scene(frames=1, rate=None),
    "one person": example_scene(people=1),
    "nobody": example_scene(people=0),
    "no frames": example_scene(frames=0),
    "feet": example_scene(skeleton=PAPER23),
    "fingers": example_scene(skeleton=CHI3D25),
}
DECIMAL_PLACES = {
    "people": 2e-4,
    "by_paper": 2e-4,
    "keypoints": 6e-3,
    "confidence": 6e-4,
    "up": 1e-6,
    "height": 1e-4,
    "deviation": 1e-4,
}


def assert_same(found: Scene, expected: Scene, tolerance: bool) -> None:
    for field in dataclasses.fields(Scene):
        was, now = getattr(expected, field.name), getattr(found, field.name)
        if isinstance(was, np.ndarray):
            assert now.dtype == was.dtype and now.shape == was.shape, field.name
            np.testing.assert_allclose(now, was, rtol=0, atol=DECIMAL_PLACES.get(field.name, 0) if tolerance else 0)
        elif field.name == "skeleton":
            assert (now.name, now.joints, now.bones) == (was.name, was.joints, was.bones)
        else:
            assert now == was, field.name


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("name", SCENES)
def test_what_is_written_comes_back(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"scene{suffix}"
    assert write(SCENES[name], path) == [path]
    assert_same(read(path), SCENES[name], tolerance=suffix != ".npz")


def test_the_first_half_of_a_surrogate_pair_is_read_as_a_question_mark() -> None:
    content = to_document(example_scene(frames=1)) | {"names": ["\ud800.jpg"]}
    assert from_json(json.dumps(content), "a").names == ("?.jpg",)


def test_json_is_json_and_says_nothing_of_who_is_absent() -> None:
    text = to_json(SCENES["two, one of them absent for a while"])
    assert "NaN" not in text and "Infinity" not in text
    found = json.loads(text)
    assert found["people"][1][1] is None and found["people"][1][0] is not None
    assert found["keypoints"][0][0][found["joints"].index("left_hand")] is None
    assert found["people"][0][0][found["joints"].index("pelvis")] == pytest.approx([0, 0.95, -4], abs=1e-3)


def test_a_second_trip_changes_nothing() -> None:
    once = from_json(to_json(SCENES["feet"]), "scene")
    assert_same(from_json(to_json(once), "scene"), once, tolerance=True)


def put(key: str, value: Any) -> Callable[[dict], None]:
    return lambda document: document.__setitem__(key, value)


BROKEN: dict[str, tuple[Callable[[dict], None], str]] = {
    "another format": (put("format", "other"), "format is 'other'"),
    "a later version": (put("version", 5), "version is 5; expected 1 or 2 or 3 or 4"),
    "a missing key": (lambda d: d.pop("people"), "people is missing"),
    "an unknown joint": (lambda d: d["joints"].__setitem__(3, "tail"), "joints"),
    "joints that are no list": (put("joints", "pelvis"), "joints is 'pelvis'; expected a list"),
    "joints that are no text": (put("joints", [*range(19)]), "joints is [0, 1, 2"),
    "a skeleton of no name": (put("skeleton", 3), "skeleton is 3"),
    "names that are no text": (lambda d: d["names"].__setitem__(0, 7), "names"),
    "identities that are no numbers": (put("identities", ["1", "2"]), "identities"),
    "the same identity twice": (put("identities", [1, 1]), "identities is [1, 1]"),
    "people of another shape": (lambda d: d["people"].pop(), "people is an array (3, 2, 19, 3)"),
    "ragged people": (lambda d: d["people"][0][0].pop(), "people is a ragged list"),
    "people of words": (lambda d: d["people"][0][0][0].__setitem__(0, "1.0"), "people is an array"),
    "people who are a number": (put("people", 3), "people is an array ()"),
    "half a person": (lambda d: d["people"][0][0].__setitem__(2, [None] * 3), "people is an array"),
    "a person too far away": (
        lambda d: d["people"][0][0][0].__setitem__(0, 1e300),
        "people[0, 0] is [[1e+300",
    ),
    "a null in the wrong place": (lambda d: d["people"].__setitem__(0, None), "people"),
    "seen that is not true or false": (lambda d: d["seen"][0][0].__setitem__(0, 0.5), "seen"),
    "more than sure": (lambda d: d["confidence"][0].__setitem__(0, 1.5), "confidence[0, 0] is 1.5; expected 0 to 1"),
    "up of another length": (put("up", [[0, -2, 0]] * 4), "up[0] is [0.0, -2.0, 0.0]"),
    "a height of nothing": (put("height", [None] * 4), "height"),
    "half a keypoint": (lambda d: d["keypoints"][0][0].__setitem__(0, [1.0, None]), "keypoints is an array"),
    "an image of no size": (put("image", [0, 720]), "image is [0, 720]"),
    "a negative focal length": (put("focal", -1), "focal is -1"),
    "a focal length of true": (put("focal", True), "focal is True"),
    "a focal length beyond numbers": (put("focal", 10**400), "focal"),
    "a focal length from nowhere": (put("focal_source", "guessed"), "focal_source is 'guessed'"),
    "a focal length from a list": (put("focal_source", []), "focal_source is []"),
    "a rate of nothing": (put("rate", 0), "rate is 0"),
    "notes that are one text": (put("notes", "well"), "notes is 'well'"),
    "notes of numbers": (put("notes", [3]), "notes is [3]"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_scene_is_refused_by_name(name: str) -> None:
    document = copy.deepcopy(to_document(SCENES["two, one of them absent for a while"]))
    change, message = BROKEN[name]
    change(document)
    with pytest.raises(InputError) as refused:
        from_json(json.dumps(document), "my.json")
    assert str(refused.value).startswith("my.json: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", "[" * 100_000, '{"format": NaN}', "\x00"], ids=lambda text: repr(text[:10])
)
def test_what_is_no_scene_at_all_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^my\.json: "):
        from_json(text, "my.json")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="not valid JSON"):
        from_json(b"\xff\xfe\x00\x81", "my.json")


def test_broken_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scene.npz"
    write(SCENES["one person"], path)
    whole = path.read_bytes()
    for content in (b"", b"PK", whole[: len(whole) // 2], whole[:200] + b"\0" * 400 + whole[600:]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"scene\.npz: "):
            read(path)
    np.savez(path, people=np.zeros(3))
    with pytest.raises(InputError, match=r"expected an \.npz that duolift has written"):
        read(path)
    np.savez(path, about=np.array(json.dumps({"version": 1})), people=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"scene\.npz: "):
        read(path)


@pytest.mark.parametrize("suffix", READERS)
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / f"none{suffix}")


STORED = Path(__file__).parent / "stored"
"""Scenes as `duolift.outputs` wrote them when the layout became the version of their names."""


@pytest.mark.parametrize("suffix", [suffix for suffix in READERS if suffix != ".html"])
@pytest.mark.parametrize("version", READABLE_VERSIONS)
def test_files_of_every_version_still_load(version: int, suffix: str) -> None:
    found, expected = read(STORED / f"version-{version}{suffix}"), example_scene(frames=2)
    later = ["deviation"] * (version < 2) + ["distance_deviation", "tilt_deviation"] * (version < 3)
    unknown = {name: np.full_like(getattr(expected, name), np.nan) for name in later}
    expected = dataclasses.replace(expected, **unknown)
    assert_same(found, expected, tolerance=True)


@pytest.mark.parametrize("version", READABLE_VERSIONS)
def test_pages_hold_scenes_of_every_version(version: int, tmp_path: Path) -> None:
    content = json.loads((STORED / f"version-{version}.json").read_text())
    (tmp_path / "scene.html").write_text(page({"lifts": False, "served": False, "scene": content}), encoding="utf-8")
    assert_same(read(tmp_path / "scene.html"), read(STORED / f"version-{version}.json"), tolerance=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html></html>", "holds no scene; expected a page that duolift wrote"),
        (page({}), "is a page without a scene"),
        (page({"scene": {"format": "another"}}), "format is 'another'; expected 'duolift scene'"),
        (page({}).replace('settings">{', 'settings">{{'), "the page's scene: not valid JSON"),
        (
            page({}).replace('settings">{', 'settings">[{').replace("}</script>", "}]</script>", 1),
            "the page's scene: holds a list",
        ),
    ],
)
def test_a_page_without_a_scene_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "scene.html").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read(tmp_path / "scene.html")


def test_the_json_layout_is_that_of_the_stored_file() -> None:
    stored = json.loads((STORED / f"version-{SCENE_VERSION}.json").read_text())
    written = to_document(example_scene(frames=2))
    assert list(written) == list(stored)
    for key, value in stored.items():
        assert flat_types(written[key]) == flat_types(value), key


def flat_types(value: Any) -> Any:
    """A nested list with types for numbers and texts."""
    return [flat_types(item) for item in value] if isinstance(value, list) else type(value)


def test_values_in_the_place_of_arrays_are_refused(tmp_path: Path) -> None:
    """An array is no value of `about`, and no array is taken from there."""
    path = tmp_path / "scene.npz"
    write(SCENES["one person"], path)
    with np.load(path) as content:
        arrays = dict(content)
    about = json.loads(str(arrays.pop("about")))
    people = arrays.pop("people")
    np.savez(path, about=np.array(json.dumps({**about, "people": [[1], [2, 3]]})), **arrays)
    with pytest.raises(InputError, match="people is missing"):
        read(path)
    del about["focal_source"]
    np.savez(path, about=np.array(json.dumps(about)), people=people, focal_source=np.array(["known"] * 2), **arrays)
    with pytest.raises(InputError, match="focal_source is missing"):
        read(path)


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_a_long_video_is_written_key_by_key(suffix: str, tmp_path: Path) -> None:
    """Numbers of Python's own take several times the memory of their text: those of one key are there at a time."""
    scene = example_scene(frames=400)
    written = tmp_path / f"scene.{suffix}"
    scene.save(written)
    tracemalloc.start()
    scene.save(written)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    text = len(to_json(scene))
    assert peak < 7 * text + 6 * (written.stat().st_size - text)


DAMAGES = (
    "",
    " ",
    "{",
    "{}",
    " { } ",
    "{]",
    "{,}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a":1 "b":2}',
    '{"a":1}}',
    '{"a":1} x',
    "{a:1}",
    "{1:1}",
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a" : [1, 2 ] , "b":{"c":null}}',
    '{"a":tru}',
    '{"a":"tru',
    '{"a":[1,2',
)


@pytest.mark.parametrize("text", DAMAGES)
def test_key_by_key_the_same_is_json_as_at_once(text: str) -> None:
    def refuse(name: str) -> None:
        raise ValueError(name)

    within = f'{{"first": 1, "scene": {text}}}'
    try:
        expected = json.loads(text, parse_constant=refuse)
    except ValueError:
        for content, path in ((text, ""), (within, "scene")):
            with pytest.raises(InputError, match=r"my\.json: not valid JSON"):
                members_of(BytesIO(content.encode()), "my.json", path)
    else:
        assert members_of(BytesIO(text.encode()), "my.json") == expected
        assert members_of(BytesIO(within.encode()), "my.json", "scene") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "my.json: holds a list; expected a JSON object"),
        ("7", "my.json: holds a number; expected a JSON object"),
        ("false", "my.json: holds true or false; expected a JSON object"),
        ("null", "my.json: holds null; expected a JSON object"),
        ('{"a":1,"a":2}', "my.json: has the key a twice; expected it once"),
        ('{"a":[1,2', "my.json: not valid JSON (parse error: premature EOF); is the file cut off?"),
        ('{"a":[NaN]}', "my.json: not valid JSON (lexical error: invalid char in json text, near '{\"a\":[NaN]}')"),
        ('{"a":' + "[" * 100_000, "my.json: nests objects and lists more than 64 deep; expected fewer"),
    ],
    ids=lambda text: text[:12],
)
def test_what_is_wrong_with_a_file_is_said(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        members_of(BytesIO(text.encode()), "my.json")
    assert str(refused.value) == message


def test_reading_leaves_the_collector_as_it_was() -> None:
    gc.disable()
    try:
        members_of(BytesIO(b"{}"), "my.json")
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(InputError):
        members_of(BytesIO(b"{"), "my.json")
    assert gc.isenabled()


def test_a_scene_reads_the_same_key_by_key_and_from_values() -> None:
    scene = example_scene()
    assert from_json(to_json(scene), "scene") == from_document(json.loads(to_json(scene)), "scene")


@pytest.mark.parametrize("rows", [1, 3, 4, 1000])
def test_a_long_scene_is_written_in_parts_as_it_is_in_one(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "ROWS", rows)
    scene = Scene.example()
    whole = json.dumps(to_document(scene), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    assert to_json(scene) == whole
    nobody = to_json(scene.select([]))
    assert to_json(from_json(nobody, "nobody.json")) == nobody
