"""The field's protocols in the camera's frame, of several people: each against an independent computation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from callbacks.camera_centred import CAMERA_CENTRED, camera_scores
from duolift.body.skeleton import PAPER19
from duolift.geometry.bones import bone_lengths
from duolift.geometry.scene_batch import SceneBatch

ROOT = PAPER19.root_index


def people_of(scenes: SceneBatch) -> torch.Tensor:
    assert scenes.truth is not None
    return scenes.truth


def size_of(scenes: SceneBatch) -> float:
    return bone_lengths(people_of(scenes), PAPER19).sum(-1).mean().item()


def video(scenes: SceneBatch, frames: list[int], valid: list[list[bool]]) -> SceneBatch:
    """Scenes as these frames of one sequence, people of one size throughout, and who is valid in each."""
    some = scenes[torch.arange(len(frames))]
    sequence, known = torch.zeros(len(frames), dtype=torch.long), torch.tensor(valid)
    return replace(some, sequence=sequence, frame=torch.tensor(frames), valid=known, present=known)


def test_places_in_any_unit_are_right_where_people_are_of_the_usual_size(scenes: SceneBatch) -> None:
    one = scenes[:1]
    found = camera_scores(people_of(one) / 700, one, PAPER19, size_of(one))
    assert list(found) == list(CAMERA_CENTRED)
    assert found["root_error_mm"].max() < 0.1 and found["mpjpe_mm"].max() < 0.1
    assert found["pck_pct"].tolist() == found["pck_abs_pct"].tolist() == [100.0, 100.0]
    assert found["mpjve_mm_per_frame"].numel() == 0  # a single image has no movements


def test_whoever_is_taken_to_be_a_tenth_larger_is_a_tenth_further_away(scenes: SceneBatch) -> None:
    one = scenes[:1]
    found = camera_scores(people_of(one), one, PAPER19, 1.1 * size_of(one))
    distances = people_of(one)[0, :, ROOT].norm(dim=-1)
    torch.testing.assert_close(found["root_error_mm"], 0.1 * distances, rtol=1e-3, atol=0.1)


def test_protocols_agree_with_numpy_on_people_who_come_and_go(scenes: SceneBatch) -> None:
    """Frames 0, 1, 2 and 4 of a video: 3 was left out, and in 1 the second person is not there."""
    some = video(scenes, [0, 1, 2, 4], [[True, True], [True, False], [True, True], [True, True]])
    truth = people_of(some).double().numpy()
    predicted = truth + 40 * np.random.default_rng(0).standard_normal(truth.shape)
    found = camera_scores(torch.from_numpy(predicted).float(), some, PAPER19, 5000.0)
    ends = [PAPER19.indices(bone) for bone in PAPER19.bones]
    sizes = sum(np.linalg.norm(predicted[:, :, a] - predicted[:, :, b], axis=-1) for a, b in ends)
    assert some.valid is not None
    valid = some.valid.numpy()
    scale = 5000 / np.array([of[known].mean() for of, known in zip(sizes, valid, strict=True)])
    placed = predicted * scale[:, None, None, None]
    off = placed - truth
    relative = off - off[:, :, [ROOT]]
    people = list(zip(*valid.nonzero(), strict=True))
    expected = {
        "mpjpe_mm": [np.linalg.norm(relative[at], axis=-1).mean() for at in people],
        "pck_pct": [100 * (np.linalg.norm(relative[at], axis=-1) < 150).mean() for at in people],
        "pck_abs_pct": [100 * (np.linalg.norm(off[at], axis=-1) < 150).mean() for at in people],
        "root_error_mm": [np.linalg.norm(off[at][ROOT]) for at in people],
        "mpjve_mm_per_frame": [
            np.linalg.norm(relative[after, 0] - relative[after - 1, 0], axis=-1).mean() for after in (1, 2)
        ],
        "acceleration_error_mm_per_frame2": [
            np.linalg.norm(relative[2, 0] - 2 * relative[1, 0] + relative[0, 0], axis=-1).mean()
        ],
    }
    for key, values in expected.items():
        assert found[key].tolist() == pytest.approx(values, rel=1e-3, abs=1e-2), key


def test_batches_keep_the_numbers_of_frames(scenes: SceneBatch) -> None:
    some = video(scenes, [3, 5], [[True, True], [True, True]])
    joined = SceneBatch.concatenate([some, some])
    assert joined.frame is not None and joined.frame.tolist() == [3, 5, 3, 5]
    assert not joined.consecutive(2).any() and joined.consecutive(1).all()
    with pytest.raises(ValueError, match="some scenes have what others lack"):
        SceneBatch.concatenate([some, replace(some, frame=None)])
