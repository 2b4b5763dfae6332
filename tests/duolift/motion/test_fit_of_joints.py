"""The fit of a person's joints: every term is the sum of squares that it says, and together they find people."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from duolift.body.skeleton import PAPER19
from duolift.motion import fit
from duolift.motion.evidence import Evidence
from duolift.motion.fit import fitted, people_in_motion, usual_lengths
from duolift.motion.quadratic import Quadratic
from duolift.motion.terms import TERMS
from duolift.motion.terms.inertia import DENSITY

CHILDREN, PARENTS = (list(ends) for ends in PAPER19.bone_ends)
RATE = 30.0


def lengths_of(points: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(points[..., CHILDREN, :] - points[..., PARENTS, :], axis=-1))


def moving(frames: int) -> np.ndarray:
    """A rigid body that turns about the vertical and walks, (frame, joint, 3), metres."""
    random, time = np.random.default_rng(0), np.arange(frames) / RATE
    body = random.normal(0, 0.3, (19, 3)) - 0.0
    cos, sin, one = np.cos(time), np.sin(time), np.ones(frames)
    turn = np.array([[cos, 0 * one, sin], [0 * one, one, 0 * one], [-sin, 0 * one, cos]]).transpose(2, 0, 1)
    path = np.stack([0.5 * time, 0 * time, 4 + 0.3 * time], -1)
    return (body - body[:1]) @ turn.transpose(0, 2, 1) + path[:, None]


def evidence(frames: int = 40, depth_noise: float = 0.05) -> Evidence:
    """Of `moving`, whose depths are lifted with noise that changes slowly."""
    true, random = moving(frames), np.random.default_rng(1)
    noise = random.normal(0, depth_noise, (frames // 8 + 2, 19))
    slow = np.stack([np.interp(np.arange(frames), 8 * np.arange(len(noise)), n) for n in noise.T], -1)
    points = true * (1 + slow / np.linalg.norm(true, axis=-1))[..., None]
    return Evidence(
        skeleton=PAPER19,
        points=points,
        rays=true[..., :2] / true[..., 2:],
        seen=np.ones((frames, 19), dtype=bool),
        across=np.full(frames, 0.01),
        deviation=np.full((frames, 19), 0.05),
        there=np.ones(frames, dtype=bool),
        lengths=lengths_of(true)[0],
        gives=0.01,
        interval=1 / RATE,
    )


def test_the_equations_of_a_video_are_those_of_a_dense_matrix() -> None:
    random = np.random.default_rng(0)
    frames, size = 7, 5
    half = random.normal(size=(frames, size, size))
    equations = Quadratic(
        within=half @ half.swapaxes(1, 2) + 20 * np.eye(size),
        following=random.normal(size=(frames, size)),
        second=random.normal(size=(frames, size)),
        pull=random.normal(size=(frames, size)),
    )
    equations.following[-1:] = equations.second[-2:] = 0
    matrix = np.zeros((frames * size, frames * size))
    for t in range(frames):
        here = slice(t * size, (t + 1) * size)
        matrix[here, here] = equations.within[t]
        for ahead, ties in ((1, equations.following), (2, equations.second)):
            if t + ahead < frames:
                there = slice((t + ahead) * size, (t + ahead + 1) * size)
                matrix[here, there] = matrix[there, here] = np.diag(ties[t])
    expected = np.linalg.solve(matrix, equations.pull.ravel()).reshape(frames, size)
    np.testing.assert_allclose(equations.solved(), expected, atol=1e-8)


def energy(name: str, known: Evidence, points: np.ndarray) -> float:
    """Half a term's sum of squares, from its definition."""
    sight = known.points / np.linalg.norm(known.points, axis=-1, keepdims=True)
    root = PAPER19.root_index
    if name == "keypoints":
        off = points[..., :2] - known.rays * points[..., 2:]
        terms = known.seen[..., None] * np.square(off / known.across[:, None, None])
    elif name == "bodies":
        off = (points - points[:, root, None]) - (known.points - known.points[:, root, None])
        off = np.where(known.seen[..., None], (off * sight).sum(-1, keepdims=True) * sight, off)
        terms = np.square(off / known.deviation[..., None])
    elif name == "places":
        off = points[:, root] - known.points[:, root]
        terms = np.square((off * sight[:, root]).sum(-1) / (0.02 * np.linalg.norm(known.points[:, root], axis=-1)))
    elif name == "bones":
        terms = np.square((lengths_of(points) - known.lengths) / known.gives)
    elif name == "given":
        assert known.given is not None and known.firmness is not None
        terms = np.square(np.nan_to_num(points - known.given) / known.firmness[:, None, None])
    else:
        steps = np.full(len(points), known.interval) if known.steps is None else known.steps
        one, other = steps[1:-1, None, None], steps[2:, None, None]
        change = (points[2:] - points[1:-1]) / other - (points[1:-1] - points[:-2]) / one
        terms = np.square(change) / (DENSITY * (one + other) / 2)
    return float(terms.sum() / 2)


