"""Acclaim's skeleton (`.asf`) and motion (`.amc`): bones with a direction, a length and axes, and angles a frame.

The format of the CMU Graphics Lab Motion Capture Database, http://mocap.cs.cmu.edu, described at
https://research.cs.wisc.edu/graphics/Courses/cs-838-1999/Jeff/ASF-AMC.html. It is read here because no library does it:
asfamc-parser 0.0.2 accepts none of the database's skeletons (it expects another order of sections, and angles of every
bone), and pyacclaim 0.0.1 loses every motion's last frame, prints as it reads, and checks by `assert`.

A bone runs along its direction from where its parent ends. Its angles are about its own axes C, in the order of `dof`
about axes that stay where they are, so that it is turned by C R C^-1 against its parent. Lengths are divided by the
skeleton's `length`, which makes them inches in the CMU database.

In a `Motion` a bone is a joint where the bone begins, named after it, and `<bone> end` is where a limb ends.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from scipy.spatial.transform import Rotation

from datamodules.sources.mocap.motion import END, Array, Motion, kept_frames
from duolift.errors import InputError
from duolift.files import read_bytes

MOST_BYTES = 256 * 2**20
"""Of a file, at most."""

ROOT = "root"
FREEDOMS = ("rx", "ry", "rz")
ROOT_FREEDOMS = ("tx", "ty", "tz", *FREEDOMS)


@dataclass(frozen=True)
class Bone:
    """A bone at rest.

    Attributes:
        vector: (3,), from where it begins to where it ends, in the units of the file.
        axes: its own axes C.
        freedom: what its numbers in a frame are, such as rx and rz.
    """

    vector: Array
    axes: Rotation
    freedom: tuple[str, ...]


@dataclass(frozen=True)
class Acclaim:
    """A skeleton.

    Attributes:
        path: of its file.
        bones: name -> bone, the root among them.
        children: name -> the bones that begin where it ends.
        position: (3,), of the root.
        length: by which lengths are divided.
    """

    path: Path
    bones: dict[str, Bone]
    children: dict[str, list[str]]
    position: Array
    length: float


def read_amc(path: Path, skeleton: Acclaim, rate: float, most: float) -> Motion:
    """Read a person's motion, thinned.

    Args:
        path: of the motion.
        skeleton: of the person.
        rate: frames a second, which the file does not say.
        most: frames a second that are kept, at most.

    Raises:
        InputError: the file is no AMC, or cut off, of another skeleton, or holds what is no finite number.
    """
    text = read_bytes(path, MOST_BYTES).decode("utf-8", "replace")
    lines = text.splitlines()
    head = next((at for at, line in enumerate(lines) if line.strip() and line.lstrip()[0] not in "#:"), len(lines))
    degrees = not any(line.strip().lower() == ":radians" for line in lines[:head])
    words = " ".join(lines[head:]).split()
    columns, width = _layout(path, words, skeleton)
    frames, rest = divmod(len(words), width)
    if rest:
        raise InputError(f"{path}: {rest} words follow frame {frames}; expected {width} a frame, is the file cut off?")
    kept = kept_frames(frames, rate, most)
    rows = [words[frame * width : (frame + 1) * width] for frame in kept.tolist()]
    return _moving(skeleton, _numbers(path, rows, columns), degrees, min(rate, most))


def _layout(path: Path, words: list[str], skeleton: Acclaim) -> tuple[dict[str, slice], int]:
    """Bone -> where its numbers are in a frame's words, as in the first frame; and the number of a frame's words."""
    if not words or not words[0].isdigit():
        raise InputError(f"{path}: begins with {words[:1]}; expected the number of a frame, is the file empty?")
    columns: dict[str, slice] = {}
    at = 1
    while at < len(words) and not words[at].isdigit():
        bone = words[at]
        if bone not in skeleton.bones:
            raise InputError(f"{path}: frame {words[0]} has a bone {bone}; expected those of {skeleton.path}")
        columns[bone] = slice(at + 1, at + 1 + len(skeleton.bones[bone].freedom))
        at = columns[bone].stop
    if missing := [name for name, bone in skeleton.bones.items() if bone.freedom and name not in columns]:
        raise InputError(f"{path}: frame {words[0]} lacks {', '.join(missing[:5])}, which {skeleton.path} can turn")
    return columns, at


def _numbers(path: Path, rows: list[list[str]], columns: dict[str, slice]) -> dict[str, Array]:
    """Bone -> (frame, freedom) of frames' words."""
    for row in rows:
        for bone, place in columns.items():
            if row[place.start - 1] != bone:
                found = row[place.start - 1]
                raise InputError(f"{path}: frame {row[0]} has {found} where {bone} belongs; expected every frame alike")
    numbers = {}
    for bone, place in columns.items():
        try:
            numbers[bone] = np.array([row[place] for row in rows], dtype=np.float64)
        except ValueError as error:
            raise InputError(f"{path}: {bone} has what is no number ({str(error)[:100]})") from error
        if not (finite := np.abs(numbers[bone]) < np.finfo(np.float32).max).all():
            frame, which = np.argwhere(~finite)[0]
            found = numbers[bone][frame, which]
            raise InputError(f"{path}: frame {rows[frame][0]} has {bone} {found}; expected finite numbers")
    return numbers


