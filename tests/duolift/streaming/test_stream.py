"""A stream of frames: what is given out stays, comes in time, and is what a whole video would have said, nearly."""

import itertools
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_greeting import greeting

from duolift import Camera, Lifter, Scene
from duolift.camera import DETECTOR_NOISE
from duolift.demo import FOCAL, RATE
from duolift.errors import InputError
from duolift.inputs.detections import Frame
from duolift.outputs.document import from_json, to_json
from duolift.placement.stature import Statures
from duolift.streaming.memory import MEMORY_LIMITS, Memory, MemoryLimits, Pose
from duolift.streaming.recording import recorded
from duolift.streaming.window import WINDOW_LIMITS, Moment, Window

FRAMES = 60


@pytest.fixture(scope="module")
def shipped() -> Lifter:
    return Lifter.load()


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    return greeting(tmp_path_factory.mktemp("demo"), FRAMES)


@pytest.fixture(scope="module")
def camera(frames: list[Frame]) -> Camera:
    return Camera(focal=FOCAL, rate=RATE, image=frames[0].image)


def given(lifter: Lifter, camera: Camera, frames: list[Frame], times: np.ndarray | None = None) -> list[Scene]:
    """All scenes of a stream."""
    stream = lifter.stream(camera)
    times = np.arange(len(frames)) / RATE if times is None else times
    scenes = [scene for f, t in zip(frames, times, strict=True) for scene in stream.add_frame(f, float(t))]
    return [*scenes, *stream.finish()]


@pytest.fixture(scope="module")
def whole(shipped: Lifter, camera: Camera, frames: list[Frame]) -> list[Scene]:
    return given(shipped, camera, frames)


def test_it_is_nearly_what_a_whole_video_says(
    shipped: Lifter, camera: Camera, frames: list[Frame], whole: list[Scene]
) -> None:
    ((_, video),) = shipped.lift_frames(frames, camera)
    live = recorded(whole, RATE)
    assert live.names == video.names and live.identities == video.identities and live.valid.all()
    root = live.skeleton.root_index
    bodies = [scene.people - scene.people[:, :, root, None] for scene in (live, video)]
    assert np.linalg.norm(bodies[0] - bodies[1], axis=-1).mean() < 0.05
    turned = np.degrees(np.arccos((live.up[-1] * video.up[-1]).sum().clip(-1, 1)))
    assert turned < 2 * video.tilt_deviation[-1]
    trembling = [np.linalg.norm(np.diff(scene.people, 2, 0), axis=-1).mean() for scene in (live, video)]
    alone = shipped.lift_frames(frames, replace(camera, smooth=False))
    trembling.append(np.linalg.norm(np.diff(next(alone)[1].people, 2, 0), axis=-1).mean())
    assert trembling[0] < 1.5 * trembling[1] < 0.2 * trembling[2]


def test_the_future_does_not_change_what_was_given_out(
    shipped: Lifter, camera: Camera, frames: list[Frame], whole: list[Scene]
) -> None:
    stream = shipped.stream(camera)
    early = [scene for number, frame in enumerate(frames[:20]) for scene in stream.add_frame(frame, number / RATE)]
    kept = [to_json(scene) for scene in early]
    other = [replace(frame, keypoints=frame.keypoints[::-1] + 40.0) for frame in frames[20:40]]
    late = [scene for frame in other for scene in stream.add_frame(frame)]
    assert late and all(to_json(scene) == before for scene, before in zip(early, kept, strict=True))
    assert all(to_json(scene) == before for scene, before in zip(whole, kept, strict=False))


