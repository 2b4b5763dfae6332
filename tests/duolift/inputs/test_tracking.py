"""Who is who from frame to frame: by the file's numbers, by where people are, over gaps and chunks."""

from collections.abc import Iterator, Sequence
from itertools import count, islice

import numpy as np
import pytest

from callbacks.figures import STANDING
from duolift.errors import InputError
from duolift.inputs.detections import JOINTS, Detections, Frame
from duolift.inputs.tracking import TRACKING, track

BODY = np.array([STANDING[joint] for joint in JOINTS.joints], dtype=np.float64)
"""Somebody 174 pixels tall."""


def frame(number: int, *places: tuple[float, float] | np.ndarray, order: Sequence[int] = (), **more) -> Frame:
    """People whose pelvises are at places, or who are poses, in some order."""
    poses = [p if np.shape(p) == BODY.shape else BODY + np.array(p) for p in places]
    if order:
        poses = [poses[i] for i in order]
    keypoints = np.array(poses).reshape(-1, len(JOINTS), 2)
    settings = {"video": "clip", **more}
    return Frame(name=str(number), keypoints=keypoints, confidence=np.ones(keypoints.shape[:-1]), **settings)


def whole(frames: Sequence[Frame], **options: int) -> Detections:
    (found,) = track(frames, **options)
    return found


def path(found: Detections, person: int) -> np.ndarray:
    """Where a person's pelvis is in each frame, across."""
    return found.keypoints[:, person, JOINTS.root_index, 0]


def test_people_keep_their_index_in_whatever_order_they_come() -> None:
    rng = np.random.default_rng(0)
    frames = [
        frame(i, (100 + 2 * i, 0), (300 - i, 9), (500, 5 * i), order=rng.permutation(3).tolist()) for i in range(40)
    ]
    found = whole(frames)
    assert (found.video, found.identities, found.names) == ("clip", (1, 2, 3), tuple(str(i) for i in range(40)))
    for person in range(3):
        steps = np.diff(path(found, person))
        assert len({*np.round(steps, 9)}) == 1, "each walks evenly"
    assert found.confidence.all() and not found.notes


@pytest.mark.parametrize("speed", [2.0, 8.0, 25.0])
def test_people_who_cross_stay_who_they_are(speed: float) -> None:
    """One behind the other, alike but for a few pixels, their order in the file at random."""
    rng = np.random.default_rng(0)
    steps = range(-int(200 / speed), int(200 / speed))
    frames = []
    for i in steps:
        right, left = BODY + np.array([speed * i, 0]), BODY + np.array([-speed * i, 12])
        noisy = [body + rng.normal(scale=1.5, size=body.shape) for body in (right, left)]
        frames.append(frame(i, *noisy, order=rng.permutation(2).tolist()))
    found = whole(frames)
    assert found.identities == (1, 2)
    assert sorted(np.sign(path(found, person)[-1] - path(found, person)[0]) for person in range(2)) == [-1, 1]


def test_a_close_call_is_told() -> None:
    """Two people in one place can be taken for each other; the frames where they are apart are sure."""
    found = whole([frame(i, (-20 * i, 0), (20 * i, 0)) for i in range(-5, 6)])
    assert len(found.notes) == 1
    assert "people 1 and 2 could be taken for each other in" in found.notes[0]
    assert "first -5" not in found.notes[0]


@pytest.mark.parametrize("absent", [1, 4, 10])
def test_somebody_out_of_sight_for_a_while_is_the_same(absent: int) -> None:
    hidden = range(20, 20 + absent)
    places = [[(3.0 * i, 0.0)] if i in hidden else [(3.0 * i, 0.0), (400 - 4.0 * i, 0.0)] for i in range(50)]
    found = whole([frame(i, *p) for i, p in enumerate(places)])
    assert found.identities == (1, 2)
    assert not found.confidence[hidden, 1].any() and not found.keypoints[hidden, 1].any()
    assert path(found, 1)[20 + absent] == 400 - 4 * (20 + absent)
    plural = "s" * (absent > 1)
    assert found.notes == (f"person 2 is out of sight for {absent} frame{plural} in 1 gap",)


@pytest.mark.parametrize(("absent", "people"), [(30, 2), (TRACKING.back, 2), (TRACKING.back + 1, 3)])
def test_somebody_who_comes_back_to_where_they_were_is_the_same(absent: int, people: int) -> None:
    hidden = range(20, 20 + absent)
    places = [[(3.0 * i, 0.0)] if i in hidden else [(3.0 * i, 0.0), (900.0, 400.0)] for i in range(150)]
    assert len(whole([frame(i, *p) for i, p in enumerate(places)]).identities) == people


