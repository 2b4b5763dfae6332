"""Which images are the frames of one video.

A file may say so itself: it tracks people, or its images have a video. What a file does not say is told by two signs:
the numbers in the images' names follow each other, and people are where they were in the image before (or the names are
OpenPose's for the frames of a video). Images with both signs are a video, those with none stand alone; those with one
of them stand alone too, and a note names the option.

Photographs can have the first sign, since cameras number them. They do not have the second: of pairs of MPII's
photographs, 2 % have people alike enough; of pairs of frames of motion capture of two people who dance and lift each
other, all have down to 2 frames a second, and 9 of 10 at 1.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from duolift.inputs.people import RawFrame, RawPerson
from duolift.inputs.similarity import similarities

DIGITS = re.compile(r"([0-9]+)")

OPENPOSE_FRAME = re.compile(r".+_[0-9]{12}_keypoints")
"""OpenPose's names of the files of a video's frames, without the suffix. Its names of photographs end like this where
the photograph's own name ends in 12 digits, as COCO's."""

LONGEST_NUMBER = 15
"""Digits; a longer run of them is no frame's number."""


@dataclass(frozen=True)
class SequenceSettings:
    """What makes images look like a video's. Chosen between photographs and motion capture, which are far apart.

    Attributes:
        look: images at the beginning of a file that are looked at.
        deviation: of a joint from one frame to the next, in sizes of the person.
        alike: people of two images are in the same place where their similarity is at least this.
        share: of the images that have to follow the one before by number, and of those in which people have to be where
            they were in the one before.
    """

    look: int = 30
    deviation: float = 0.15
    alike: float = 0.5
    share: float = 0.5


SEQUENCES = SequenceSettings()


class Kind(StrEnum):
    """What images are. Unsure ones are taken to stand alone.

    >>> str(Kind.VIDEO)
    'video'
    """

    VIDEO = "video"
    IMAGES = "images"
    UNSURE = "unsure"


def kind_of(numbers: Sequence[int], alike: Sequence[float], named: bool = False) -> Kind:
    """Whether images of which nothing else is known are frames of one video.

    Args:
        numbers: in the names of the images, in any order; fewer than two where the names have none.
        alike: similarities of the people of each image with those of the one before by number, 0 to 1; of pairs of
            images in both of which there are people.
        named: the names are those that a program gives to the frames of a video, which stands for the second sign.

    >>> kind_of([3, 4, 5, 7], [0.9, 0.9, 0.8])
    <Kind.VIDEO: 'video'>
    >>> kind_of([139, 285, 632], [0.0, 0.1])  # photographs
    <Kind.IMAGES: 'images'>
    >>> kind_of([1, 2, 3], [0.0, 0.1])  # photographs that somebody numbered, or a video full of cuts
    <Kind.UNSURE: 'unsure'>
    """
    signs = follow_each_other(numbers), named or _mostly(value >= SEQUENCES.alike for value in alike)
    if signs[0] and (signs[1] or not alike):
        return Kind.VIDEO
    return Kind.UNSURE if any(signs) else Kind.IMAGES


def follow_each_other(numbers: Sequence[int]) -> bool:
    """Whether most numbers are one step above another: 1, or a larger one that comes more than once.

    >>> follow_each_other([2, 0, 1, 9]), follow_each_other([0, 5, 10]), follow_each_other([2, 4])
    (True, True, False)
    """
    steps = Counter(after - before for before, after in pairwise(sorted({*numbers})))
    if not steps or len({*numbers}) < len(numbers):
        return False
    step, count = steps.most_common(1)[0]
    return count > SEQUENCES.share * steps.total() and (step == 1 or count > 1)


def _mostly(signs: Iterable[bool]) -> bool:
    listed = [*signs]
    return bool(listed) and sum(listed) >= SEQUENCES.share * len(listed)


# Numbers in names -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbering:
    """Names that differ in one number.

    Attributes:
        before, after: the text around the number.

    >>> names = Numbering("cam1/dance_", "_pose")
    >>> names.title
    'dance_pose'
    >>> names.number("cam1/dance_007_pose"), names.number("seven"), names.named(8, like="cam1/dance_007_pose")
    (7, None, 'cam1/dance_008_pose')
    """

    before: str
    after: str

    def digits(self, name: str) -> str:
        """The number as it is written; empty in a name that is not of these."""
        inside = name[len(self.before) : len(name) - len(self.after)]
        whole = name.startswith(self.before) and name.endswith(self.after) and DIGITS.fullmatch(inside)
        return inside if whole and len(inside) <= LONGEST_NUMBER else ""

    def number(self, name: str) -> int | None:
        digits = self.digits(name)
        return int(digits) if digits else None

    def named(self, number: int, like: str) -> str:
        """The name with a number, with as many digits at least as another name."""
        return f"{self.before}{str(number).zfill(len(self.digits(like)))}{self.after}"

    @property
    def title(self) -> str:
        """What the names have in common, without folders and what joins it to the number."""
        around = (self.before.replace("\\", "/").rpartition("/")[2], self.after)
        return "_".join(filter(None, (text.strip("_-. ") for text in around)))


def numbering_of(names: Sequence[str]) -> Numbering | None:
    """How names are numbered; None where they differ in more than one number, or in none.

    >>> numbering_of(["cam1_08.jpg", "cam1_09.jpg", "cam1_10.jpg"])
    Numbering(before='cam1_', after='.jpg')
    >>> numbering_of(["IMG_0815.jpg", "seven.jpg"])
    """
    parts = [DIGITS.split(name) for name in dict.fromkeys(names)]  # text, digits, text, ...
    if len({len(part) for part in parts}) != 1:
        return None
    differ = [place for place, column in enumerate(zip(*parts, strict=True)) if len({*column}) > 1]
    if len(differ) != 1 or differ[0] % 2 == 0:
        return None
    place = differ[0]
    return Numbering("".join(parts[0][:place]), "".join(parts[0][place + 1 :]))


def series_of(name: str) -> tuple[str, str]:
    """The text around the last number of a name, which names of one series share.

    >>> series_of("cam1_08_pose"), series_of("seven")
    (('cam1_', '_pose'), ('seven', ''))
    """
    parts = DIGITS.split(name)
    return ("".join(parts[:-2]), parts[-1]) if len(parts) > 1 else (name, "")


# People in consecutive images -----------------------------------------------------------------------------------------


def likeness(frames: Sequence[RawFrame]) -> list[float]:
    """How much people of each frame are where they were in the one before, of frames in both of which somebody is.

    The mean over the people of the emptier one, each with whoever is most similar in the other.
    """
    values = []
    for before, after in pairwise(frames):
        fewer, more = sorted(([*map(_pose, frame.people)] for frame in (before, after)), key=len)
        shapes = {len(keypoints) for keypoints, _ in (*fewer, *more)}
        if fewer and len(shapes) == 1:
            others, sure = (np.stack(arrays) for arrays in zip(*more, strict=True))
            best = [similarities(*person, others, sure, SEQUENCES.deviation).max() for person in fewer]
            values.append(float(np.mean(best)))
    return values


def _pose(person: RawPerson) -> tuple[np.ndarray, np.ndarray]:
    """Joints in pixels, or in thousandths of the image's size where they are in shares of it."""
    shares = bool((np.abs(person.keypoints) <= 1).all())
    return person.keypoints * (1000 if shares else 1), person.confidence
