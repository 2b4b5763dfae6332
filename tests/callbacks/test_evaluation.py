"""What rows of the evaluation share changes none of them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import FRAMES

import callbacks.scoring
from callbacks.lifting import estimated_focal, through_default_lens
from callbacks.parallel import on_all_cores
from callbacks.rows import LiftedBy, pictured_rows, product_row, rows_of
from callbacks.scene_pictures import extremes, whereabouts
from callbacks.scoring import LiftedScenes, portions, score_rows, score_scenes
from datamodules.sources.chi3d import read
from datamodules.synthetic.writer import SyntheticConfig, write
from duolift.body.skeleton import PAPER19, WHOLE
from duolift.geometry.lifted import Lifted
from duolift.geometry.scene_batch import SceneBatch
from duolift.metrics.definitions import CONTACT, score
from duolift.metrics.fast_alignment import align_scene
from duolift.placement import DEFAULT_METHOD, METHODS
from duolift.placement.focal import focal_from_people
from duolift.placement.ground import GroundPlacement
from duolift.placement.interface import FocalSource
from duolift.predictor import Lifter


def test_every_row_is_what_it_is_by_itself(scenes: SceneBatch, lifted: Lifted) -> None:
    lift = LiftedScenes(scenes, lifted)
    assert scenes.truth is not None
    kept = 0
    for row in (row for row in rows_of(WHOLE) if row.focal == FocalSource.KNOWN):
        people = LiftedScenes(scenes, lifted).placed(row)
        torch.testing.assert_close(lift.placed(row), people)
        alone = score(people, scenes.truth, PAPER19.root_index)["pa_mpjpe_person_mm"]
        assert torch.allclose(lift.alone, alone, atol=1e-2) == row.placement.keeps_bodies, row.name
        kept += row.placement.keeps_bodies
    assert 0 < kept < len(rows_of(WHOLE))


def test_some_scenes_of_a_lift_share_nothing_with_the_others(scenes: SceneBatch, lifted: Lifted) -> None:
    lift, row = LiftedScenes(scenes, lifted), rows_of(WHOLE)[-1]
    lift.placed(row)
    some = slice(FRAMES, None)
    torch.testing.assert_close(lift[some].placed(row), LiftedScenes(scenes[some], lifted[some]).placed(row))


@pytest.mark.parametrize(
    ("lengths", "at_once", "threads", "expected"),
    [
        ([150] * 20, 700, 2, [600, 600, 600, 600, 600]),
        ([150] * 20, 4096, 2, [1500, 1500]),
        ([150] * 20, 4096, 1, [3000]),
        ([10, 10, 970, 10], 250, 2, [20, 970, 10]),
        ([5], 1, 4, [5]),
    ],
)
def test_portions_are_of_whole_sequences(
    lengths: list[int], at_once: int, threads: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks.scoring, "SCORED_AT_ONCE", at_once)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    sequence = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
    runs = portions(sequence)
    assert [run.stop - run.start for run in runs] == expected
    assert torch.cat([torch.arange(len(sequence))[run] for run in runs]).tolist() == list(range(len(sequence)))


def test_what_is_shown_is_what_the_product_does() -> None:
    rows = rows_of(WHOLE)
    row = product_row(rows)
    assert (row.placement, row.lifted_by) == (METHODS[DEFAULT_METHOD].video, LiftedBy.TRAINED)
    assert row in pictured_rows(rows)


def test_mixed_sequences_stay_together() -> None:
    assert portions(torch.tensor([0, 1, 0, 1])) == [slice(0, 4)]


@pytest.mark.parametrize("at_once", [1, 1024])
def test_a_rows_metrics_are_the_means_of_its_scenes(
    scenes: SceneBatch, lifted: Lifted, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks.scoring, "SCORED_AT_ONCE", at_once)
    lift, row = LiftedScenes(scenes, lifted), product_row(rows_of(WHOLE))
    scores = score_scenes(row, lift)
    (means,) = score_rows([row], [lift])
    assert all(values.shape == (len(scenes),) for values in scores.values())
    assert means == pytest.approx({name: scores[name].nanmean().item() for name in means}, rel=1e-5)
    assert scores.keys() - means.keys() <= {CONTACT}, "nobody touches"
    whole = LiftedScenes(scenes, lifted).placed(row)
    assert scenes.truth is not None
    aligned = (align_scene(whole, scenes.truth) - scenes.truth).norm(dim=-1).mean((-1, -2))
    torch.testing.assert_close(scores["pa_mpjpe_mm"], aligned, rtol=1e-4, atol=1e-2)


def test_the_extremes_are_one_scene_a_sequence_in_order() -> None:
    errors, sequence = torch.tensor([5.0, 1.0, 2.0, 9.0, 8.0, 3.0]), torch.tensor([0, 0, 0, 1, 1, 2])
    assert extremes(errors, sequence, 10, largest=False) == [1, 5, 4]
    assert extremes(errors, sequence, 2, largest=True) == [3, 0]


def test_a_scene_is_told_by_its_take_camera_and_frame(scenes: SceneBatch) -> None:
    for scene, camera, frame in ((0, "left", 0), (FRAMES - 1, "left", FRAMES - 1), (FRAMES + 2, "right", 2)):
        assert whereabouts(scenes, scene) == {"subject": "s04", "action": "Hug 1", "camera": camera, "frame": frame}


def test_a_cameras_focal_length_is_told_by_what_it_saw(scenes: SceneBatch, lifted: Lifted) -> None:
    assumed = through_default_lens(scenes, (900.0, 900.0))
    seen = replace(lifted, root_rays=assumed.rays_to(PAPER19.root_index))
    found, focal = estimated_focal(seen, assumed), assumed.intrinsics.focal[0, 0]
    expected = focal_from_people(seen, focal.expand(3), assumed.sequence, assumed.camera)
    torch.testing.assert_close(found.pixels, expected.pixels)
    torch.testing.assert_close(found.deviation, expected.deviation)
    assert found.source == expected.source


def test_parts_keep_their_order_and_torch_its_threads() -> None:
    weight, threads = torch.ones(3, requires_grad=True), torch.get_num_threads()
    found = on_all_cores(lambda part: (part * weight, torch.get_num_threads()), [torch.tensor(i) for i in range(9)])
    assert [(value[0].item(), count) for value, count in found] == [(i, 1) for i in range(9)]
    assert not any(value.requires_grad for value, _ in found)
    assert torch.get_num_threads() == threads


def test_another_device_works_on_one_part_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callbacks.parallel.ThreadPoolExecutor", lambda _: pytest.fail("threads for another device"))
    weight = torch.ones(3, requires_grad=True)
    found = on_all_cores(lambda part: part * weight, [1, 2, 3], device=torch.device("meta"))
    assert [value[0].item() for value in found] == [1, 2, 3] and not any(value.requires_grad for value in found)


def test_an_error_in_a_part_is_raised_and_torch_keeps_its_threads() -> None:
    torch.set_num_threads(2)
    with pytest.raises(ZeroDivisionError):
        on_all_cores(lambda part: 1 // part, [1, 0])
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


def test_however_scenes_lie_in_memory_they_align_alike() -> None:
    people, truth = torch.randn(2, 7, 2, 19, 3, dtype=torch.float64)
    strided = people.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    torch.testing.assert_close(align_scene(strided, truth), align_scene(people, truth))


def test_bfloat16_scores_within_two_millimetres_of_full_precision(tmp_path: Path) -> None:
    write(tmp_path, SyntheticConfig(takes=1, frames=4))
    scenes, people = read(tmp_path, ["s04"]).scenes(PAPER19), Lifter.load().people
    everything = torch.ones(scenes.pixels.shape[:-1], dtype=torch.bool)
    rows, scored = rows_of(WHOLE), {}
    for half in (False, True):
        people.in_low_precision(half)
        lifted = replace(people(scenes.rays, everything), root_rows=scenes.pixels[:, :, PAPER19.root_index, 1])
        scored[half] = score_rows(rows, [LiftedScenes(scenes, lifted)] * len(rows))
    for row, full, low in zip(rows, scored[False], scored[True], strict=True):
        assert full != low, "both in full precision"
        ground = isinstance(row.placement, GroundPlacement)  # the paper's sizes follow from small differences of angles
        names = [name for name in full if name.endswith("_mm") and (ground or name.startswith("pa_mpjpe"))]
        apart = {name: abs(low[name] - full[name]) for name in names}
        assert apart and max(e for name, e in apart.items() if name.startswith("pa_mpjpe")) < 1, (row.name, apart)
        assert max(apart.values()) < 2, (row.name, apart)  # the size of a scene, which no alignment takes out
