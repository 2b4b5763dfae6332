"""Files appear whole or not at all; one process at a time works in a folder."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from duolift.errors import InputError
from duolift.files import locked, whole_file, write_text


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    with whole_file(path) as part:
        part.write_text("half")
        assert not path.exists()
        assert part.parent == path.parent, "a rename is whole only within one file system"
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("failure", [RuntimeError("disk full"), KeyboardInterrupt()], ids=lambda e: type(e).__name__)
def test_an_exception_leaves_what_was_there_and_nothing_else(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "file.txt"
    path.write_text("before")

    def fail_half_way() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            assert path.read_text() == "before"
            raise failure

    with pytest.raises(type(failure)):
        fail_half_way()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_to_a_folders_name_fails_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(InputError, match="folder: cannot be written"):
        write_text(folder, "text")
    assert list(tmp_path.iterdir()) == [folder]


def test_two_writers_never_share_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with whole_file(path) as first, whole_file(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_written_whole_in_utf8_and_everybody_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "text.json"
    write_text(path, "first")
    write_text(path, "Größe: 1 m\n")
    assert path.read_bytes() == "Größe: 1 m\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644


# Locks ----------------------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from duolift.files import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of `tmp_path / "stage"`."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "stage")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_that_another_process_works_in_is_refused(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stage: another process is at work in it"), locked(tmp_path / "stage"):
        raise AssertionError("both were let in")
    with locked(tmp_path / "another"):
        pass


def test_a_lock_ends_with_its_process_and_what_that_left_is_removed(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    stage = tmp_path / "stage"
    stage.mkdir()
    left = [stage / ".metrics.json-abc.part", tmp_path / ".stage-abc.part"]
    kept = [stage / "metrics.json", tmp_path / ".other-abc.part"]
    for path in (*left, *kept):
        path.write_text("half")
    holder.kill()
    with locked(stage, wait=True):
        assert [path for path in left if path.exists()] == []
        assert all(path.exists() for path in kept)
    with locked(stage):
        pass
