"""The local page: what it answers, whom it refuses, and that no text from a file becomes a script."""

import http.client
import io
import json
import random
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import CHROMIUM, browse
from PIL import Image

from duolift import inputs
from duolift.errors import InputError
from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.document import from_json, to_json
from duolift.outputs.page import SCRIPTS
from duolift.outputs.schema import SCENE_VERSION
from duolift.predictor import Lifter
from duolift.progress import tracked
from duolift.scene import Scene
from duolift.view import server as view
from duolift.view.server import SERVER_LIMITS, UPLOAD, Lift, Server
from duolift.view.uploads import file_name, pack, unpack
from fuzzing.readers import READERS

EVIL = ("</script><script>document.title='got in'</script>", "<img src=x onerror=\"document.title='got in'\">")


def evil() -> Scene:
    """A scene whose every free text is an attack."""
    scene = example_scene(frames=2)
    return replace(scene, skeleton=replace(scene.skeleton, name=EVIL[0]), names=EVIL, notes=EVIL)


def lift(source: Path) -> Iterable[tuple[str, Scene]]:
    """Stands for the predictor: as many frames as a file has bytes."""
    for file in sorted(source.iterdir()) if source.is_dir() else [source]:
        content = file.read_bytes()
        if content == b"broken":
            raise InputError(f"{file}: people is missing; expected a list")
        if content == b"defect":
            raise ZeroDivisionError
        yield file.name, example_scene(frames=len(content))


def packed(**files: bytes) -> bytes:
    """Files as the page sends them, by their names; `__` stands for the slash of a folder."""
    return pack({name.replace("__", "/"): content for name, content in files.items()})


@contextmanager
def serving(scene: Scene | None, lifts: Lift | None = lift) -> Iterator[Server]:
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
    with serving(example_scene()) as server:
        for path, kind in (
            ("/", "text/html"),
            ("/page.css", "text/css"),
            ("/page.js", "text/javascript"),
            *((f"/{name}", "text/javascript") for name in SCRIPTS),
            ("/scenes.json", "application/json"),
            ("/progress.json", "application/json"),
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
            "/page.js/../../view.py",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/..%5c..%5cetc%5cpasswd",
            "/..\\..\\etc\\passwd",
            "/%00",
            "/page.css%00.js",
            "/file:///etc/passwd",
            "//[",
            "/page.css;/../x",
        ):
            assert ask(server, "GET", path)[0] == 404, path


def test_the_scene_is_what_was_given() -> None:
    with serving(example_scene()) as server:
        content = ask(server, "GET", "/scene.json")[2]
        assert content.decode() == to_json(example_scene())


def test_a_dropped_file_comes_back_lifted_and_stays() -> None:
    with serving(None) as server:
        assert ask(server, "GET", "/scene.json")[2] == b"null"
        status, _, content = ask(server, "POST", "/lift", packed(poses=b"123"))
        assert (status, json.loads(content)) == (200, {"scenes": ["poses"]})
        assert len(from_json(ask(server, "GET", "/scene.json")[2], "answer").names) == 3


def test_a_dropped_folder_comes_back_as_all_of_its_scenes() -> None:
    with serving(None) as server:
        body = packed(**{"poses__a.json": b"12", "poses__b.json": b"1234", "other__b.json": b"1"})
        status, _, content = ask(server, "POST", "/lift", body)
        assert status == 200 and json.loads(content) == {"scenes": ["2-b.json", "a.json", "b.json"]}
        assert json.loads(ask(server, "GET", "/scenes.json")[2]) == ["2-b.json", "a.json", "b.json"]
        scenes = [json.loads(ask(server, "GET", f"/scene.json?number={number}")[2]) for number in range(3)]
        assert [len(scene["names"]) for scene in scenes] == [1, 2, 4]
        for number in ("3", "-1", "1e3", "\u00b2".encode().hex(), "9" * 5000):
            assert ask(server, "GET", f"/scene.json?number={number}")[0] == 404


def test_a_file_of_no_image_is_refused() -> None:
    with serving(None, lambda _: ()) as server:
        status, _, content = ask(server, "POST", "/lift", packed(empty=b""))
        assert (status, json.loads(content)["error"]) == (422, "empty: no frame in it; expected at least one image")


def test_the_page_is_told_how_far_lifting_is() -> None:
    going, seen = threading.Event(), threading.Event()

    def slowly(source: Path) -> Iterator[tuple[str, Scene]]:
        for number in tracked(range(3), "frames", 3):
            if number == 2:
                seen.set()
                going.wait(10)
        yield source.name, example_scene(frames=1)

    with serving(None, slowly) as server:
        asking = threading.Thread(target=ask, args=(server, "POST", "/lift", packed(long=b"1")))
        asking.start()
        assert seen.wait(10)
        assert json.loads(ask(server, "GET", "/progress.json")[2]) == {"what": "frames", "done": 2, "total": 3}
        going.set()
        asking.join()
        assert json.loads(ask(server, "GET", "/progress.json")[2]) is None


