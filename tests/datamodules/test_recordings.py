"""Which scenes are scored."""

from dataclasses import replace

import pytest
import torch

from datamodules.recordings import scored_scenes
from duolift.errors import InputError
from duolift.geometry.scene_batch import SceneBatch


def test_scenes_of_two_valid_people_are_scored(scenes: SceneBatch) -> None:
    assert len(scored_scenes(scenes, "folder")) == len(scenes)
    valid = torch.ones(len(scenes), 2, dtype=torch.bool)
    valid[1:, 0] = False
    assert len(scored_scenes(replace(scenes, valid=valid, present=valid), "folder")) == 1


def test_nobody_to_be_scored_is_said(scenes: SceneBatch) -> None:
    valid = torch.tensor([True, False]).repeat(len(scenes), 1)
    with pytest.raises(InputError, match="folder: no image shows 2 people from head to foot with all joints known"):
        scored_scenes(replace(scenes, valid=valid, present=valid), "folder")