@pytest.mark.parametrize(("rate", "people"), [(60.0, 2), (None, 3), (25.0, 3)])
@pytest.mark.parametrize("told", ["by the file", "by the user"])
def test_time_counts_and_not_frames_where_films_are_fast(rate: float | None, people: int, told: str) -> None:
    """100 frames are 1.7 s at 60 a second, and 3.3 s or more at 30."""
    hidden = range(20, 120)
    places = [[(3.0 * i, 0.0)] if i in hidden else [(3.0 * i, 0.0), (900.0, 400.0)] for i in range(150)]
    in_file = rate if told == "by the file" else None
    (found,) = track([frame(i, *p, rate=in_file) for i, p in enumerate(places)], rate=None if in_file else rate)
    assert len(found.identities) == people
    assert people > 2 or found.notes == ("person 2 is out of sight for 100 frames in 1 gap",)


def test_somebody_who_comes_back_is_not_taken_for_somebody_who_has_just_gone() -> None:
    """The second is hidden, comes back to where they were, and just then the first is hidden beside them."""
    places = {range(20): ("a", "b"), range(20, 50): ("a",), range(50, 55): ("b",), range(55, 70): ("a", "b")}
    at = {"a": (0.0, 0.0), "b": (60.0, 0.0)}
    frames = [frame(i, *(at[who] for who in seen)) for frames, seen in places.items() for i in frames]
    found = whole(frames)
    assert found.identities == (1, 2)
    assert {*path(found, 0)[55:]} == {0} and {*path(found, 1)[50:]} == {60}