@pytest.mark.parametrize("lag", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("rate", [5.0, 30.0])
def test_no_scene_is_later_than_the_lag(
    shipped: Lifter, camera: Camera, frames: list[Frame], lag: float, rate: float
) -> None:
    stream, out = shipped.stream(replace(camera, rate=rate), lag=lag), []
    for number, frame in enumerate(frames[:12]):
        out += [scene.names[0] for scene in stream.add_frame(frame, number / rate)]
        behind = number + 1 - len(out)  # frames
        assert behind / rate <= lag + 1e-9
        assert (behind + 1) / rate > lag or number + 1 < lag * rate  # and none is given out before it has to be
    out += [scene.names[0] for scene in stream.finish()]
    assert out == [frame.name for frame in frames[:12]] and stream.finish() == []


def test_frames_that_were_dropped_change_little(
    shipped: Lifter, camera: Camera, frames: list[Frame], whole: list[Scene]
) -> None:
    kept = np.sort(np.random.default_rng(0).permutation(FRAMES)[: 3 * FRAMES // 4])
    some = given(shipped, camera, [frames[number] for number in kept], kept / RATE)
    assert [scene.names for scene in some] == [whole[number].names for number in kept]
    assert all(scene.identities == whole[number].identities for scene, number in zip(some, kept, strict=True))
    every, few = recorded([whole[number] for number in kept]), recorded(some)
    root = every.skeleton.root_index
    off = (few.people - few.people[:, :, root, None]) - (every.people - every.people[:, :, root, None])
    assert np.linalg.norm(off, axis=-1).mean() < 0.02
    distance = np.linalg.norm(few.people - every.people, axis=-1)[FRAMES // 3 :].mean()
    assert distance < np.nanmean(every.distance_deviation) / 2


def test_an_empty_frame_is_as_good_as_none(shipped: Lifter, camera: Camera, frames: list[Frame]) -> None:
    nobody = replace(frames[0], keypoints=np.zeros((0, 25, 2)), confidence=np.zeros((0, 25)), name="nobody")
    gaps, without = frames[:30].copy(), frames[:30].copy()
    gaps[12:14] = [nobody, nobody]
    del without[12:14]
    times = np.arange(30) / RATE
    one = [scene for scene in given(shipped, camera, gaps, times) if scene.names != ("nobody",)]
    other = given(shipped, camera, without, np.delete(times, [12, 13]))
    assert [scene.identities for scene in one] == [scene.identities for scene in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.people, b.people, atol=0.05)


def test_people_come_and_go_and_come_back(shipped: Lifter, camera: Camera, frames: list[Frame]) -> None:
    def of(frame: Frame, *people: int) -> Frame:
        return replace(frame, keypoints=frame.keypoints[[*people]], confidence=frame.confidence[[*people]])

    order = 10 * [(0,)] + 15 * [(0, 1)] + 10 * [(1,)] + 15 * [(1, 0)]
    parts = [of(f, *p) for f, p in zip(frames, order, strict=False)]
    scenes = given(shipped, camera, parts)
    there = [{*scene.identities} for scene in scenes]
    assert there[0] == {1} and there[15] == {1, 2} and there[30] == {2} and there[45] == {1, 2}
    assert all(np.isfinite(scene.people).all() for scene in scenes)
    for scene in scenes[::7]:
        assert from_json(to_json(scene), "a frame").identities == scene.identities


def test_bones_keep_their_lengths_once_they_are_known(whole: list[Scene]) -> None:
    scene = recorded(whole[FRAMES // 2 :])
    child, parent = (list(ends) for ends in scene.skeleton.bone_ends)
    lengths = np.linalg.norm(scene.people[:, :, child] - scene.people[:, :, parent], axis=-1)
    assert (lengths.std(0) / lengths.mean(0)).max() < 0.04


def test_a_camera_is_surer_of_itself_as_time_goes_on(whole: list[Scene]) -> None:
    assert whole[-1].tilt_deviation[0] < 0.8 * whole[0].tilt_deviation[0]
    step = np.degrees(np.arccos([(a.up[0] * b.up[0]).sum().clip(-1, 1) for a, b in itertools.pairwise(whole)]))
    assert step.max() < 1.5 and step[-10:].max() < 0.3


def test_nobody_and_then_somebody(shipped: Lifter, frames: list[Frame]) -> None:
    stream = shipped.stream(Camera(image=frames[0].image), format="coco", lag=0.0)
    (empty,) = stream.add(np.zeros((0, 17, 2)))
    assert empty.identities == () and empty.people.shape == (1, 0, 19, 3)
    assert from_json(to_json(empty), "a frame").names == ("0",)
    unseen = np.full((1, 17, 2), np.nan)
    assert stream.add(unseen)[0].identities == ()
    (scene,) = stream.add_frame(frames[0])
    assert scene.identities == (1, 2) and scene.focal_source == "default"


def test_who_is_followed_elsewhere_keeps_that_number(shipped: Lifter, camera: Camera, frames: list[Frame]) -> None:
    stream = shipped.stream(replace(camera, smooth=False), stature=Statures(own={70: 1.9}))
    (scene,) = stream.add_frame(replace(frames[0], identities=(70, 7)))
    assert scene.identities == (70, 7)
    assert 0 < scene.height[0] < 5


def test_a_focal_length_is_asked_for_and_people_are_lifted_anew(
    shipped: Lifter, camera: Camera, frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    from duolift.lens import Lens
    from duolift.placement.interface import FocalSource

    monkeypatch.setattr("duolift.streaming.settling.FOCAL_AFTER", 0.5)
    told = Lens(camera.image or (0.0, 0.0), FOCAL, FocalSource.PEOPLE, 0.1)
    monkeypatch.setattr(Lens, "told", lambda self, lifted, interval: told)
    scenes = given(shipped, replace(camera, focal=None), frames)
    assert scenes[0].focal_source == "default" and scenes[-1].focal_source == "people" and scenes[-1].focal == FOCAL
    assert np.isfinite(recorded(scenes).people).all()


def test_what_cannot_be_is_refused_and_changes_nothing(shipped: Lifter, camera: Camera, frames: list[Frame]) -> None:
    for wrong, message in (
        (Camera(), "image is None"),
        (replace(camera, static=False), "static is False"),
    ):
        with pytest.raises(InputError, match=message):
            shipped.stream(wrong)
    with pytest.raises(InputError, match="lag is 1"):
        shipped.stream(camera, lag=1.0)
    with pytest.raises(InputError, match="'nothing' are unknown"):
        shipped.stream(camera, format="nothing")
    stream = shipped.stream(camera, format="coco")
    stream.add_frame(frames[0], 10.0)
    with pytest.raises(InputError, match="later than 10"):
        stream.add_frame(frames[1], 10.0)
    with pytest.raises(InputError, match="of one frame"):
        stream.add(np.zeros((3, 2, 17, 2)))
    with pytest.raises(InputError, match="a number for each"):
        stream.add(np.full((2, 17, 2), 300.0), identities=[1, 1])
    stream.add_frame(frames[1], 10.04)
    assert [scene.names[0] for scene in stream.finish()] == [frames[0].name, frames[1].name]


def test_memory_is_bounded_in_time_and_people() -> None:
    nobody = Pose(np.zeros((19, 2)), np.ones(19, dtype=bool), DETECTOR_NOISE, np.zeros(61, dtype=np.float32))
    memory = Memory(MemoryLimits(poses=10, spacing=0.1, people=3))
    for number in range(5000):
        memory.see(number // 1000, number / 25, nobody)
        assert all(len(past.poses) <= 10 for past in memory.people.values()) and len(memory.people) <= 3
    times = [*memory.people[4].poses]
    assert len(times) >= 5 and np.ptp(np.diff(times)) < 0.1  # evenly over all of the person's time
    assert max(times) - min(times) > 0.7 * 1000 / 25


def test_a_crowd_of_now_is_remembered_whole() -> None:
    nobody = Pose(np.zeros((19, 2)), np.ones(19, dtype=bool), DETECTOR_NOISE, np.zeros(61, dtype=np.float32))
    memory = Memory()
    for time in (0.0, 1.0):
        for identity in range(2 * MEMORY_LIMITS.people):
            memory.see(identity, time, nobody)
    assert len(memory.people) == 2 * MEMORY_LIMITS.people


def test_a_window_holds_a_bounded_number_of_frames() -> None:
    window = Window(0.02, 0.2, 1 / 30)
    for number in range(2000):
        window.add(Moment(str(number), number / 1000, {}))
        for moment in window.due():
            moment.given = True
        assert len(window.moments) <= WINDOW_LIMITS.frames + 1


def test_memory_does_not_grow_with_the_frames(shipped: Lifter, camera: Camera, frames: list[Frame]) -> None:
    stream, time = shipped.stream(camera, lag=0.0), 0.0
    tracemalloc.start()
    sizes = []
    for _ in range(12):
        for frame in frames[:10]:
            time += 0.5
            stream.add_frame(frame, time)
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] < sizes[6] * 1.2 + 100_000


def test_a_recording_is_written_and_read(whole: list[Scene], tmp_path: Path) -> None:
    scene = recorded([whole[0].select([1]), *whole[1:5]], RATE)
    scene.save(tmp_path / "live.json")
    loaded = Scene.load(tmp_path / "live.json")
    assert (loaded.names, loaded.identities) == (scene.names, scene.identities) and scene.identities == (2, 1)
    np.testing.assert_allclose(loaded.people, scene.people, atol=1e-3)
    with pytest.raises(ValueError, match="no scenes"):
        recorded([])