def _moving(skeleton: Acclaim, numbers: dict[str, Array], degrees: bool, rate: float) -> Motion:
    """The skeleton as the numbers move it."""
    names, parents, offsets = [ROOT], [-1], [np.zeros(3)]

    def add(bone: str) -> None:
        place, vector = names.index(bone), skeleton.bones[bone].vector / skeleton.length
        for child in skeleton.children.get(bone, [END.format(bone)]):
            names.append(child)
            parents.append(place)
            offsets.append(vector)
            if child in skeleton.bones:
                add(child)

    add(ROOT)
    rotations = {bone: _rotations(skeleton.bones[bone], values, degrees) for bone, values in numbers.items()}
    freedom = skeleton.bones[ROOT].freedom
    moved = numbers[ROOT][:, [freedom.index(axis) for axis in ("tx", "ty", "tz")]]
    shifts = {ROOT: (skeleton.position + moved) / skeleton.length}
    return Motion(tuple(names), tuple(parents), np.array(offsets), rotations, shifts, rate)


def _rotations(bone: Bone, values: Array, degrees: bool) -> Array:
    """C R C^-1, (frame, 3, 3), of a bone's numbers (frame, freedom)."""
    turns = [at for at, freedom in enumerate(bone.freedom) if freedom in FREEDOMS]
    order = "".join(bone.freedom[at][1] for at in turns)
    turned = Rotation.from_euler(order, values[:, turns], degrees=degrees)
    return (bone.axes * turned * bone.axes.inv()).as_matrix()


def read_asf(path: Path) -> Acclaim:
    """Read a skeleton.

    Raises:
        InputError: it is no ASF, or a part is missing, or not as the format has it.
    """
    sections = _sections(read_bytes(path, MOST_BYTES).decode("utf-8", "replace"))
    for name in ("units", "root", "bonedata", "hierarchy"):
        if name not in sections:
            raise InputError(f"{path}: no section :{name}; expected Acclaim's skeleton, is the file cut off?")
    units = {words[0]: words[1:] for words in sections["units"]}
    (length,) = _floats(path, "units length", units.get("length", ["1"]), 1)
    if not length > 0:
        raise InputError(f"{path}: units length is {length}; expected a positive number")
    degrees = units.get("angle", ["deg"])[:1] != ["rad"]
    root = {words[0]: words[1:] for words in sections["root"]}
    bones = {ROOT: _root(path, root, degrees)}
    position = _floats(path, "root position", root.get("position", ["0"] * 3), 3)
    for entry in _entries(path, sections["bonedata"]):
        name = " ".join(entry.get("name", []))
        if not name or name in bones:
            raise InputError(f"{path}: bonedata has a bone called {name!r}; expected each bone by a name of its own")
        bones[name] = _bone(path, name, entry, degrees)
    children = _children(path, sections["hierarchy"], bones)
    return Acclaim(path, bones, children, position, length)


