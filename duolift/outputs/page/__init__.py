"""A scene as one page (`.html`) that opens anywhere, without a network: the viewer's own page and the scene in it."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from duolift.files import write_text
from duolift.outputs.colours import PERSON_COLOURS
from duolift.outputs.document import to_document
from duolift.outputs.libraries import library
from duolift.scene import Scene

ALONE = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'none'"
)
"""What a page that is one file may load, in browsers' words: what it holds."""

SERVED = (
    "default-src 'none'; img-src data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'"
)
"""What the served page may load: what comes from where it came from. Plotly sets styles of its own."""


def write_page(reconstruction: Scene, path: Path) -> list[Path]:
    """Write an `.html`, with everything that it needs inside."""
    text = page({"lifts": False, "served": False, "scene": to_document(reconstruction)})
    text = text.replace("<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{ALONE}">', 1)
    styles, plotly, script = asset("page.css"), plotly_script(".html"), asset("page.js")
    text = text.replace('<link rel="stylesheet" href="page.css">', f"<style>\n{styles}</style>", 1)
    text = text.replace('<script src="plotly.js"></script>', f"<script>{plotly}</script>", 1)
    text = text.replace('<script src="page.js"></script>', f"<script>\n{script}</script>", 1)
    write_text(path, text)
    return [path]


def page(settings: dict[str, Any]) -> str:
    """The page's text, with files beside it.

    Args:
        settings: `served`, whether there is a server to ask for the scene; `lifts`, whether it lifts files; or `scene`.
    """
    text = json.dumps({"colours": PERSON_COLOURS, **settings}, allow_nan=False)
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")  # no end of a script is in it
    return asset("index.html").replace('id="settings">{}<', f'id="settings">{text}<', 1)


def asset(name: str) -> str:
    """A file of the page."""
    return (files(__name__) / name).read_text(encoding="utf-8")


def plotly_script(suffix: str) -> str:
    """Plotly's JavaScript, from its Python package."""
    return library("plotly.offline", suffix).get_plotlyjs()
