"""A local page that shows a scene, and lifts files that are dropped onto it.

It serves this computer alone: it listens on the loopback address, refuses requests that name another host (a site that
rebinds its name) or come from another site's page, and serves the files listed in `Server` and no others.
"""

import io
import json
import math
import sys
import tempfile
import time
import traceback
import webbrowser
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from duolift.errors import InputError
from duolift.outputs.document import read_document, to_json
from duolift.outputs.page import SCRIPTS, SERVED_POLICY, asset, page
from duolift.outputs.photographs import Photographs, jpeg
from duolift.outputs.schema import SCENE_FORMAT
from duolift.progress import shown
from duolift.scene import Scene
from duolift.view.page_progress import PageProgress
from duolift.view.uploads import unpack

if TYPE_CHECKING:  # it needs torch, which takes a second to import
    from duolift.view.live import Live

Lift = Callable[[Path], Iterable[tuple[str, Scene]]]
"""Lifts a detector's file, or a folder of them: the name and the scene of every image and video. Raises InputError."""

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ServerLimits:
    """What is taken from a connection at most."""

    upload: int = 256 * 2**20  # bytes of the files that are dropped onto the page at once
    scenes: int = 2000  # of one file that are kept
    length_digits: int = 12  # of a Content-Length that is read as a number
    seconds: float = 60.0  # that a silent connection is waited for, and a file from its first byte to its last
    block: int = 2**16  # bytes that are read at a time
    head: int = 100  # bytes of a file in which a scene must say that it is one
    picture_width: int = 1280  # pixels of a photograph that is sent
    frame: int = 8 * 2**20  # bytes of a webcam's frame


SERVER_LIMITS = ServerLimits()

UPLOAD = "application/octet-stream"
"""Type of an upload. A page of another site may send it only after a preflight request, which is not answered."""

