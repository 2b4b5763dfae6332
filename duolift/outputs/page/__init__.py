"""A scene as one page (`.html`) that opens anywhere, without a network: the viewer's own page and the scene in it."""

import json
import re
from dataclasses import asdict
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from duolift.errors import InputError
from duolift.files import read_bytes, whole_file
from duolift.outputs.colours import PERSON_COLOURS
from duolift.outputs.document import LARGEST_JSON, from_document, json_parts, members_of
from duolift.outputs.photographs import Photographs, embedded, step_of
from duolift.outputs.volumes import BODY_SHAPE
from duolift.scene import Scene

SCRIPTS = {
    "three.js": "three/three.min.js",
    "coordinates.js": "coordinates.js",
    "bodies.js": "bodies.js",
    "space.js": "space.js",
    "image.js": "image.js",
    "webcam.js": "webcam.js",
    "page.js": "page.js",
}
"""What the page calls its scripts, in their order -> the file. three.js is made by its package.json, see there."""

SELF_CONTAINED_POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'none'"
)
"""Content security policy of a page that is one file: it loads nothing but what it holds."""

SERVED_POLICY = (
    "default-src 'none'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "connect-src 'self'; media-src blob:"
)
"""Content security policy of the served page: it loads from its own server alone."""


NO_SETTINGS = 'id="settings">{}<'
"""Where settings go in `index.html`."""

SETTINGS = re.compile(rb'id="settings">(?P<settings>.*?)</script>', re.DOTALL)
"""Where in a page its scene is."""


def write_page(scene: Scene, path: Path, photographs: Photographs | None = None) -> list[Path]:
    """Write an `.html` that holds everything it needs: three.js, the scene, and small copies of its photographs."""
    settings: dict[str, Any] = {"lifts": False, "served": False}
    if photographs is not None:
        settings |= {"pictures": embedded(photographs), "every": step_of(len(scene.names))}
    text = asset("index.html").replace(
        "<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{SELF_CONTAINED_POLICY}">', 1
    )
    text = text.replace('<link rel="stylesheet" href="page.css">', f"<style>\n{asset('page.css')}</style>", 1)
    for name, file in SCRIPTS.items():
        text = text.replace(f'<script src="{name}"></script>', f"<script>\n{asset(file)}</script>", 1)
    before, after = text.split(NO_SETTINGS, 1)
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as output:
        output.writelines([before, NO_SETTINGS[:-3], _in_script(_told(settings))[:-1], ', "scene": '])
        output.writelines(map(_in_script, json_parts(scene)))
        output.writelines(["}<", after])
    return [path]


def read_page(path: Path) -> Scene:
    """The scene that an `.html` holds, as JSON rounds it.

    Raises:
        InputError: no such file, a page without a scene, or anything in it that docs/scene.md does not allow.
    """
    content = read_bytes(path, LARGEST_JSON)
    found = SETTINGS.search(content)
    if found is None:
        raise InputError(f"{path}: holds no scene; expected a page that duolift wrote")
    settings = BytesIO(found["settings"])
    del content, found  # of a long video they are as large as the settings
    scene = members_of(settings, f"{path}: the page's scene", "scene")
    if not scene:
        raise InputError(f"{path}: is a page without a scene; expected one that was written with -o")
    return from_document(scene, str(path))


def page(settings: dict[str, Any]) -> str:
    """The text of `index.html` with settings filled in; style sheet and scripts are files beside it.

    Args:
        settings: `served`, whether a server has the scene; `lifts`, whether that server lifts files; `films`, whether
            it lifts a webcam's frames; `scene`, the scene itself where no server has it; `pictures`, the photographs
            of its images by their names, as data URLs (by `""` that of all images), of `every` so-manyth frame;
            `has_pictures`, whether the server has photographs; `largest`, bytes of files that are dropped onto the
            page.
    """
    return asset("index.html").replace(NO_SETTINGS, f"{NO_SETTINGS[:-3]}{_in_script(_told(settings))}<", 1)


def _told(settings: dict[str, Any]) -> str:
    return json.dumps({"colours": PERSON_COLOURS, "shape": asdict(BODY_SHAPE), **settings}, allow_nan=False)


def _in_script(text: str) -> str:
    """JSON in which no text may end the script element that holds it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def asset(name: str) -> str:
    """The text of a file that belongs to the page."""
    return (files(__name__) / name).read_text(encoding="utf-8")
