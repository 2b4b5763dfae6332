"""Which files of a folder are a subject's, and which of them are one take of several people.

A subject is a folder that holds captures, however deep it lies; of captures in the data set's folder itself, it is what
stands before the first underscore of their names, which is the subject's number in the CMU database. Either way

    02/02_01.amc    bvh/02/02_01.bvh    02_01.bvh

are takes of subject 02. Each capture is a take of one person. `18+19` is a subject of two people: its takes are those
that both 18 and 19 have by one name but for their own numbers, as 18/18_01.amc and 19/19_01.amc.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duolift.errors import InputError

BVH, AMC, ASF = ".bvh", ".amc", ".asf"

TOGETHER = "+"
"""Between the names of subjects who were captured in one take."""


@dataclass(frozen=True)
class Recording:
    """A take.

    Attributes:
        subject: as it was asked for.
        name: of the take, within the subject.
        captures: a file of motion a person.
    """

    subject: str
    name: str
    captures: tuple[Path, ...]


def captures_of(root: Path) -> dict[str, list[Path]]:
    """Subject -> its captures, sorted.

    Raises:
        InputError: the folder is not there, or holds none.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected one of BVH or ASF/AMC files")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in (BVH, AMC))
    if not found:
        raise InputError(f"{root}: holds no motion capture; expected files {BVH}, or {AMC} beside their {ASF}")
    subjects: dict[str, list[Path]] = {}
    for path in found:
        name = path.stem.partition("_")[0] if path.parent == root else path.parent.name
        subjects.setdefault(name, []).append(path)
    return dict(sorted(subjects.items()))


def recordings_of(root: Path, subjects: Sequence[str]) -> list[Recording]:
    """The takes of some subjects, in their order.

    Args:
        root: the data set's folder.
        subjects: zeros that a number begins with may be left out, as YAML reads 02 as 2.

    Raises:
        InputError: a subject is not there, or those who are asked for together have no take together.
    """
    captures = captures_of(root)
    recordings = []
    for subject in subjects:
        people = [_subject(root, name, captures) for name in subject.split(TOGETHER)]
        if len(people) == 1:
            recordings += [Recording(subject, path.name, (path,)) for path in captures[people[0]]]
        else:
            recordings += _together(root, subject, people, captures)
    return recordings


def skeleton_file(capture: Path) -> Path:
    """The skeleton of an AMC: the ASF of its subject's number beside it, or the only one there.

    Raises:
        InputError: there is none, or one cannot say which.
    """
    beside = sorted(path for path in capture.parent.iterdir() if path.suffix.lower() == ASF)
    named = [path for path in beside if path.stem in (capture.stem, capture.stem.partition("_")[0])]
    if len(named or beside) != 1:
        found = ", ".join(path.name for path in beside) or "none"
        number = capture.stem.partition("_")[0]
        raise InputError(f"{capture}: its skeleton is not beside it (found {found}); expected {number}{ASF}")
    return (named or beside)[0]


def _subject(root: Path, name: str, captures: Mapping[str, object]) -> str:
    """The name of a subject as its folder has it."""
    if name in captures:
        return name
    alike = [known for known in captures if known.isdigit() and name.isdigit() and int(known) == int(name)]
    if len(alike) != 1:
        raise InputError(f"{root}: has no subject {name}; expected subjects among {', '.join(captures)}")
    return alike[0]


def _together(root: Path, subject: str, people: Sequence[str], captures: Mapping[str, list[Path]]) -> list[Recording]:
    """The takes of several people: those that each of them has, named without their numbers."""
    takes = [{path.name.removeprefix(f"{person}_"): path for path in captures[person]} for person in people]
    shared = [name for name in takes[0] if all(name in others for others in takes)]
    if not shared:
        found = ", ".join(path.name for person in people for path in captures[person][:2])
        raise InputError(
            f"{root}: no take of {' and '.join(people)} together, found {found}; "
            "expected files of one name but for the subjects' numbers"
        )
    return [Recording(subject, name, tuple(others[name] for others in takes)) for name in shared]
