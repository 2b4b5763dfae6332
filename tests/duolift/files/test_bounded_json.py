"""What a parser would have to hold of a file of JSON, beside a lexer that goes through it byte by byte."""

import io
from random import Random

import pytest

from duolift.errors import InputError
from duolift.files.bounded_json import JSON_LIMITS, BoundedJson

ALPHABET = ["[", "]", "{", "}", '"', '"', ",", ":", "1", "a", " ", "é"]


def lexed(text: bytes, whole_below: int) -> tuple[int, bool, int]:
    """Open brackets, whether a text is open, and bytes since the parser last let go of what it held."""
    depth, in_text, escaped, release = 0, False, False, -1
    for position, byte in enumerate(text):
        if escaped:
            escaped = False
            continue
        escaped = byte == ord("\\")
        if byte == ord('"'):
            in_text = not in_text
        elif not in_text:
            depth += (byte in b"[{") - (byte in b"]}")
        if byte in b'[]{}",' and not in_text and depth <= whole_below:
            release = position
    return depth, in_text, len(text) - release if release >= 0 else len(text)


def read_in_pieces(text: bytes, size: int, whole_below: int) -> BoundedJson:
    bounded = BoundedJson(io.BytesIO(text), "file", whole_below)
    while bounded.read(size):
        pass
    return bounded


@pytest.mark.parametrize("seed", range(100))
def test_brackets_and_texts_are_those_of_a_lexer(seed: int) -> None:
    """However the file is cut into pieces, between the two halves of an escaped character as well."""
    random = Random(seed)
    text = "".join(random.choices([*ALPHABET, "\\", "\\"], k=300)).encode()
    for size in (1, 2, 7, 1000):
        bounded = read_in_pieces(text, size, 1)
        assert (bounded.depth, bounded.in_text) == lexed(text, 1)[:2]


@pytest.mark.parametrize("seed", range(100))
def test_the_measure_is_what_is_held_or_up_to_a_piece_more(seed: int) -> None:
    random = Random(seed)
    text = "".join(random.choices(ALPHABET, k=300)).encode()
    for size in (1, 7, 50):
        for whole_below in (0, 1, 2):
            held = lexed(text, whole_below)[2]
            assert held <= read_in_pieces(text, size, whole_below).held <= held + size


@pytest.mark.parametrize("content", [b"1", b'"', b"[[", b" "], ids=["number", "text", "list in a list", "blanks"])
def test_what_is_held_is_limited(content: bytes) -> None:
    text = b"[" + content + b"1" * JSON_LIMITS.held
    with pytest.raises(InputError, match="file: a single value, or image, takes more than 16 MB"):
        read_in_pieces(text, 2**16, 1)
    for whole in (text[: JSON_LIMITS.held], b"[" + b"1," * JSON_LIMITS.held):
        read_in_pieces(whole, 2**16, 1)


def test_depth_is_limited() -> None:
    read_in_pieces(b"[" * JSON_LIMITS.depth + b"]", 7, 1)
    with pytest.raises(InputError, match=f"file: nests objects and lists more than {JSON_LIMITS.depth} deep"):
        read_in_pieces(b"[" * (JSON_LIMITS.depth + 1), 7, 1)
    read_in_pieces(b"[]" * 100 + b'"' + b"[" * 100, 7, 1)