def test_photographs_are_served_by_the_images_names_and_no_other_file(tmp_path: Path) -> None:
    Image.new("RGB", (2000, 1000), "red").save(tmp_path / "000001.png")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "broken.jpg").write_text("no picture")
    with Server(example_scene(), None, pictures=tmp_path) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            status, headers, content = ask(server, "GET", "/picture?name=000001.jpg")
            assert (status, headers["Content-Type"]) == (200, "image/jpeg")
            assert Image.open(io.BytesIO(content)).size == (1280, 640)
            for name in ("000002.jpg", "secret.txt", "../secret.txt", "..", "", "%00", "broken.jpg"):
                assert ask(server, "GET", f"/picture?name={name}")[0] == 404, name
        finally:
            server.shutdown()
    with serving(example_scene()) as server:
        assert ask(server, "GET", "/picture?name=000001.jpg")[0] == 404


def test_photographs_of_files_that_are_dropped_are_served_as_well(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "000001.png")
    with Server(None, lift, pictures=tmp_path) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            assert ask(server, "GET", "/picture?name=000001.jpg")[0] == 404, "no image is called so yet"
            assert ask(server, "POST", "/lift", packed(poses=b"123"))[0] == 200
            assert ask(server, "GET", "/picture?name=000001.jpg")[0] == 200
            assert ask(server, "GET", "/picture?name=000009.jpg")[0] == 404
        finally:
            server.shutdown()


def test_a_saved_scene_is_opened_without_lifting() -> None:
    with serving(None) as server:
        body = packed(scene=to_json(example_scene(frames=2)).encode())
        assert ask(server, "POST", "/lift", body)[0] == 200
        assert len(from_json(ask(server, "GET", "/scene.json")[2], "answer").names) == 2
        broken = to_json(example_scene()).replace(f'"version":{SCENE_VERSION}', '"version":9').encode()
        status, _, content = ask(server, "POST", "/lift", packed(**{"scene.json": broken}))
        assert status == 422 and json.loads(content)["error"] == "scene.json: version is 9; expected 1 or 2 or 3 or 4"


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
    with serving(example_scene()) as server:
        before = server.scenes
        found, _, answer = ask(server, "POST", "/lift", packed(**{"folder__my.json": content}))
        assert (found, json.loads(answer)) == (status, {"error": message})
        assert server.scenes == before, "what was shown stays"
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
    with serving(example_scene()) as server:
        for method, path, body in (("GET", "/", None), ("GET", "/scene.json", None), ("POST", "/lift", b"12")):
            status, _, content = ask(server, method, path, body, **headers)
            assert status == 403 and b"this computer alone" in content


def test_the_page_itself_may_ask() -> None:
    with serving(example_scene()) as server:
        for host in (f"127.0.0.1:{server.server_port}", f"localhost:{server.server_port}"):
            assert ask(server, "POST", "/lift", packed(a=b"12"), Host=host, Origin=f"http://{host}")[0] == 200


def test_it_listens_on_the_loopback_address_alone() -> None:
    with serving(None) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Length": str(SERVER_LIMITS.upload + 1)}, 413),
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


