"""A local page that shows a scene, and lifts what is dropped onto it.

It answers this computer alone: it listens on the loopback address, and refuses requests that name another host (a site
that rebinds its name) or come from another site's page. It serves what is listed here and no other file.
"""

import json
import sys
import time
import traceback
import webbrowser
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from duolift.errors import InputError
from duolift.outputs.document import FORMAT, from_json, to_json
from duolift.outputs.page import SERVED, asset, page, plotly_script
from duolift.scene import Scene

Lift = Callable[[bytes, str], Scene]
"""Lifts a detector's file, given its content and its name. Raises InputError for one that cannot be used."""

LOOPBACK = "127.0.0.1"

LARGEST = 64 * 2**20
"""Bytes of a file that is dropped onto the page, at most."""

LONGEST_LENGTH = 12
"""Digits of a length that are read."""

LONGEST_NAME = 200
"""Characters of a file's name that are kept."""

PATIENCE = 60.0
"""Seconds that a silent connection is waited for, and a file from its first byte to its last."""

AT_ONCE = 2**16
"""Bytes that are read of a connection at a time."""

HEAD = 100
"""A scene says so within its first bytes."""

UPLOAD = "application/octet-stream"
"""Type of an upload; a page of another site cannot send it without asking first, which is not answered."""

HEADERS = {
    "Content-Security-Policy": f"{SERVED}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Server(ThreadingHTTPServer):
    """The page, the scene that it shows, and what lifts."""

    daemon_threads = True

    def __init__(self, reconstruction: Scene | None, lift: Lift | None, port: int = 0) -> None:
        """Listen on `port`, any free one for 0. Raises InputError where that cannot be."""
        self.lift, self.busy = lift, Lock()
        self.scene = None if reconstruction is None else to_json(reconstruction).encode()
        self.files = {
            "/": ("text/html", page({"lifts": lift is not None, "served": True, "largest": LARGEST}).encode()),
            "/page.css": ("text/css", asset("page.css").encode()),
            "/page.js": ("text/javascript", asset("page.js").encode()),
            "/plotly.js": ("text/javascript", plotly_script("the page").encode()),
        }
        try:
            super().__init__((LOOPBACK, port), Handler)
        except (OSError, OverflowError) as error:
            raise InputError(f"port: {port} cannot be listened on ({error}); expected a free one, or 0") from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever leaves before the answer is no defect."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @property
    def hosts(self) -> set[str]:
        """What this server may be called."""
        return {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    server_version, sys_version = "duolift", ""
    timeout = PATIENCE

    def do_GET(self) -> None:
        """The page's files, and the scene."""
        if not self._welcome():
            return
        path = _split(self.path).path
        if path == "/scene.json":
            self._answer(HTTPStatus.OK, "application/json", self.server.scene or b"null")
        elif path in self.server.files:
            self._answer(HTTPStatus.OK, *self.server.files[path])
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")

    def do_POST(self) -> None:
        """A file to lift, answered by its scene."""
        if not self._welcome():
            return
        parts = _split(self.path)
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isascii() and length.isdecimal() and len(length) <= LONGEST_LENGTH else None
        if parts.path != "/lift" or self.server.lift is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing to send files to")
        elif self.headers.get("Content-Type") != UPLOAD:
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {UPLOAD}")
        elif size is None:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "expected the file's length")
        elif size > LARGEST:
            text = f"the file has {size / 2**20:.0f} MB; expected at most {LARGEST // 2**20}"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        elif len(content := self._received(size)) < size:
            self._refuse(HTTPStatus.BAD_REQUEST, "the file was cut off on its way")
        else:
            self._lift(content, file_name(parse_qs(parts.query).get("name", [""])[0]))

    def _received(self, size: int) -> bytes:
        """So many bytes, or those that came in time."""
        content, until = bytearray(), time.monotonic() + PATIENCE
        while len(content) < size and time.monotonic() < until:
            part = self.rfile.read1(min(AT_ONCE, size - len(content)))
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
            self.server.scene = scene
            self._answer(HTTPStatus.OK, "application/json", scene)

    def _welcome(self) -> bool:
        """Refuse whoever came by another name, or was sent by another site."""
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
        """Nothing: requests are not the user's business."""


def _split(url: str) -> SplitResult:
    """A request's address; one that is none has no path."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def file_name(text: str) -> str:
    """A name that a browser sent, without folders and what cannot be printed."""
    name = text.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in name if c.isprintable())[:LONGEST_NAME] or "the file"


def open_file(content: bytes, name: str, lift: Lift) -> Scene:
    """A scene that was saved, or else what a detector's file gives once it is lifted."""
    return from_json(content, name) if FORMAT.encode() in content[:HEAD] else lift(content, name)


def serve(reconstruction: Scene | None, lift: Lift | None = None, port: int = 0, open_browser: bool = True) -> None:
    """Serve the page until it is interrupted.

    Args:
        reconstruction: what is shown first; None shows where to drop a file.
        lift: for files that are dropped onto the page; None takes none.
        port: to listen on; 0 for any free one.
        open_browser: whether to open the page in the user's browser.

    Raises:
        InputError: a port that cannot be listened on, or Plotly is not installed.
    """
    with Server(reconstruction, lift, port) as server:
        print(f"{server.url}   (Ctrl-C ends it)", flush=True)
        if open_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(file=sys.stderr)
