"""What is given in place of keypoints is told by its first bytes."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from duolift.errors import InputError
from duolift.files.signatures import PICTURE, VIDEO
from duolift.inputs import read
from duolift.inputs.mistaken import mistake
from duolift.outputs.document import to_json
from duolift.scene import Scene

VIDEOS = (b"\0\0\0\x20ftypisom", b"RIFF\0\0\0\0AVI LIST", b"\x1a\x45\xdf\xa3\x01", b"\0\0\0\x14ftypqt  ")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_pictures(kind: str, tmp_path: Path) -> None:
    held = BytesIO()
    Image.new("RGB", (64, 48)).save(held, kind)
    assert str(mistake(held.getvalue()[:64])).startswith(
        f"is {PICTURE}; expected keypoints, or a detector that finds them"
    )
    (tmp_path / "a.json").write_bytes(held.getvalue())
    with pytest.raises(InputError, match=r"a\.json: is a picture"):
        next(read(tmp_path / "a.json"))


@pytest.mark.parametrize("start", VIDEOS)
def test_videos(start: bytes) -> None:
    assert str(mistake(start + bytes(64))).startswith(f"is {VIDEO}; expected keypoints")


def test_scenes() -> None:
    assert "duolift view shows a scene" in str(mistake(to_json(Scene.example()).encode()[:64]))


@pytest.mark.parametrize("start", [b"", b"{", b"[]", json.dumps([{"image_id": 1}]).encode(), b"PK\x03\x04", b"hello"])
def test_what_may_hold_keypoints_is_no_mistake(start: bytes) -> None:
    assert mistake(start) is None
