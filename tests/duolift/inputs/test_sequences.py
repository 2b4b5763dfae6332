"""What looks like a video, and what looks like photographs: both sides of the rule, and the numbers in names."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from conftest import SHARED

from duolift.inputs.keypoints import FORMATS
from duolift.inputs.people import RawFrame, RawPerson
from duolift.inputs.sequences import SEQUENCES, Kind, Numbering, follow_each_other, kind_of, likeness, numbering_of

ALIKE, ELSEWHERE = [0.9, 0.8, 0.2, 0.95], [0.02, 0.3, 0.6, 0.0]


@pytest.mark.parametrize(
    ("numbers", "alike", "kind"),
    [
        (range(30), ALIKE, Kind.VIDEO),
        (range(1000, 1030), ALIKE, Kind.VIDEO),
        (range(0, 300, 10), ALIKE, Kind.VIDEO),
        ([3, 4, 5, 9, 10, 11, 30], ALIKE, Kind.VIDEO),
        ([0, 1, 10, 11, 12, 2], ALIKE, Kind.VIDEO),
        ([0, 1], [0.9], Kind.VIDEO),
        (range(5), [], Kind.VIDEO),
        (range(5), ELSEWHERE, Kind.UNSURE),
        ([7, 19, 44], ALIKE, Kind.UNSURE),
        ([], ALIKE, Kind.UNSURE),
        ([5, 5, 5], ALIKE, Kind.UNSURE),
        ([139, 285, 632, 724], ELSEWHERE, Kind.IMAGES),
        ([1000000], [], Kind.IMAGES),
        ([], ELSEWHERE, Kind.IMAGES),
        ([], [], Kind.IMAGES),
    ],
)
def test_a_video_has_both_signs(numbers: Sequence[int], alike: Sequence[float], kind: Kind) -> None:
    assert kind_of([*numbers], alike) is kind
    assert kind_of([*numbers], ELSEWHERE, named=True) is (Kind.VIDEO if follow_each_other([*numbers]) else Kind.UNSURE)
    assert kind_of([*reversed([*numbers])], alike) is kind


@pytest.mark.parametrize(
    ("names", "numbering"),
    [
        (["0.jpg", "1.jpg", "10.jpg"], ("", ".jpg")),
        (["film.mp4_001_pose2", "film.mp4_002_pose2"], ("film.mp4_", "_pose2")),
        (["3", "4"], ("", "")),
        (["a/1.jpg", "b/2.jpg"], None),
        (["20230105_101112.jpg", "20230106_131415.jpg"], None),
        (["seven.jpg", "eight.jpg"], None),
        (["1.jpg"], None),
        ([], None),
        (["9" * 400, "8" * 400], None),
    ],
)
def test_names_differ_in_one_number(names: list[str], numbering: tuple[str, str] | None) -> None:
    found = numbering_of(names)
    if numbering is None:
        assert found is None or [found.number(name) for name in names] == [None] * len(names)
    else:
        assert found == Numbering(*numbering)
        assert [found.named(found.number(name), name) for name in names] == names


def one_person(number: int, keypoints: np.ndarray, confidence: np.ndarray | None = None) -> RawFrame:
    sure = np.ones(len(keypoints)) if confidence is None else confidence
    return RawFrame(str(number), "", (RawPerson(keypoints, sure, None),), FORMATS["coco17"])


def test_people_are_where_they_were_however_they_move() -> None:
    body = np.random.default_rng(0).uniform(100, 400, (17, 2))
    walking = [one_person(i, np.add(body, (12.0 * i, 0))) for i in range(10)]
    assert min(likeness(walking)) > 0.9
    assert likeness([one_person(0, body), one_person(1, body + 600)]) == [pytest.approx(0, abs=1e-6)]
    nobody = RawFrame("2", "", (), FORMATS["coco17"])
    assert likeness([nobody, *walking[:2], nobody]) == likeness(walking[:2])


@pytest.mark.skipif(not (SHARED / "data" / "mpii").is_dir(), reason="the photographs' people are not at hand")
def test_people_of_photographs_are_elsewhere() -> None:
    """In pairs of MPII's photographs, however they are numbered."""
    from duolift.inputs import Options, read

    frames = [*read(SHARED / "data" / "mpii" / "valid_2d.json", Options(joints="mpii16", threshold=0.0))][:600]
    assert {frame.video for frame in frames} == {""} and not any("--video" in n for f in frames for n in f.notes)
    raw = [one_person(i, frame.keypoints[0], frame.confidence[0]) for i, frame in enumerate(frames)]
    shares = [np.mean([value >= SEQUENCES.alike for value in likeness(raw[i : i + 30])]) for i in range(0, 600, 30)]
    assert max(shares) < SEQUENCES.share and np.mean(shares) < 0.15


def test_steps_may_be_of_any_length_but_must_come_again() -> None:
    assert follow_each_other([0, 5, 10, 15, 25]) and not follow_each_other([0, 5])
    assert not follow_each_other([a * a for a, _ in pairwise(range(20))])
