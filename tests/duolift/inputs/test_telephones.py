"""Pictures as telephones write them (HEIC): the right way up, with their lens, or a line that says what to install."""

import base64
import sys
from pathlib import Path

import numpy as np
import pytest

from duolift.errors import InputError
from duolift.files.pictures import read_picture
from duolift.inputs.media import is_media
from duolift.inputs.pictures import camera_of_picture

SMALL = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004@ZDn*}000000000XXk=`10000000000aA{+700000000000000000000G-+&a"
    "V*mgE07O6l0ssL300001#Q*^S00000001Ze0ssI200Hd)0RR9100000LI3~&IB98aW&i*H00062000$fZf0cy000000RRAKc4ILB"
    "0000LX>Mj^0ssI300IC2MR;ju000004sdC7Z2$lO00031007`=aB^?}006*gaAR)(004Msc4I>U18@KU0FVFx0000U@BsY%`1k+-"
    "4+CHT0RR|40Sp2E{{wIU00RJ!0009300RIXx&lC90096iLID8-Z~y=U0FVFx0{{R603M(qfrXapNhz*w0vZem00093$N&HX00=;0"
    "00968L;=Baup&SJ000wXZ)|dIV{CW;0RRmE27mwn02FC+aAg1h0000006+i$0AK(B01$9#cxeCt0009B2nYZG010VwZ*&6y000<i"
    "aBX1#00000000310R@2q0|bQt000_ka%E-!00000000hSWOHKx0ssL30RR91a&2T`bN~PVBq#x|8G!eEg*X5D`GFrUA-^OUK0OB3"
    "ae<%RAIr+QcVyF2HUIzs21R&jW&i+9O#mtY000O80s#^L0{{R30RRR70EcM+1ONa40RR91CIA2c0004`1pos8000318UO$Q0000"
)
"""96 x 64 pixels, the left half red, the right half blue; on its side in the file, as telephones write it."""


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(SMALL)
    return path


def test_it_is_the_right_way_up(photograph: Path) -> None:
    pytest.importorskip("pi_heif")
    assert is_media(photograph)
    pixels = read_picture(photograph)
    assert pixels.shape == (64, 96, 3)
    left, right = pixels[16:48, 8:40].mean((0, 1)), pixels[16:48, 56:88].mean((0, 1))
    assert np.allclose(left, [200, 40, 40], atol=12) and np.allclose(right, [40, 40, 200], atol=12)


def test_its_lens_is_that_of_exif(photograph: Path) -> None:
    pytest.importorskip("pi_heif")
    size, focal = camera_of_picture(photograph)
    assert size == (96, 64) and focal == pytest.approx(26 * (96**2 + 64**2) ** 0.5 / 43.27, rel=1e-3)


def test_without_its_library_a_line_says_what_to_install(photograph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(InputError, match=r"HEIC needs pi-heif, which is not installed .*pip install pi-heif"):
        read_picture(photograph)


def test_one_that_is_cut_off_is_refused(photograph: Path) -> None:
    pytest.importorskip("pi_heif")
    photograph.write_bytes(SMALL[: len(SMALL) // 2])
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_picture(photograph)