@pytest.mark.parametrize("steps", [None, np.array([0.03, 0.03, 0.1, 0.02, 0.05])])
@pytest.mark.parametrize("name", TERMS)
def test_a_terms_pull_is_the_slope_of_its_energy(name: str, steps: np.ndarray | None) -> None:
    known = replace(evidence(5), steps=steps)
    known.seen[2, [3, 9]] = False
    random = np.random.default_rng(2)
    out = known.points + random.normal(0, 0.02, known.points.shape)
    out[3:] = np.nan
    known = replace(known, given=out, firmness=np.linspace(0.001, 0.1, 5))
    points = known.points + random.normal(0, 0.02, known.points.shape)
    equations = Quadratic.zero(5, 57)
    TERMS[name](known, points, equations)
    for _ in range(5):
        way = random.normal(size=points.shape)
        there, back = (energy(name, known, points + step * way) for step in (1e-6, -1e-6))
        slope = -(equations.pull.reshape(points.shape) * way).sum()
        assert slope == pytest.approx((there - back) / 2e-6, rel=1e-4, abs=1e-3)
    np.testing.assert_allclose(equations.within, equations.within.swapaxes(1, 2), atol=1e-9)


@pytest.mark.parametrize("name", TERMS)
def test_no_term_pulls_at_people_who_are_where_it_wants_them(name: str) -> None:
    known = replace(evidence(40, depth_noise=0.0), interval=1 / RATE)
    equations = Quadratic.zero(40, 57)
    TERMS[name](known, known.points, equations)
    assert np.abs(equations.pull).max() < (1e-6 if name != "inertia" else 20)  # whoever turns is accelerated


def test_bones_that_keep_their_lengths_tell_depths() -> None:
    known, true = evidence(), moving(40)
    found = fitted(known)
    without = fitted(known, terms={name: term for name, term in TERMS.items() if name != "bones"})
    shapes = [points - points[:, PAPER19.root_index, None] for points in (found, without, true)]
    by_bones, by_the_rest = (np.abs(shape - shapes[-1]).mean() for shape in shapes[:-1])
    assert by_bones < 0.9 * by_the_rest
    assert (lengths_of(found).std(0) / lengths_of(found).mean(0)).max() < 0.03


def test_what_was_given_out_stays_and_the_rest_goes_on_from_it() -> None:
    known = evidence(12)
    out = known.points + 0.1
    out[2:] = np.nan
    found, alone = fitted(replace(known, given=out, firmness=np.full(12, 0.001))), fitted(known)
    np.testing.assert_allclose(found[:2], out[:2], atol=0.003)
    off = np.abs(found - alone).mean((1, 2))
    assert off[1] > 2 * off[3] > 4 * off[7]


def test_pieces_show_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    known = evidence(150)
    whole = fitted(known)
    monkeypatch.setattr(fit, "PIECE", 40)
    np.testing.assert_allclose(fitted(known), whole, atol=2e-4)


def test_the_precision_that_people_come_in_is_as_good_as_any() -> None:
    known = evidence(90)
    exact = (known.points, known.rays, known.seen, known.across, known.deviation, known.there)
    single = [v if v.dtype == bool else v.astype(np.float32) for v in exact]
    wide, narrow = (
        people_in_motion(*(v[:, None] for v in values), PAPER19, 1 / RATE)  # type: ignore[arg-type]
        for values in ([v.astype(v.dtype if v.dtype == bool else np.float64) for v in single], single)
    )
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, wide, atol=2e-6)  # metres: single precision has no more


def test_memory_is_that_of_what_is_given_and_of_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a video is, nobody's is in memory more than a few times, and only one person's at a time."""
    monkeypatch.setattr(fit, "_solved", lambda known, points, terms: points)  # a piece's memory is not a frame's
    peaks, frames = [], (2000, 4000)
    for count in frames:
        people = np.zeros((count, 2, 19, 3), dtype=np.float32) + np.arange(19)[:, None]
        one = np.ones((count, 2, 19), dtype=np.float32)
        there = np.ones((count, 2), dtype=bool)
        tracemalloc.start()
        people_in_motion(people, people[..., :2], one > 0, one[..., 0], one, there, PAPER19, 1 / RATE)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    a_frame = (peaks[1] - peaks[0]) / (frames[1] - frames[0])
    assert a_frame < 6 * people[0].nbytes, "people's joints themselves are given, and come back"


def test_everybody_by_themselves_and_absent_where_they_are() -> None:
    known = evidence(30)
    there = np.ones((30, 2), dtype=bool)
    there[10:14, 1] = False
    points = np.stack([known.points, known.points + np.array([1.0, 0.0, 0.0])], 1)
    points[~there] = np.nan
    arrays = (points, points[..., :2] / points[..., 2:], np.ones((30, 2, 19)), np.full((30, 2), 0.01))
    off = np.full((30, 2, 19), np.nan)  # a lifter that does not say
    found = people_in_motion(*arrays, off, there, PAPER19, 1 / RATE)
    assert np.isnan(found[10:14, 1]).all() and np.isfinite(found[there]).all()
    alone = people_in_motion(*(array[:, :1] for array in arrays), off[:, :1], there[:, :1], PAPER19, 1 / RATE)
    np.testing.assert_allclose(found[:, :1], alone, atol=1e-9)


def test_bones_are_as_long_left_and_right() -> None:
    lengths = dict(zip(PAPER19.bones, usual_lengths(moving(9), np.ones((9, 19)), PAPER19), strict=True))
    assert lengths["left_ankle", "left_knee"] == lengths["right_ankle", "right_knee"]
