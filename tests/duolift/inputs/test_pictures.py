"""Picture files: how large they are and by what lens."""

from pathlib import Path

import pytest
from PIL import Image

from duolift.errors import InputError
from duolift.inputs.pictures import EXIF, FOCAL_35, ORIENTATION, camera_of_picture


def picture(
    path: Path, size: tuple[int, int] = (36, 24), focal: float | str | None = None, orientation: int = 1
) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    if focal is not None:
        exif[EXIF] = {FOCAL_35: focal}
    Image.new("RGB", size).save(path, exif=exif)
    return path


def test_a_lens_of_50_mm_on_a_frame_of_film_is_50_of_its_units_long(tmp_path: Path) -> None:
    """Film is 36 by 24 mm: as many pixels to the millimetre as the picture has."""
    image, focal = camera_of_picture(picture(tmp_path / "a.jpg", (3600, 2400), 50))
    assert image == (3600, 2400)
    assert focal == pytest.approx(5000, rel=1e-4)


def test_the_focal_length_is_unknown_where_the_picture_does_not_tell_it(tmp_path: Path) -> None:
    assert camera_of_picture(picture(tmp_path / "a.jpg")) == ((36, 24), None)
    assert camera_of_picture(picture(tmp_path / "b.jpg", focal=0)) == ((36, 24), None)
    Image.new("L", (7, 5)).save(tmp_path / "c.png")
    assert camera_of_picture(tmp_path / "c.png") == ((7, 5), None)


def test_a_focal_length_that_is_no_number_is_unknown(tmp_path: Path) -> None:
    image, focal = camera_of_picture(picture(tmp_path / "a.jpg", focal="long"))
    assert (image, focal) == ((36, 24), None)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_as_large_as_detectors_see_it(tmp_path: Path, orientation: int) -> None:
    image, focal = camera_of_picture(picture(tmp_path / "a.jpg", (36, 24), 50, orientation))
    assert image == ((24, 36) if orientation >= 5 else (36, 24))
    assert focal == pytest.approx(50, rel=1e-4)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"a\.jpg: not a picture; expected"):
        camera_of_picture(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"b\.jpg: cannot be read \(No such file"):
        camera_of_picture(tmp_path / "b.jpg")
