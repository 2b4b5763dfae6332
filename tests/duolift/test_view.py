"""The local page: what it answers, whom it refuses, and that no text from a file becomes a script."""

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import CHROMIUM, browse, some_reconstruction

from duolift import view
from duolift.errors import InputError
from duolift.outputs import write
from duolift.outputs.document import from_json, to_json
from duolift.reconstruction import Reconstruction
from duolift.view import LARGEST, UPLOAD, Lift, Server, file_name

EVIL = ("</script><script>document.title='got in'</script>", "<img src=x onerror=\"document.title='got in'\">")


def evil() -> Reconstruction:
    """A scene whose every free text is an attack."""
    scene = some_reconstruction(frames=2)
    return replace(scene, skeleton=replace(scene.skeleton, name=EVIL[0]), names=EVIL, notes=EVIL)


def lift(content: bytes, name: str) -> Reconstruction:
    """Stands for the predictor."""
    if content == b"broken":
        raise InputError(f"{name}: people is missing; expected a list")
    if content == b"defect":
        raise ZeroDivisionError
    return some_reconstruction(frames=len(content))


@contextmanager
def serving(scene: Reconstruction | None, lifts: Lift | None = lift) -> Iterator[Server]:
    with Server(scene, lifts) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ask(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Content-Type": UPLOAD, **sent} if body is not None else sent)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_the_page_and_its_files_are_served_and_no_others() -> None:
    with serving(some_reconstruction()) as server:
        for path, kind in (
            ("/", "text/html"),
            ("/page.css", "text/css"),
            ("/page.js", "text/javascript"),
            ("/plotly.js", "text/javascript"),
            ("/scene.json", "application/json"),
            ("/?a=b", "text/html"),
        ):
            status, headers, content = ask(server, "GET", path)
            assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8") and content, path
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "script-src 'self';" in headers["Content-Security-Policy"]
        for path in (
            "/../pyproject.toml",
            "/..%2f..%2fetc/passwd",
            "/view.py",
            "//etc/passwd",
            "/index.html",
            "/page/",
        ):
            assert ask(server, "GET", path)[0] == 404, path


def test_the_scene_is_what_was_given() -> None:
    with serving(some_reconstruction()) as server:
        content = ask(server, "GET", "/scene.json")[2]
        assert content.decode() == to_json(some_reconstruction())


def test_a_dropped_file_comes_back_lifted_and_stays() -> None:
    with serving(None) as server:
        assert ask(server, "GET", "/scene.json")[2] == b"null"
        status, _, content = ask(server, "POST", "/lift?name=a%20file.json", b"123")
        assert status == 200 and len(from_json(content, "answer").names) == 3
        assert ask(server, "GET", "/scene.json")[2] == content


def test_a_saved_scene_is_opened_without_lifting() -> None:
    with serving(None) as server:
        status, _, content = ask(
            server, "POST", "/lift?name=scene.json", to_json(some_reconstruction(frames=2)).encode()
        )
        assert status == 200 and len(from_json(content, "answer").names) == 2
        broken = to_json(some_reconstruction()).replace('"version":1', '"version":9').encode()
        status, _, content = ask(server, "POST", "/lift?name=scene.json", broken)
        assert status == 422 and json.loads(content)["error"] == "scene.json: version is 9; expected 1"


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"broken", 422, "my.json: people is missing; expected a list"),
        (b"defect", 500, "my.json: lifting failed (ZeroDivisionError)"),
    ],
)
def test_what_cannot_be_lifted_is_answered_in_words(
    content: bytes, status: int, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(some_reconstruction()) as server:
        before = server.scene
        found, _, answer = ask(server, "POST", "/lift?name=folder/my.json", content)
        assert (found, json.loads(answer)) == (status, {"error": message})
        assert server.scene == before, "what was shown stays"
    assert ("ZeroDivisionError" in capfd.readouterr().err) == (status == 500)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_other_names_and_other_sites_are_refused(headers: dict[str, str]) -> None:
    with serving(some_reconstruction()) as server:
        for method, path, body in (("GET", "/", None), ("GET", "/scene.json", None), ("POST", "/lift", b"12")):
            status, _, content = ask(server, method, path, body, **headers)
            assert status == 403 and b"this computer alone" in content


def test_the_page_itself_may_ask() -> None:
    with serving(some_reconstruction()) as server:
        for host in (f"127.0.0.1:{server.server_port}", f"localhost:{server.server_port}"):
            assert ask(server, "POST", "/lift", b"12", Host=host, Origin=f"http://{host}")[0] == 200


def test_it_listens_on_the_loopback_address_alone() -> None:
    with serving(None) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Length": str(LARGEST + 1)}, 413),
        ({"Content_Length": "9" * 5000}, 411),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": "²"}, 411),
    ],
    ids=["another type", "too large", "an endless number", "negative", "not a digit"],
)
def test_uploads_that_are_not_as_the_page_sends_them_are_refused(headers: dict[str, str], status: int) -> None:
    with serving(None) as server:
        sent = {"Host": f"127.0.0.1:{server.server_port}", "Content_Type": UPLOAD, "Content_Length": "2", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
            connection.sendall("\r\n".join(["POST /lift HTTP/1.0", *lines, "", ""]).encode("latin-1") + b"12")
            assert connection.recv(1000).split()[1] == str(status).encode()


def test_an_upload_that_is_cut_off_is_refused() -> None:
    with serving(None) as server:
        head = f"POST /lift HTTP/1.0\r\nHost: 127.0.0.1:{server.server_port}\r\nContent-Type: {UPLOAD}\r\n"
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
            connection.sendall(head.encode() + b"Content-Length: 100\r\n\r\nhalf")
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1000).split()[1] == b"400"