def exchange(server: Server, content: bytes, close: bool = True) -> bytes:
    """What is answered to bytes of any kind."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(content)
        if close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_a_file_that_trickles_in_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "SERVER_LIMITS", replace(SERVER_LIMITS, seconds=0.3))
    monkeypatch.setattr(view.Handler, "timeout", 0.3)
    with serving(None) as server:
        head = f"POST /lift HTTP/1.0\r\nHost: 127.0.0.1:{server.server_port}\r\nContent-Type: {UPLOAD}\r\n"
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
            connection.sendall(head.encode() + b"Content-Length: 1000\r\n\r\n")
            connection.settimeout(0.1)
            answer = b""
            for _ in range(50):
                try:
                    connection.sendall(b"1")
                    answer = connection.recv(1000)
                    break
                except TimeoutError:
                    continue
                except OSError:
                    break
            assert answer[9:12] in (b"400", b""), "refused, or the connection is closed"
        assert exchange(server, b"GET / HT", close=False) == b"", "who sends no request is not waited for either"
        assert ask(server, "GET", "/")[0] == 200, "and others are served"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01" + bytes(200),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70000 + b" HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\n" + b"a: b\r\n" * 500 + b"\r\n",
        b"GET / HTTP/1.0\r\n" + b"a" * 70000 + b"\r\n\r\n",
        b"DELETE / HTTP/1.0\r\n\r\n",
        b"<script> / HTTP/1.0\r\n\r\n",
        b"POST /lift HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    ],
)
def test_what_is_no_request_is_no_trouble(content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(example_scene(frames=1)) as server:
        assert b" 200 " not in exchange(server, content)[:20]
        assert ask(server, "GET", "/")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_files_of_every_kind_of_wrong_are_answered_in_words(lifter: Lifter, tmp_path: Path) -> None:
    """Files that are changed a little are lifted or refused; none of them is a defect."""

    def really(source: Path) -> Iterable[tuple[str, Scene]]:
        return lifter.lift_frames(inputs.read(source))

    changes, answers = random.Random(0), set()
    with serving(None, really) as server:
        for reader in ("detectors", "scene.json"):
            for number in range(60):
                seed = READERS[reader].seeds()[number % len(READERS[reader].seeds())]
                status, _, content = ask(server, "POST", "/lift", packed(a=READERS[reader].changed(seed, changes)))
                answers.add(status)
                assert (json.loads(content).keys() == {"error"}) == (status != 200)
    assert answers == {200, 422}


def test_texts_that_cannot_be_written_are_refused() -> None:
    for key in ("names", "notes"):
        content = json.loads(to_json(example_scene(frames=1)))
        content[key] = ["a\udfff"]
        with serving(None) as server:
            status, _, answer = ask(server, "POST", "/lift", packed(a=json.dumps(content).encode()))
            assert status == 422 and "a: not valid JSON (text that is not UTF-8, near 'a" in json.loads(answer)["error"]


def test_a_page_that_lifts_nothing_takes_no_files() -> None:
    with serving(example_scene(), None) as server:
        assert ask(server, "POST", "/lift", b"12")[0] == 404
        assert ask(server, "POST", "/", b"12")[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b"[1]\n",
        b'[{"name": "a"}]\n',
        b'[{"name": 1, "size": 0}]\n',
        b'[{"name": "a", "size": -1}]\n',
        b'[{"name": "a", "size": 3}]\n12',
        b'[{"name": "a", "size": 1}]\n12',
        b'[{"name": "a", "size": true}]\n1',
        b"[" * 100000 + b"\n",
    ],
)
def test_what_does_not_say_which_files_it_holds_is_refused(body: bytes) -> None:
    with serving(None) as server:
        status, _, content = ask(server, "POST", "/lift", body)
        assert status == 400 and "files" in json.loads(content)["error"]


@pytest.mark.parametrize("name", ["../../a", "/etc/a", "a/../../b", "..", ".", "C:\\a", "\ud800", "a\0", "é" * 300])
def test_files_are_written_within_their_folder_whatever_they_are_called(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    for names in ([name], [name, "b"], ["x/" + name, "x/" + name]):
        body = json.dumps([{"name": one, "size": 1} for one in names]).encode() + b"\n" + b"1" * len(names)
        found = unpack(io.BytesIO(body), len(body), folder)
        assert found.resolve().is_relative_to(folder) and found.resolve() != folder
    assert [path for path in tmp_path.rglob("*") if path.is_file() and folder not in path.parents] == []


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
    write(example_scene(frames=2), harmless)
    write(evil(), attacked)
    assert Scripts(attacked.read_text()).tags == Scripts(harmless.read_text()).tags
    settings = re.search(r'<script type="application/json" id="settings">(.*?)</script>', attacked.read_text())
    assert settings and json.loads(settings[1])["scene"]["names"] == list(EVIL), "and it is there, as text"


def test_a_page_of_one_file_asks_for_nothing_and_is_small(tmp_path: Path) -> None:
    write(example_scene(frames=1), tmp_path / "scene.html")
    text = (tmp_path / "scene.html").read_text()
    assert (tmp_path / "scene.html").stat().st_size < 0.8e6
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
    assert "<canvas" in found[found.index('id="plot"') :], "three.js has drawn"


def test_serving_ends_with_an_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    opened: list[str] = []

    def interrupt(_: Server) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", interrupt)
    monkeypatch.setattr("webbrowser.open", opened.append)
    view.serve(example_scene(), lift)
    url = capsys.readouterr().out.split()[0]
    assert opened == [url] and url.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_an_error_in_words() -> None:
    with serving(None) as server:
        for port in (server.server_port, 99999):
            with pytest.raises(InputError, match=f"port: {port} cannot be listened on"):
                Server(None, None, port)
