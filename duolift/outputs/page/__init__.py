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

SELF_CONTAINED_POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'none'"
)
"""Content security policy of a page that is one file: it loads nothing but what it holds."""

SERVED_POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'"
)
"""Content security policy of the served page: it loads from its own server alone. Plotly sets styles of its own."""


def write_page(scene: Scene, path: Path) -> list[Path]:
    """Write an `.html` that holds everything it needs, Plotly's script included."""
    text = page({"lifts": False, "served": False, "scene": to_document(scene)})
    text = text.replace(
        "<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{SELF_CONTAINED_POLICY}">', 1
    )
    styles, plotly, script = asset("page.css"), plotly_script(".html"), asset("page.js")
    text = text.replace('<link rel="stylesheet" href="page.css">', f"<style>\n{styles}</style>", 1)
    text = text.replace('<script src="plotly.js"></script>', f"<script>{plotly}</script>", 1)
    text = text.replace('<script src="page.js"></script>', f"<script>\n{script}</script>", 1)
    write_text(path, text)
    return [path]


def page(settings: dict[str, Any]) -> str:
    """The text of `index.html` with settings filled in; style sheet and scripts are files beside it.

    Args:
        settings: `served`, whether a server has the scene; `lifts`, whether that server lifts files; `scene`, the scene
            itself where no server has it; `largest`, bytes of a file that is dropped onto the page.
    """
    text = json.dumps({"colours": PERSON_COLOURS, **settings}, allow_nan=False)
    # no text may end the script element that holds it
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return asset("index.html").replace('id="settings">{}<', f'id="settings">{text}<', 1)


def asset(name: str) -> str:
    """The text of a file that belongs to the page."""
    return (files(__name__) / name).read_text(encoding="utf-8")


def plotly_script(needed_by: str) -> str:
    """Plotly's JavaScript, from its Python package."""
    return library("plotly.offline", needed_by).get_plotlyjs()
