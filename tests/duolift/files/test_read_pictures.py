"""Pictures as pixels: every mode and every depth, the right way up."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from duolift.errors import InputError
from duolift.files.pictures import read_picture

RAMP = np.linspace(0, 255, 12).reshape(3, 4)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bits_are_scaled_to_8(name: str, tmp_path: Path) -> None:
    Image.fromarray((RAMP * 257).astype(np.uint16)).save(tmp_path / name)
    assert np.abs(read_picture(tmp_path / name) - RAMP[..., None]).max() <= 1


def test_fractions_are_scaled_to_the_brightest(tmp_path: Path) -> None:
    Image.fromarray((RAMP / 255).astype(np.float32)).save(tmp_path / "a.tif")
    assert np.abs(read_picture(tmp_path / "a.tif") - RAMP[..., None]).max() <= 1


@pytest.mark.parametrize(
    ("mode", "colour", "suffix"),
    [
        ("CMYK", (0, 255, 255, 0), "jpg"),
        ("RGBA", (255, 0, 0, 255), "png"),
        ("P", 0, "gif"),
        ("YCbCr", (76, 85, 255), "jpg"),
    ],
)
def test_every_mode_becomes_red_green_and_blue(mode: str, colour: tuple[int, ...], suffix: str, tmp_path: Path) -> None:
    picture = Image.new("RGB", (8, 8), (255, 0, 0)).convert("P") if mode == "P" else Image.new(mode, (8, 8), colour)
    picture.save(tmp_path / f"a.{suffix}")
    pixels = read_picture(tmp_path / f"a.{suffix}")
    assert pixels.dtype == np.uint8 and pixels.shape == (8, 8, 3)
    assert np.abs(pixels[4, 4].astype(int) - (255, 0, 0)).max() <= 3


def test_16_bits_are_turned_as_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.fromarray((RAMP * 257).astype(np.uint16)).save(tmp_path / "a.png", exif=exif)
    assert np.abs(read_picture(tmp_path / "a.png")[..., 0] - np.rot90(RAMP, -1)).max() <= 1


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"\xff\xd8\xff\xe0 cut off"])
def test_what_is_no_picture_is_refused_in_a_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.jpg: cannot be read as a picture") as refused:
        read_picture(tmp_path / "a.jpg")
    assert "\n" not in str(refused.value)