HEADERS = {
    "Content-Security-Policy": f"{SERVED_POLICY}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Shown:
    """A scene that the page can show.

    Attributes:
        name: in the list of scenes.
        content: its JSON.
        images: their names.
    """

    name: str
    content: bytes
    images: tuple[str, ...]

    @classmethod
    def of(cls, name: str, scene: Scene) -> Self:
        return cls(name, to_json(scene).encode(), scene.names)


class Server(ThreadingHTTPServer):
    """Serves the page and the scenes that it shows, and lifts files.

    Args:
        scene: shown first; None shows where to drop a file.
        lift: for files that are dropped onto the page; None takes none.
        port: to listen on; 0 for any free one.
        pictures: the picture, folder of pictures or film that the first scene was seen in.
        live: lifts a webcam's frames; None takes none.

    Raises:
        InputError: the port cannot be listened on, or the pictures are not there.
    """

    daemon_threads = True

    def __init__(
        self,
        scene: Scene | None,
        lift: Lift | None,
        port: int = 0,
        pictures: Path | None = None,
        live: "Live | None" = None,
    ) -> None:
        self.lift, self.live, self.busy, self.progress = lift, live, Lock(), PageProgress()
        self.scenes = [] if scene is None else [Shown.of(_label(scene), scene)]
        self.pictures, self.looking = pictures, Lock()
        self.photographs = None if pictures is None else Photographs(pictures, scene.names if scene else ())
        settings = {
            "lifts": lift is not None,
            "films": live is not None,
            "served": True,
            "has_pictures": pictures is not None,
            "largest": SERVER_LIMITS.upload,
        }
        self.files = {
            "/": ("text/html", page(settings).encode()),
            "/page.css": ("text/css", asset("page.css").encode()),
            **{f"/{name}": ("text/javascript", asset(file).encode()) for name, file in SCRIPTS.items()},
        }
        try:
            super().__init__((LOOPBACK, port), Handler)
        except (OSError, OverflowError) as error:
            raise InputError(f"port: {port} cannot be listened on ({error}); expected a free one, or 0") from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong with a request, unless the browser only left before the answer."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @property
    def hosts(self) -> set[str]:
        """The names by which a request may call this server."""
        return {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def photograph(self, name: str) -> bytes | None:
        """The photograph of an image as a JPEG; None where there is none. Raises InputError for one that is damaged."""
        with self.looking:  # a film is read by one at a time
            if self.pictures is None or self.photographs is None:
                return None
            if name not in self.photographs.names:
                of = next((scene.images for scene in self.scenes if name in scene.images), ())
                self.photographs = Photographs(self.pictures, of)
            names = self.photographs.names
            pixels = self.photographs.of(names.index(name)) if name in names else None
        return None if pixels is None else jpeg(pixels, SERVER_LIMITS.picture_width)


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    server_version, sys_version = "duolift", ""
    timeout = SERVER_LIMITS.seconds

    def do_GET(self) -> None:
        """Answer with a file of the page, or with what it shows."""
        if not self._is_allowed():
            return
        parts = _split(self.path)
        if parts.path == "/scenes.json":
            self._tell([scene.name for scene in self.server.scenes])
        elif parts.path == "/scene.json":
            self._scene(_query(parts, "number"))
        elif parts.path == "/progress.json":
            self._tell(self.server.progress.told())
        elif parts.path == "/picture":
            self._picture(_query(parts, "name"))
        elif parts.path in self.server.files:
            self._answer(HTTPStatus.OK, *self.server.files[parts.path])
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")

    def do_POST(self) -> None:
        """Lift files, and answer with the names of their scenes; or a webcam's frame, and answer with its scene."""
        if not self._is_allowed():
            return
        size, path = self._content_length(), _split(self.path).path
        filming = path == "/live" and self.server.live is not None
        largest = SERVER_LIMITS.frame if filming else SERVER_LIMITS.upload
        if not filming and (path != "/lift" or self.server.lift is None):
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing to send files to")
        elif self.headers.get("Content-Type") != UPLOAD:
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {UPLOAD}")
        elif size is None:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "expected the files' length")
        elif size > largest:
            text = f"the files have {size / 2**20:.0f} MB; expected at most {largest // 2**20}"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        elif filming:
            self._look(size)
        else:
            with tempfile.TemporaryFile() as body, tempfile.TemporaryDirectory() as folder:
                if self._receive(body, size) < size:
                    self._refuse(HTTPStatus.BAD_REQUEST, "the file was cut off on its way")
                    return
                body.seek(0)
                try:
                    source = unpack(body, size, Path(folder))
                except InputError as error:
                    self._refuse(HTTPStatus.BAD_REQUEST, str(error))
                else:
                    self._lift(source, Path(folder))

    def _look(self, size: int) -> None:
        """Answer with the scenes that are ready with a frame of a webcam."""
        assert self.server.live is not None
        parts, body = _split(self.path), io.BytesIO()
        if self._receive(body, size) < size:
            self._refuse(HTTPStatus.BAD_REQUEST, "the frame was cut off on its way")
            return
        name, time_of = _query(parts, "name"), _number(_query(parts, "time"))
        if not name or time_of is None:
            self._refuse(HTTPStatus.BAD_REQUEST, "expected the frame's name and time")
            return
        try:
            from duolift.view.live import LiveFrame

            scenes = self.server.live.look(LiveFrame(_query(parts, "session"), name, time_of, body.getvalue()))
        except InputError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except Exception as error:  # a defect must not leave the page waiting
            traceback.print_exc()
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"frame {name}: lifting failed ({type(error).__name__})")
        else:
            content = ",".join(to_json(scene) for scene in scenes)
            self._answer(HTTPStatus.OK, "application/json", f'{{"scenes":[{content}]}}'.encode())

    def _scene(self, number: str) -> None:
        scenes = self.server.scenes
        if not scenes and not number:
            self._tell(None)
        elif (number or "0").isascii() and (number or "0").isdecimal() and int((number or "0")[:9]) < len(scenes):
            self._answer(HTTPStatus.OK, "application/json", scenes[int(number or "0")].content)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"there are {len(scenes)} scenes")

    def _picture(self, name: str) -> None:
        try:
            found = self.server.photograph(name)
        except InputError as error:
            self._refuse(HTTPStatus.NOT_FOUND, str(error))
            return
        if found is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no picture of this image")
        else:
            self._answer(HTTPStatus.OK, "image/jpeg", found)

    def _content_length(self) -> int | None:
        """Bytes of the request's body; None for a header that is missing or no sensible number."""
        length = self.headers.get("Content-Length", "")
        sensible = length.isascii() and length.isdecimal() and len(length) <= SERVER_LIMITS.length_digits
        return int(length) if sensible else None

    def _receive(self, body: IO[bytes], size: int) -> int:
        """Write the request's body of `size` bytes, or as much of it as comes in time; returns how much came."""
        came, until = 0, time.monotonic() + SERVER_LIMITS.seconds
        while came < size and time.monotonic() < until:
            part = self.rfile.read1(min(SERVER_LIMITS.block, size - came))
            if not part:
                break
            came += body.write(part)
        return came

    def _lift(self, source: Path, folder: Path) -> None:
        assert self.server.lift is not None
        try:
            with self.server.busy, shown(self.server.progress):
                scenes = [Shown.of(name, scene) for name, scene in open_files(source, self.server.lift)]
            if not scenes:
                raise InputError(f"{source}: no frame in it; expected at least one image")
        except InputError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error).replace(f"{folder}/", ""))
        except Exception as error:  # a defect must not leave the page waiting
            traceback.print_exc()
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"{source.name}: lifting failed ({type(error).__name__})")
        else:
            self.server.scenes = scenes
            self._tell({"scenes": [scene.name for scene in scenes]})

    def _is_allowed(self) -> bool:
        """Whether the request names this host and is sent by no other site; otherwise it is refused."""
        origin = self.headers.get("Origin")
        host = self.headers.get("Host", "")
        if host in self.server.hosts and origin in (None, f"http://{host}"):
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "this page is for this computer alone")
        return False

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self.close_connection = True
        self._answer(status, "application/json", json.dumps({"error": text}).encode())

    def _tell(self, value: Any) -> None:
        self._answer(HTTPStatus.OK, "application/json", json.dumps(value).encode())

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind if kind.startswith("image/") else f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Print nothing: requests are of no interest to the user."""


def _split(url: str) -> SplitResult:
    """The parts of a request's address; empty for one that cannot be read."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _query(parts: SplitResult, key: str) -> str:
    """The first value of a key of the address; empty where there is none."""
    try:
        return parse_qs(parts.query).get(key, [""])[0]
    except ValueError:
        return ""


