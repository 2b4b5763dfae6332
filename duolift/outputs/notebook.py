"""A scene in a notebook: a table, and a picture of the middle frame if matplotlib is installed. Nothing is loaded."""

import base64
import io
from html import escape

from duolift.errors import InputError
from duolift.scene import Scene

PREVIEW_DPI = 50
"""Dots an inch of the picture: 640 by 360 pixels."""


def to_html(scene: Scene) -> str:
    """HTML without scripts or links, with all of the scene's texts escaped."""
    width, height = scene.image
    rows = {**scene.summary(), "image": f"{width:.0f} x {height:.0f} px", "notes": "; ".join(scene.notes)}
    cells = "".join(f"<tr><th>{title}</th><td>{escape(value)}</td></tr>" for title, value in rows.items() if value)
    return f"<div><table>{cells}</table>{_picture(scene)}</div>"


def _picture(scene: Scene) -> str:
    """The middle frame as an image element; nothing without matplotlib."""
    try:
        figure = scene.plot()
    except InputError:
        return ""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=PREVIEW_DPI)
    encoded = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="the middle frame" src="data:image/png;base64,{encoded}">'
