"""What a command is given to lift: keypoints as they are, pictures and films that a detector looks at, webcams that are
recorded first."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from duolift.errors import InputError
from duolift.files.films import is_film
from duolift.files.webcams import record_webcam, webcam_number
from duolift.inputs.media import frame_count, is_media, pictures_of
from duolift.inputs.options import Options
from duolift.inputs.reading import read
from duolift.inputs.record import Record
from duolift.inputs.sources import Source, files_of, where_of
from duolift.progress import tracked

if TYPE_CHECKING:
    from duolift.inputs.detections import Frame


def with_detector(options: Options, *sources: Source, name: str | None = None) -> Options:
    """Options with a detector, where a source holds pictures or films and there is none yet.

    Args:
        sources: as `duolift.inputs.read` takes them.
        name: of the detector, one of `duolift.detectors.DETECTORS`; None for the default one.

    Raises:
        InputError: nothing is there; or there is no such detector, or it is not installed.

    >>> with tempfile.NamedTemporaryFile(suffix=".json") as file:
    ...     with_detector(Options(), file.name).detector is None
    True
    """
    if options.detector is not None or not any(map(is_media, _files(sources))):
        return options
    from duolift.detectors import load_detector

    return replace(options, detector=load_detector(name))


@dataclass
class Given:
    """What a command is given, ready to be read, once.

    Attributes:
        sources: as `duolift.inputs.read` takes them.
        options: with a detector, where pictures or films have to be looked at; without, once they have been. Long
            films are lifted then, and a detector's networks take memory.
        looked_at: the pictures and films.
        record: where it is kept what the detector finds.
        sources_read: how many of the sources have been read to their end so far.

    >>> import json
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "image_keypoints.json"
    ...     _ = path.write_text(json.dumps({"people": []}))
    ...     with given([str(path)], Options()) as found:
    ...         [frame.name for source in found.sources for frame in found.frames(source)]
    ['image']
    """

    sources: tuple[Source, ...]
    options: Options
    looked_at: tuple[Path, ...]
    record: Record | None
    sources_read: int = 0

    def frames(self, source: Source) -> "Iterator[Frame]":
        """The frames of a source, with progress.

        Raises:
            InputError: as `duolift.inputs.read` does, and where there is no frame.
        """
        files, some = files_of(source), False
        looked_at = all(map(is_media, files))
        total = sum(frame_count(file, self.options.every) for file in files) if looked_at else 0
        for frame in tracked(read(source, self.options), "frames", total or None):
            some = True
            if self.record is not None:
                self.record.place(frame.name, frame.video)
            yield frame
        if not some:
            raise InputError(f"{where_of(source)}: holds no frame; expected at least one image's people")
        self.sources_read += 1
        if self.sources_read == len(self.sources):
            self.options = replace(self.options, detector=None)
            if self.record is not None:
                self.record.finish()

    def pictures(self, source: Source, names: Sequence[str]) -> Path | None:
        """Where the pictures of a scene's images are, that outputs are drawn over; None where there are none.

        Args:
            source: that the scene is of: films of several folders may have one name.
            names: of the scene's images.
        """
        own = {*files_of(source)}
        return pictures_of([file for file in self.looked_at if file in own] or self.looked_at, names)


@contextmanager
def given(
    inputs: Sequence[str], options: Options, detector: str | None = None, keypoints: Path | None = None
) -> Iterator[Given]:
    """The inputs of a command, for as long as they are read and drawn over.

    Args:
        inputs: files, folders, `-` for standard input, or `webcam:0`, which is recorded until it is interrupted.
        detector: name of the one that looks at pictures and films; None for the default one.
        keypoints: the file that keeps what it finds; what it holds already is not looked for again.

    Raises:
        InputError: something that cannot be read; a detector or a file of keypoints without pictures to look at; a
            detector that is unknown or not installed; a file of keypoints of other pictures.
    """
    with ExitStack() as stack:
        sources = together([_recorded(one, stack) for one in inputs])
        files = tuple(file for file in _files(sources) if is_media(file))
        if options.every is not None and not any(map(is_film, files)):
            raise InputError(f"--every {options.every}: no input is a film; expected one, of which frames are left out")
        for name, value in (("--detector", detector), ("--keypoints", keypoints)):
            if value is not None and not files:
                raise InputError(f"{name} {value}: no input is a picture or a film; expected one to look at")
        record = None
        if files and keypoints is not None:
            from duolift.detectors.registry import DEFAULT_DETECTOR, kind_named

            kind = kind_named(detector or DEFAULT_DETECTOR)
            kept = Record(keypoints, files, detector or DEFAULT_DETECTOR, kind.joints, options.every)
            record = stack.enter_context(kept)
            if record.is_complete:
                others = [source for source in sources if not any(map(is_media, files_of(source)))]
                yield Given((*others, keypoints), options, files, None)
                return
        yield Given(
            tuple(sources), replace(with_detector(options, *sources, name=detector), record=record), files, record
        )


def together(inputs: Sequence[str]) -> list[Source]:
    """Pictures of one folder that follow each other as one source, as they may be frames of a video; all else as it is.

    >>> together(["a.json", "party/1.jpg", "party/2.jpg", "3.jpg"])
    ['a.json', [PosixPath('party/1.jpg'), PosixPath('party/2.jpg')], '3.jpg']
    """
    sources: list[Source] = []
    for folder, group in groupby(inputs, key=_folder_of_picture):
        listed = [*group]
        sources += listed if folder is None or len(listed) == 1 else [[Path(one) for one in listed]]
    return sources


def _folder_of_picture(text: str) -> Path | None:
    path = Path(text)
    return path.parent if is_media(path) and not is_film(path) else None


def _files(sources: Sequence[Source]) -> list[Path]:
    return [file for source in sources for file in files_of(source)]


def _recorded(text: str, stack: ExitStack) -> str:
    """The film of a webcam, there as long as the stack; any other input as it is."""
    number = webcam_number(text)
    if number is None:
        return text
    film = Path(stack.enter_context(tempfile.TemporaryDirectory())) / f"webcam-{number}.mkv"
    print(f"{text}: recording, until interrupted (Ctrl-C)", file=sys.stderr, flush=True)
    record_webcam(number, film)
    return str(film)