def _number(text: str) -> float | None:
    """A finite number; None for anything else."""
    try:
        number = float(text[:40])
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _label(scene: Scene) -> str:
    return scene.names[0] if len(scene.names) == 1 else f"{len(scene.names)} frames"


def open_files(source: Path, lift: Lift) -> Iterator[tuple[str, Scene]]:
    """The scenes of a file or a folder of files: read if they are scenes' JSON, otherwise lifted."""
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    if all(_is_scene(file) for file in files):
        yield from ((file.name, read_document(file)) for file in islice(files, SERVER_LIMITS.scenes))
    else:
        yield from islice(lift(source), SERVER_LIMITS.scenes)


def _is_scene(file: Path) -> bool:
    with file.open("rb") as content:
        return SCENE_FORMAT.encode() in content.read(SERVER_LIMITS.head)


def serve(
    scene: Scene | None,
    lift: Lift | None = None,
    port: int = 0,
    open_browser: bool = True,
    pictures: Path | None = None,
    live: "Live | None" = None,
    filming: bool = False,
) -> None:
    """Serve the page until it is interrupted.

    Args:
        scene: shown first; None shows where to drop a file.
        lift: for files that are dropped onto the page; None takes none.
        port: to listen on; 0 for any free one.
        open_browser: whether to open the page in the user's browser.
        pictures: the picture, folder of pictures or film that the people were seen in.
        live: lifts a webcam's frames; None takes none.
        filming: whether the page begins with the webcam.

    Raises:
        InputError: the port cannot be listened on, or the pictures are not there.
    """
    with Server(scene, lift, port, pictures, live) as server:
        url = server.url + "#webcam" * filming
        print(f"{url}   (Ctrl-C ends it)", flush=True)
        if open_browser:
            webbrowser.open(url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(file=sys.stderr)