def test_a_page_that_lifts_nothing_takes_no_files() -> None:
    with serving(some_reconstruction(), None) as server:
        assert ask(server, "POST", "/lift", b"12")[0] == 404
        assert ask(server, "POST", "/", b"12")[0] == 404


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("poses.json", "poses.json"),
        ("../../etc/passwd", "passwd"),
        ("C:\\people\\poses.json", "poses.json"),
        ("a\r\nb\0c", "abc"),
        ("", "the file"),
        ("x" * 999, "x" * 200),
    ],
)
def test_names_of_files_are_names_alone(text: str, name: str) -> None:
    assert file_name(text) == name


class Scripts(HTMLParser):
    """What a browser takes for scripts and tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags.append(tag)


def test_no_text_of_a_scene_ends_the_pages_script(tmp_path: Path) -> None:
    harmless, attacked = tmp_path / "harmless.html", tmp_path / "evil.html"
    write(some_reconstruction(frames=2), harmless)
    write(evil(), attacked)
    assert Scripts(attacked.read_text()).tags == Scripts(harmless.read_text()).tags
    settings = re.search(r'<script type="application/json" id="settings">(.*?)</script>', attacked.read_text())
    assert settings and json.loads(settings[1])["scene"]["names"] == list(EVIL), "and it is there, as text"


def test_a_page_of_one_file_asks_for_nothing_and_is_small(tmp_path: Path) -> None:
    write(some_reconstruction(frames=1), tmp_path / "scene.html")
    text = (tmp_path / "scene.html").read_text()
    assert (tmp_path / "scene.html").stat().st_size < 5e6
    assert "connect-src 'none'" in text
    assert not re.findall(r"<(?:script|link)[^>]+(?:src|href)=\"(?!data:)", text)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("served", [True, False], ids=["served", "one file"])
def test_a_browser_shows_the_scene_and_runs_no_text(tmp_path: Path, served: bool) -> None:
    write(evil(), tmp_path / "scene.html")
    with serving(evil()) as server:
        found = browse(server.url if served else (tmp_path / "scene.html").as_uri(), tmp_path).stdout
    assert 'data-ready="yes"' in found
    assert "<title>duolift</title>" in found, "the attack would have changed it"
    assert "&lt;img src=x onerror=" in found, "the notes are shown, as text"
    assert "Person 2" in found and "1.60 m" in found
    assert re.search(r'id="status"[^>]*hidden', found), "no error is shown"
    assert "<canvas" in found[found.index('id="plot"') :], "Plotly has drawn"


def test_serving_ends_with_an_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    opened: list[str] = []

    def interrupt(_: Server) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", interrupt)
    monkeypatch.setattr("webbrowser.open", opened.append)
    view.serve(some_reconstruction(), lift)
    url = capsys.readouterr().out.split()[0]
    assert opened == [url] and url.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_an_error_in_words() -> None:
    with serving(None) as server:
        for port in (server.server_port, 99999):
            with pytest.raises(InputError, match=f"port: {port} cannot be listened on"):
                Server(None, None, port)
