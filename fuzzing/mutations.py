"""Mutations that keep a file nearly valid: readers refuse random bytes at once, and only their first lines are tried.

A change is made where a reader looks: to a value in JSON, to a file in an archive, to the header of an array. Bytes
that cannot be parsed as such are mutated as bytes.
"""

import io
import json
import re
import warnings
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

Mutation = Callable[[bytes, Random], bytes]
"""A file's bytes -> other ones."""

ODD = (
    *("0", "-0", "-1", "1.5", "1e6", "1e-300", "1e308", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "null"),
    *("true", "false", "[]", "{}", "[[]]", "[null]", '""', '"a"', '"\\ud800"', '"\\u0000"', '"../../x"', '"</script>"'),
    *("9" * 19, "9" * 400, "9" * 5000, "[" * 99 + "]" * 99, '{"a":1,"a":2}', "[1,[2]]", "1,", "\ufeff", "'", '"\xff"'),
    *('"coco17"', '"<U1"', "[2, 3]", "[0, 0, 0]", "[1e300, 1e300, 1]", "2147483648", "9223372036854775807"),
)
"""What a value in JSON is replaced by; not all of these are JSON."""

SETTINGS = (
    *("null", "nan", "inf", "-inf", "1e999", "0", "-1", "9" * 400, "0x10", "1_000", "true", "yes", "[]", "{}", "''"),
    *("[null]", "{a: 1}", "${seed}", "${data}", "${oc.env:HOME}", "${x", "&a [*a]", "*a", "!!python/name:os.system x"),
    *("2001-01-01", "?", "- ", "%", "\t", "\x00", "\ud800", "../../x", "a=b", "[0.5, 2]", "default", "ray", "whole"),
)
"""What a setting is replaced by."""

SHAPES = ((), (0,), (1,), (3,), (10**9, 0), (10**18,), (2**63,), (-1,), (2, 2), (1, 1, 17, 2), (10**6, 0, 17, 2))
TYPES = ("<f8", "<f4", "|b1", "<i8", "<U1", "<U0", "<c16", "|O", "<M8[s]", "|V0", "|S3", ">f8", "<f2", "<U999999999")
"""Types and shapes that the header of an array is made to claim."""

CELLS: tuple[Any, ...] = (
    *(None, 0, -1, 1e300, float("nan"), float("inf"), "", "a", True),
    *([], [None], [1.0], [[1.0]], {"a": 1}),
)
"""What a cell of a table is replaced by."""

WORDS = (
    *("nan", "inf", "-inf", "1e999", "1e300", "0", "-1", "1e-300", "9" * 400, "x", "{", "}", "begin", "end", "root"),
    *("ROOT", "JOINT", "End", "MOTION", "Frames:", "OFFSET", "CHANNELS", ":units", ":hierarchy", "#", "\x00", "\ud800"),
)
"""What a word of a text file is replaced by."""

_HERE = "\ue000"
"""Marks the place of a value that is replaced once the JSON is text, by what may be no JSON."""


def bytes_changed(data: bytes, random: Random) -> bytes:
    """A few bytes flipped, taken out, doubled or put in."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed) + 1)
        until = min(len(changed), at + random.choice((1, 1, 2, 8, 64)))
        new = random.choice((b"", bytes(changed[at:until]) * 2, random.randbytes(random.choice((1, 2, 4)))))
        changed[at:until] = new
    return bytes(changed)


def json_changed(data: bytes, random: Random) -> bytes:
    """A value taken out, doubled, moved, or replaced by an odd one."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return bytes_changed(data, random)
    if not isinstance(content, dict | list):
        return bytes_changed(data, random)
    odd = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        _change_value(content, random)
        odd.append(random.choice(ODD))
    text = json.dumps(content, ensure_ascii=random.random() < 0.9)
    for replacement in odd:
        text = text.replace(f'"{_HERE}"', replacement, 1) if random.random() < 0.9 else text
    encoding = random.choice(("utf-8",) * 30 + ("utf-16", "latin-1", "utf-8-sig"))
    return text.encode(encoding, "replace")


def _change_value(content: Any, random: Random) -> None:
    places = _places(content)
    if not places:
        return
    holder, key = random.choice(places)
    change = random.randrange(8)
    if change < 4:
        holder[key] = _HERE
    elif change == 4:
        del holder[key]
    elif change == 5:
        holder[key] = [holder[key]] * random.randint(1, 3)
    elif change == 6:
        other, its = random.choice(places)
        holder[key] = json.loads(json.dumps(other[its]))
    elif isinstance(holder, list):
        holder.insert(key, json.loads(json.dumps(holder[key])))
    else:
        holder[_HERE] = holder.pop(key)


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Every list and object of a JSON with every key of it; of long lists of numbers only the ends."""
    places, waiting = [], [content]
    while waiting:
        holder = waiting.pop()
        keys: list[Any] = [*holder] if isinstance(holder, dict) else [*range(len(holder))]
        if isinstance(holder, list) and len(keys) > 6:
            keys = keys[:3] + keys[-3:]
        places += [(holder, key) for key in keys]
        waiting += [holder[key] for key in keys if isinstance(holder[key], dict | list)]
    return places


def archive_changed(data: bytes, random: Random) -> bytes:
    """A file of a zip changed, left out, doubled or called something else; the checksums are right."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # what was changed before may be no archive
        return bytes_changed(data, random)
    if not files or random.random() < 0.05:
        return bytes_changed(data, random)
    at = random.randrange(len(files))
    name, content = files[at]
    change = random.randrange(16)
    if change == 0:
        del files[at]
    elif change == 1:
        files.append((name, content))
    elif change == 2:
        files[at] = random.choice(("x.npy", "../x", ".npy", "about", "keypoints.npy")), content
    elif change < 10:
        files[at] = name, array_changed(content, random)
    else:
        files[at] = name, bytes_changed(content, random)
    written = io.BytesIO()
    kind = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(written, "w", kind) as archive:
        warnings.simplefilter("ignore")  # names that are there twice
        for name, content in files:
            archive.writestr(name, content)
    return written.getvalue()


