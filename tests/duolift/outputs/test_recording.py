"""Rerun's recordings: what its reader finds in them."""

from pathlib import Path

import pytest

from duolift.example import example_scene
from duolift.outputs import write

chunk = pytest.importorskip("rerun.chunk", reason="rerun-sdk is not installed, or older")


def test_a_recording_holds_people_camera_and_poses_on_a_time_line(tmp_path: Path) -> None:
    write(example_scene(), tmp_path / "scene.rrd")
    chunks = chunk.RrdReader(tmp_path / "scene.rrd").stream().to_chunks()
    rows: dict[str, int] = {}
    for part in chunks:
        entity = str(part.entity_path)
        rows[entity] = rows.get(entity, 0) + part.num_rows
        assert part.is_static or {"frame", "time"} <= set(part.timeline_names), entity
    people = {f"/scene{where}/{identity}" for where in ("", "/camera/image") for identity in (1, 2)}
    assert people | {"/scene", "/scene/camera", "/scene/camera/image", "/notes", "/name"} <= set(rows)
    assert rows["/scene/1"] == rows["/scene/camera"] == rows["/name"] == 4
    assert rows["/scene/1/bones"] == 4 and rows["/scene/1/confidence"] == 4
    assert rows["/scene/2"] == 4 and rows["/scene/2/confidence"] == 3, "cleared away where they are gone"