def _sections(text: str) -> dict[str, list[list[str]]]:
    """Section -> the words of its lines."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0].startswith(":"):
            lines = sections.setdefault(words.pop(0)[1:].lower(), [])
        if words:
            lines.append(words)
    return sections


def _entries(path: Path, lines: list[list[str]]) -> list[dict[str, list[str]]]:
    """What stands between `begin` and `end`, by the first word of a line."""
    entries: list[dict[str, list[str]]] = []
    is_open = False
    for words in lines:
        if words[0] in ("begin", "end"):
            if (words[0] == "begin") == is_open:
                raise InputError(f"{path}: bonedata has {words[0]} twice in a row; expected begin and end in turns")
            is_open = words[0] == "begin"
            if is_open:
                entries.append({})
        elif entries:
            entries[-1].setdefault(words[0], words[1:])
    if is_open:
        raise InputError(f"{path}: bonedata has no end of its last bone; is the file cut off?")
    return entries


def _bone(path: Path, name: str, entry: dict[str, list[str]], degrees: bool) -> Bone:
    for key in ("direction", "length", "axis"):
        if key not in entry:
            raise InputError(f"{path}: bone {name} has no {key}")
    direction = _floats(path, f"direction of bone {name}", entry["direction"], 3)
    (length,) = _floats(path, f"length of bone {name}", entry["length"], 1)
    *angles, order = entry["axis"] or [""]
    axes = _axes(path, f"axis of bone {name}", angles, order, degrees)
    freedom = tuple(word.lower() for word in entry.get("dof", []))
    if not set(freedom) <= set(FREEDOMS) or len(set(freedom)) < len(freedom):
        _refuse(path, f"dof of bone {name}", freedom, "some of rx, ry and rz")
    return Bone(length * direction, axes, freedom)


def _root(path: Path, root: dict[str, list[str]], degrees: bool) -> Bone:
    freedom = tuple(word.lower() for word in root.get("order", []))
    if sorted(freedom) != sorted(ROOT_FREEDOMS):
        _refuse(path, "root order", freedom, "TX, TY, TZ, RX, RY and RZ")
    order = (root.get("axis") or ["XYZ"])[0]
    axes = _axes(path, "root orientation", root.get("orientation", ["0"] * 3), order, degrees)
    return Bone(np.zeros(3), axes, freedom)


def _axes(path: Path, what: str, angles: list[str], order: str, degrees: bool) -> Rotation:
    numbers = _floats(path, what, angles, 3)
    if sorted(order.lower()) != ["x", "y", "z"]:
        _refuse(path, f"order of the {what}", order, "XYZ, or another order of the three")
    return Rotation.from_euler(order.lower(), numbers, degrees=degrees)


def _children(path: Path, lines: list[list[str]], bones: dict[str, Bone]) -> dict[str, list[str]]:
    """Bone -> the bones that begin where it ends; every bone hangs on one other, from the root on."""
    children = {words[0]: words[1:] for words in lines if words[0] not in ("begin", "end") and words[1:]}
    reached, waiting = {ROOT}, [ROOT]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in bones or child in reached:
                _refuse(path, "hierarchy", child, "bones of bonedata, each once")
            reached.add(child)
            waiting.append(child)
    if lost := bones.keys() - reached:
        _refuse(path, "hierarchy", f"no {', '.join(sorted(lost)[:5])}", "every bone of bonedata below the root")
    return children


def _floats(path: Path, what: str, words: list[str], count: int) -> Array:
    try:
        numbers = np.array(words[:count], dtype=np.float64)
    except ValueError:
        numbers = np.array([np.nan])
    if len(numbers) != count or not np.isfinite(numbers).all():
        _refuse(path, what, " ".join(words), f"{count} finite numbers")
    return numbers


def _refuse(path: Path, what: str, found: object, expected: str) -> NoReturn:
    raise InputError(f"{path}: {what} is {found}; expected {expected}")