def array_changed(data: bytes, random: Random) -> bytes:
    """An array of another shape or type, with other numbers in it, or another text, if it is one."""
    try:
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
        texts = array.ravel().tolist() if array.dtype.kind == "U" else []  # which fails where it holds no text
    except Exception:
        return bytes_changed(data, random)
    change = random.randrange(4)
    if change == 0:  # a head that says something else than is there
        shape: tuple[int, ...] = array.shape
        descr: Any = np.lib.format.dtype_to_descr(array.dtype)
        shape, descr = (random.choice(SHAPES), descr) if random.random() < 0.5 else (shape, random.choice(TYPES))
        written = io.BytesIO()
        head = {"descr": descr, "fortran_order": random.random() < 0.2, "shape": shape}
        np.lib.format.write_array_header_1_0(written, head)
        return written.getvalue() + array.tobytes()
    if texts:
        at = random.randrange(len(texts))
        texts[at] = json_changed(texts[at].encode("utf-8", "replace"), random).decode("utf-8", "replace")
        array = np.array(texts).reshape(array.shape)
    elif change == 1 and array.size and array.dtype.kind in "fiu":
        odd = (0.0, -1.0, 1e300, np.nan, np.inf, -np.inf, 1e6, 1e-40)
        array = array.astype(np.float64)
        array.flat[random.randrange(array.size)] = random.choice(odd)
    elif change == 2 and array.ndim:
        axis = random.randrange(array.ndim)
        array = np.repeat(array, random.choice((0, 2)), axis=axis)
    else:
        array = random.choice((array[None], array.astype("U8") if array.size < 99 else array.T, array.astype("f4")))
    written = io.BytesIO()
    np.lib.format.write_array(written, array, allow_pickle=False)
    return written.getvalue()


def tensors_changed(data: bytes, random: Random) -> bytes:
    """The head of a safetensors file changed, or what it says of the lifter, or its numbers."""
    length = int.from_bytes(data[:8], "little")
    if not 0 < length <= len(data) - 8 or random.random() < 0.05:
        return bytes_changed(data, random)
    head, rest = data[8 : 8 + length], data[8 + length :]
    try:
        content = json.loads(head)
        if random.random() < 0.7:
            told = content["__metadata__"]
            told["duolift"] = json_changed(told["duolift"].encode(), random).decode("utf-8", "replace")
            head = json.dumps(content).encode()
        elif random.random() < 0.7:
            head = json_changed(head, random)
        else:
            rest = bytes_changed(rest, random)
    except Exception:
        head = bytes_changed(head, random)
    return len(head).to_bytes(8, "little") + head + rest


def table_changed(data: bytes, random: Random) -> bytes:
    """A column of a Parquet file with other values or of another type, left out or called something else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if random.random() < 0.5:
            return bytes_changed(data, random)
        table = pq.read_table(io.BytesIO(data))
        name = random.choice(table.column_names)
        at = table.column_names.index(name)
        change = random.randrange(4)
        if change == 0:
            table = table.remove_column(at)
        elif change == 1:
            table = table.rename_columns([random.choice(("x", "focal", n)) for n in table.column_names])
        else:
            values = json.loads(json.dumps(table[name].to_pylist()))
            new = [random.choice(CELLS)] * len(values)
            if change == 2 and values:
                values[random.randrange(len(values))] = new[0]
                new = values
            table = table.set_column(at, name, pa.array(new))
        written = io.BytesIO()
        pq.write_table(table, written, row_group_size=random.choice((1, 3, 99)))
        return written.getvalue()
    except Exception:
        return bytes_changed(data, random)


def settings_changed(data: bytes, random: Random) -> bytes:
    """A value of a setting, or its name, replaced: after a `:` or a `=`, or before it."""
    lines = data.decode("utf-8", "replace").split("\n")
    at = random.randrange(len(lines))
    for mark in (":", "="):
        name, found, value = lines[at].partition(mark)
        if not found:
            continue
        change = random.randrange(8)
        if change < 5:
            lines[at] = (
                f"{name}{mark} {random.choice(SETTINGS)}" if mark == ":" else f"{name}={random.choice(SETTINGS)}"
            )
        elif change == 5:
            lines[at] = bytes_changed(name.encode("utf-8", "replace"), random).decode("utf-8", "replace") + mark + value
        elif change == 6:
            lines.insert(at, lines[random.randrange(len(lines))])
        else:
            break
        return "\n".join(lines).encode("utf-8", "replace")
    return bytes_changed(data, random)


def words_changed(data: bytes, random: Random) -> bytes:
    """A word of a text file replaced, or a line taken out, doubled or moved."""
    lines = data.decode("utf-8", "replace").split("\n")
    at = random.randrange(len(lines))
    change = random.randrange(8)
    if change < 5:
        words = re.split(r"([ ,\t])", lines[at])  # every other is what is between words
        words[2 * random.randrange((len(words) + 1) // 2)] = random.choice(WORDS)
        lines[at] = "".join(words)
    elif change == 5:
        del lines[at]
    elif change == 6:
        lines.insert(at, lines[random.randrange(len(lines))])
    else:
        return bytes_changed(data, random)
    return "\n".join(lines).encode("utf-8", "replace")
