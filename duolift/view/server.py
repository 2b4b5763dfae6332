"""A local page that shows a scene, and lifts files that are dropped onto it.

It serves this computer alone: it listens on the loopback address, refuses requests that name another host (a site that
rebinds its name) or come from another site's page, and serves the files listed in `Server` and no others.
"""

import json
import sys
import time
import traceback
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from duolift.errors import InputError
from duolift.outputs.document import from_json, to_json
from duolift.outputs.page import SERVED_POLICY, asset, page, plotly_script
from duolift.outputs.schema import SCENE_FORMAT
from duolift.scene import Scene

Lift = Callable[[bytes, str], Scene]
"""Lifts a detector's file, given its content and its name. Raises InputError for one that cannot be used."""

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ServerLimits:
    """What is taken from a connection at most."""

    upload: int = 64 * 2**20  # bytes of a file that is dropped onto the page
    length_digits: int = 12  # of a Content-Length that is read as a number
    name: int = 200  # characters of a file's name that are kept
    seconds: float = 60.0  # that a silent connection is waited for, and a file from its first byte to its last
    block: int = 2**16  # bytes that are read at a time
    head: int = 100  # bytes of a file in which a scene must say that it is one


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


class Server(ThreadingHTTPServer):
    """Serves the page and the scene that it shows, and lifts files.

    Args:
        scene: shown first; None shows where to drop a file.
        lift: for files that are dropped onto the page; None takes none.
        port: to listen on; 0 for any free one.

    Raises:
        InputError: the port cannot be listened on, or Plotly is not installed.
    """

    daemon_threads = True

    def __init__(self, scene: Scene | None, lift: Lift | None, port: int = 0) -> None:
        self.lift, self.busy = lift, Lock()
        self.scene_json = None if scene is None else to_json(scene).encode()
        settings = {"lifts": lift is not None, "served": True, "largest": SERVER_LIMITS.upload}
        self.files = {
            "/": ("text/html", page(settings).encode()),
            "/page.css": ("text/css", asset("page.css").encode()),
            "/page.js": ("text/javascript", asset("page.js").encode()),
            "/plotly.js": ("text/javascript", plotly_script("the page").encode()),
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


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    server_version, sys_version = "duolift", ""
    timeout = SERVER_LIMITS.seconds

    def do_GET(self) -> None:
        """Answer with a file of the page, or with the scene."""
        if not self._is_allowed():
            return
        path = _split(self.path).path
        if path == "/scene.json":
            self._answer(HTTPStatus.OK, "application/json", self.server.scene_json or b"null")
        elif path in self.server.files:
            self._answer(HTTPStatus.OK, *self.server.files[path])
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")

    def do_POST(self) -> None:
        """Lift a file, and answer with its scene."""
        if not self._is_allowed():
            return
        parts = _split(self.path)
        size = self._content_length()
        if parts.path != "/lift" or self.server.lift is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing to send files to")
        elif self.headers.get("Content-Type") != UPLOAD:
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {UPLOAD}")
        elif size is None:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "expected the file's length")
        elif size > SERVER_LIMITS.upload:
            text = f"the file has {size / 2**20:.0f} MB; expected at most {SERVER_LIMITS.upload // 2**20}"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        elif len(content := self._received(size)) < size:
            self._refuse(HTTPStatus.BAD_REQUEST, "the file was cut off on its way")
        else:
            self._lift(content, file_name(parse_qs(parts.query).get("name", [""])[0]))

    def _content_length(self) -> int | None:
        """Bytes of the request's body; None for a header that is missing or no sensible number."""
        length = self.headers.get("Content-Length", "")
        sensible = length.isascii() and length.isdecimal() and len(length) <= SERVER_LIMITS.length_digits
        return int(length) if sensible else None

    def _received(self, size: int) -> bytes:
        """The request's body of `size` bytes, or as much of it as came in time."""
        content, until = bytearray(), time.monotonic() + SERVER_LIMITS.seconds
        while len(content) < size and time.monotonic() < until:
            part = self.rfile.read1(min(SERVER_LIMITS.block, size - len(content)))
            if not part:
                break
            content += part
        return bytes(content)

    def _lift(self, content: bytes, name: str) -> None:
        assert self.server.lift is not None
        try:
            with self.server.busy:
                scene = to_json(open_file(content, name, self.server.lift)).encode()
        except InputError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except Exception as error:  # a defect must not leave the page waiting
            traceback.print_exc()
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"{name}: lifting failed ({type(error).__name__})")
        else:
            self.server.scene_json = scene
            self._answer(HTTPStatus.OK, "application/json", scene)

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

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
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


def file_name(text: str) -> str:
    """A file's name as a browser sent it, without folders and characters that cannot be printed.

    >>> file_name("../../poses.json")
    'poses.json'
    """
    name = text.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in name if c.isprintable())[: SERVER_LIMITS.name] or "the file"


def open_file(content: bytes, name: str, lift: Lift) -> Scene:
    """The scene of a file: read if it is a scene's JSON, otherwise lifted."""
    return from_json(content, name) if SCENE_FORMAT.encode() in content[: SERVER_LIMITS.head] else lift(content, name)


def serve(scene: Scene | None, lift: Lift | None = None, port: int = 0, open_browser: bool = True) -> None:
    """Serve the page until it is interrupted.

    Args:
        scene: shown first; None shows where to drop a file.
        lift: for files that are dropped onto the page; None takes none.
        port: to listen on; 0 for any free one.
        open_browser: whether to open the page in the user's browser.

    Raises:
        InputError: the port cannot be listened on, or Plotly is not installed.
    """
    with Server(scene, lift, port) as server:
        print(f"{server.url}   (Ctrl-C ends it)", flush=True)
        if open_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(file=sys.stderr)
