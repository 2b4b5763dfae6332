"""File formats: one of another module is known as soon as that is imported, and each recognises its own files alone."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY

from duolift.errors import InputError
from duolift.inputs import FILE_FORMATS, FORMATS, JOINTS, Options, check_source, read
from duolift.inputs.registry import Peek, _peeks, file_format, recognised
from fuzzing.seeds import DETECTOR_FILES

PERSON = " ".join(f"{100 + 9 * joint} {50 + 20 * joint} 0.9" for joint in range(17))
FILE = f"# coco17\n{PERSON}\n{PERSON.replace('0.9', '0.4')}\n"

PAGE = (REPOSITORY / "docs" / "formats.md").read_text(encoding="utf-8")


@pytest.fixture
def lines() -> Iterator[None]:
    """The format that docs/formats.md adds, for the time of a test."""
    (example,) = re.findall(r"^```py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    exec(compile(example, "docs/formats.md", "exec"), {"__name__": "lines"})
    yield
    del FILE_FORMATS["lines"]


def test_a_format_from_outside_is_read(lines: None, tmp_path: Path) -> None:
    """Recognised, by its name, and in a folder, as those are that come with the package."""
    path = tmp_path / "image.txt"
    path.write_text(FILE)
    frames = [*read(path), *read(path, Options(format="lines")), *read(tmp_path)]
    assert [(frame.name, len(frame.keypoints)) for frame in frames] == [("image", 2)] * 3
    hips = JOINTS.indices(("left_hip", "right_hip"))
    assert frames[0].keypoints[0, hips].tolist() == [[100 + 9 * joint, 50 + 20 * joint] for joint in (11, 12)]
    assert frames[0].confidence[:, hips[0]].tolist() == [0.9, 0.4]


def test_messages_know_a_format_from_outside(lines: None, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"frames": []}')
    with pytest.raises(InputError, match=r"the option format names one of .*, lines, "):
        list(read(tmp_path / "a.json"))
    with pytest.raises(InputError, match=r"expected one of .*kinetics, lines, mediapipe"):
        Options(format="line")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"holds no \.json or \.npz or .* or \.txt file"):
        check_source(tmp_path / "folder")
    (tmp_path / "b.txt").write_text(FILE.replace("0.9", "sure", 1))
    with pytest.raises(InputError, match=r"b\.txt: could not convert"):
        list(read(tmp_path / "b.txt"))


def test_a_format_is_gone_with_its_module(tmp_path: Path) -> None:
    (tmp_path / "image.txt").write_text(FILE)
    with pytest.raises(InputError, match="no JSON"):
        list(read(tmp_path / "image.txt"))
    assert "lines" not in FILE_FORMATS


def test_two_formats_of_one_name_are_refused() -> None:
    before = FILE_FORMATS["npz"]
    with pytest.raises(ValueError, match="'npz' is registered twice"):
        file_format("npz", "another", recognises=lambda peek: True)(before.read)
    assert FILE_FORMATS["npz"] is before


CASES = [pytest.param(name, content, id=name) for name in DETECTOR_FILES for content in DETECTOR_FILES[name]()]


@pytest.mark.parametrize(("name", "content"), CASES)
def test_a_file_is_recognised_by_its_own_format_alone(name: str, content: bytes) -> None:
    """So that the order of formats does not matter."""
    assert recognised(io.BytesIO(content), "file").name == name
    for peek in _peeks(io.BytesIO(content), "file"):
        found = [known.name for known in FILE_FORMATS.values() if known.recognises(peek)]
        if found:
            break
    assert found == [name]


def test_every_format_has_files_to_be_tried_with() -> None:
    assert DETECTOR_FILES.keys() == FILE_FORMATS.keys()


def peek_at(text: str) -> Peek:
    """What is known of a file in the end, where no format stops the reading."""
    return [*_peeks(io.BytesIO(text.encode()), "file")][-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": {"b": 1, "c": {"d": 2}}, "e": [{"f": 3}]}', Peek(b"", "object", {"a": ["b", "c"], "e": []})),
        ('[{"a": 1, "b": {"c": 2}}, {"d": 3}]', Peek(b"", "list", {"a": [], "b": ["c"]})),
        ("[]", Peek(b"", "list", {}, empty=True)),
        ("[{}]", Peek(b"", "list")),
        ("{}", Peek(b"", "object")),
        ("[[1]]", Peek(b"", "list")),
        ("[1, {}]", Peek(b"", "list")),
        ('{"": {"a": 1}, "b": 2}', Peek(b"", "object", {"": ["a"], "b": []})),
    ],
)
def test_a_peek_has_the_first_keys(text: str, expected: Peek) -> None:
    peek = peek_at(text)
    assert (peek.root, peek.keys, peek.empty) == (expected.root, expected.keys, expected.empty)


@pytest.mark.parametrize("text", ['{"a%d": 0, ', '{"a": {"b%d": 0, ', '[{"a%d": 0, '], ids=["object", "inner", "list"])
def test_a_peek_ends_where_keys_do_not(text: str) -> None:
    """However many there are; what is not read is not looked at."""
    start, key = text[: text.rindex('"', 0, text.index("%d"))], text[text.rindex('"', 0, text.index("%d")) :]
    peek = peek_at(start + "".join(key % number for number in range(5000)))
    assert sum(1 + len(inner) for inner in peek.keys.values()) == 1001


def test_a_key_in_a_list_does_not_make_an_image_of_alphapose() -> None:
    """Only an image's own keys do, not those of something deeper."""
    text = '{"info": [{"people": 1}], "images": [], "annotations": []}'
    assert recognised(io.BytesIO(text.encode()), "file").name == "coco"


# What is there -------------------------------------------------------------------------------------------------------


def test_a_source_is_checked_before_it_is_read(tmp_path: Path) -> None:
    """A file that is not JSON is there, which is all that is asked."""
    with pytest.raises(InputError, match=r"gone\.json: cannot be read \(No such file"):
        check_source(tmp_path / "gone.json")
    with pytest.raises(InputError, match=r"holds no \.json or \.npz or "):
        check_source(tmp_path)
    (tmp_path / "a.json").write_text("anything")
    for source in (tmp_path, tmp_path / "a.json", str(tmp_path), "-"):
        check_source(source)


def test_every_keypoint_format_is_found_by_its_number_of_joints() -> None:
    from duolift.inputs import formats_with
    from duolift.inputs.keypoints import whose_joints

    assert {name for layout in FORMATS.values() for name in formats_with(len(layout))} == {*FORMATS}
    assert formats_with(25) == ("body25", "body25b", "chi3d25")
    assert formats_with(1) == ()
    assert whose_joints(18) == "18 joints are coco18's"