@pytest.mark.parametrize("hidden", [3, 15, 40])
def test_who_hides_somebody_stays_who_they_are(hidden: int) -> None:
    """The second walks behind the first, whose legs are now and then taken for theirs, and comes out again."""
    knees = [JOINTS.joints.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle")]
    frames = []
    for i in range(30 + hidden):
        before, stray = BODY + np.array([0.0, 0.0]), BODY + np.array([40.0, -6.0])
        before[knees] = stray[knees] if 15 <= i < 15 + hidden and i % 2 else before[knees]
        behind = (40.0 + 3 * abs(min(i - 15, 0) + max(i - 14 - hidden, 0)), -6.0)
        frames.append(frame(i, before, *([] if 15 <= i < 15 + hidden else [behind])))
    found = whole(frames)
    assert found.identities == (1, 2)
    assert {*path(found, 0)} == {0}
    assert not found.confidence[15 : 15 + hidden, 1].any() and found.confidence[15 + hidden :, 1].all()


@pytest.mark.parametrize("apart", [1, 5, 30])
def test_somebody_is_not_their_legs_alone(apart: int) -> None:
    """In some frames a detector gives somebody's legs, which stand still, as a person of their own."""
    legs = np.array([joint.endswith(("_knee", "_ankle", "_foot", "_toe")) for joint in JOINTS.joints])
    frames = []
    for i in range(20 + apart):
        split = 10 <= i < 10 + apart
        body = BODY + np.array([8.0 * (-1) ** i, 0.0]) * ~legs[:, None]
        people = np.stack([body] * 2 if split else [body])
        confidence = np.stack([~legs, legs] if split else [np.ones_like(legs)]).astype(float)
        frames.append(Frame(str(i), "clip", people * (confidence > 0)[..., None], confidence))
    found = whole(frames)
    assert found.confidence[:, 0, JOINTS.root_index].all(), "the trunk is one person throughout"
    assert found.confidence[-1, 0].all(), "and so is who is whole again"


def test_somebody_out_of_sight_for_long_who_comes_back_elsewhere_is_somebody_new() -> None:
    frames = [frame(i, *([(0.0 if i < 10 else 500.0, 0.0)] if i < 10 or i >= 22 else [])) for i in range(31)]
    assert whole(frames).identities == (1, 2)


def test_somebody_far_from_everybody_is_somebody_new() -> None:
    found = whole([frame(0, (0, 0)), frame(1, (0, 0), (900, 0)), frame(2, (900, 0), (0, 0))])
    assert found.identities == (1, 2)
    assert path(found, 1).tolist() == [0, 900, 900]


def test_missing_joints_do_not_count() -> None:
    """Half of each person is hidden, another half in every frame; what is hidden is stored as 0."""
    frames = []
    for i in range(10):
        one = frame(i, (0, 0), (150, 0), order=[[0, 1], [1, 0]][i % 2])
        one.confidence[:, i % 3 :: 3] = 0
        one.keypoints[one.confidence == 0] = 0
        frames.append(one)
    found = whole(frames)
    assert found.identities == (1, 2)
    assert set(np.unique(path(found, 1))) <= {0, 150} and 150 in path(found, 1)


def test_the_files_own_numbers_are_the_identities() -> None:
    """However people look, and however long they were out of sight."""
    frames = [frame(0, (0, 0), (200, 0), identities=(7, 3)), *(frame(i, (0, 0), identities=(7,)) for i in range(1, 30))]
    found = whole([*frames, frame(30, (0, 0), (300, 0), identities=(7, 3))])
    assert found.identities == (7, 3)
    assert path(found, 1)[[0, 30]].tolist() == [200, 300]
    assert found.notes == ("person 3 is out of sight for 29 frames in 1 gap",)


def test_numbers_that_a_file_switches_are_told() -> None:
    frames = [frame(i, (0, 0), (200, 0), identities=(1, 2) if i < 5 else (2, 1)) for i in range(10)]
    found = whole(frames)
    assert path(found, 0).tolist() == [0] * 5 + [200] * 5, "the file has the last word"
    switched = "in frame 5: the file may switch them (--track anew goes by where people are)"
    assert found.notes == (
        f"person 1 looks like person 2 before, {switched}",
        f"person 2 looks like person 1 before, {switched}",
    )


def test_people_without_a_number_among_numbered_ones_get_one_of_their_own() -> None:
    found = whole([frame(0, (0, 0), identities=(5,)), frame(1, (0, 0), (300, 0)), frame(2, (0, 0), identities=(0,))])
    assert found.identities == (5, TRACKING.first_unnamed, 0)


def test_images_that_stand_alone_stay_alone() -> None:
    """Though the same people are in them: nothing says so."""
    frames = [frame(0, (0, 0), (200, 0), video=""), frame(1, video=""), frame(2, (0, 0), video="", identities=(4,))]
    found = list(track(frames))
    assert [one.names for one in found] == [("0",), ("1",), ("2",)]
    assert [one.identities for one in found] == [(1, 2), (), (4,)]
    assert [one.notes for one in found] == [(), ("nobody was found",), ()]
    assert found[1].keypoints.shape == (1, 0, len(JOINTS), 2)


def test_every_video_has_people_of_its_own() -> None:
    found = list(track([frame(i, (0, 0), video="ab"[i // 3]) for i in range(6)]))
    assert [(one.video, one.identities, len(one.names)) for one in found] == [("a", (1,), 3), ("b", (1,), 3)]


def test_a_video_has_one_size_and_one_lens() -> None:
    frames = [frame(0, (0, 0)), frame(1, (0, 0), image=(640, 480), focal=500.0), frame(2, (0, 0), image=(640, 480))]
    found = whole(frames)
    assert (found.image, found.focal) == ((640, 480), 500)
    with pytest.raises(InputError, match=r"clip: image 3 has \(480, 640\) pixels and those before \(640, 480\)"):
        whole([*frames, frame(3, (0, 0), image=(480, 640))])


@pytest.mark.parametrize("chunk", [1, 7, 40, 100])
def test_chunks_are_the_whole_in_pieces(chunk: int) -> None:
    """Somebody comes, somebody goes, somebody is hidden over the border of two chunks."""
    places = [
        [(2.0 * i, 0.0), *([(300.0, 2.0 * i)] if i not in range(12, 17) else []), *([(600.0, 0.0)] if i > 20 else [])]
        for i in range(40)
    ]
    frames = [frame(i, *p) for i, p in enumerate(places)]
    all_at_once, pieces = whole(frames), list(track(frames, chunk=chunk))
    assert [name for piece in pieces for name in piece.names] == list(all_at_once.names)
    assert max(len(piece.names) for piece in pieces) == min(chunk, 40)
    start = 0
    for piece in pieces:
        stop = start + len(piece.names)
        for index, identity in enumerate(piece.identities):
            person = all_at_once.identities.index(identity)
            assert np.array_equal(piece.keypoints[:, index], all_at_once.keypoints[start:stop, person])
        assert piece.confidence.sum() == all_at_once.confidence[start:stop].sum()
        start = stop


def test_frames_are_asked_for_as_chunks_are_needed() -> None:
    """An endless video: a chunk is there before the one after it is read."""
    asked = []

    def endless() -> Iterator[Frame]:
        for i in count():
            asked.append(i)
            yield frame(i, (i % 50, 0), (300, 0))

    chunks = track(endless(), chunk=20)
    for number, found in enumerate(islice(chunks, 5), start=1):
        assert len(found.names) == 20
        assert len(asked) <= 20 * number + 1


def test_nobody_is_remembered_for_longer_than_they_can_come_back() -> None:
    """Passers-by, one a frame: chunks hold their own people alone."""
    crowd = (frame(i, (400.0 * i, 0.0)) for i in range(300))
    found = list(track(crowd, chunk=50, gap=5))
    assert [len(one.identities) for one in found] == [50] * 6
    assert len({identity for one in found for identity in one.identities}) == 300


@pytest.mark.parametrize("options", [{"chunk": 0}, {"gap": -1}], ids=str)
def test_chunks_and_gaps_of_no_size_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected at least 1 and 0"):
        next(track([], **options))
