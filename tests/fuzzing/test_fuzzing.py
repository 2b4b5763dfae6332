"""Every reader, on files a little unlike those that are meant: what it says is InputError, or it reads them."""

import random
import warnings
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duolift.errors import InputError
from fuzzing.mutations import ODD, json_changed
from fuzzing.readers import READERS

FEW = ("arguments", "settings", "mupots")
"""Readers of settings, which take a tenth of a second, and one that starts a process."""

FORGIVING = ("chi3d cache", "settings")
"""A copy that is spoilt is made anew, and half of a file of settings is one."""

NAMES = [pytest.param(name, marks=pytest.mark.filterwarnings("ignore")) for name in READERS]


@pytest.fixture(autouse=True)
def _libraries(request: pytest.FixtureRequest) -> None:
    if "camera.yml" in request.node.name:
        pytest.importorskip("yaml")
    if "parquet" in request.node.name:
        pytest.importorskip("pyarrow")
    if any(f"[{name}{end}" in request.node.name for name in ("deeplabcut_h5", "sleap") for end in "]-"):
        pytest.importorskip("h5py")


@pytest.mark.parametrize("name", NAMES)
def test_valid_files_are_read(name: str) -> None:
    for content in READERS[name].seeds():
        READERS[name].read(content)


@pytest.mark.parametrize("share", [0.25, pytest.param(1.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_broken_is_an_input_error(name: str, share: float) -> None:
    reader, valid = READERS[name], READERS[name].seeds()

    @settings(
        max_examples=round(share * (20 if name in FEW else 200)),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(st.sampled_from(valid), st.integers(0, 2**32), st.integers(1, 3))
    def check(content: bytes, seed: int, times: int) -> None:
        changes = random.Random(seed)
        for _ in range(times):
            content = reader.changed(content, changes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(InputError):
                reader.read(content)

    check()


@pytest.mark.parametrize("name", [name for name in NAMES if name.values[0] not in FORGIVING])
def test_what_is_nothing_of_the_kind_is_an_input_error(name: str) -> None:
    """Bytes of no format, the ends of files, and nothing at all."""
    valid = READERS[name].seeds()[0]
    for content in (b"\x00", b"\xff\xfe{\x00}\x00", b"[" * 100_000, b"{" * 5, b"PK\x03\x04", valid[: len(valid) // 2]):
        with pytest.raises(InputError):
            READERS[name].read(content)


def test_changes_are_made_where_readers_look() -> None:
    """A changed file is another one, and mostly still JSON: else only the parser would be tried."""
    valid, changes = READERS["coco"].seeds()[0], random.Random(0)
    changed = [json_changed(valid, changes) for _ in range(200)]
    assert sum(content != valid for content in changed) > 190
    assert sum(content.lstrip().startswith(b"{") for content in changed) > 150
    assert len({*changed}) > 100 and len(ODD) > 30
