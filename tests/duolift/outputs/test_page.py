"""The page as a file: what it holds, and in a browser that it turns above the ground and takes pictures."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import CHROMIUM, browse

from duolift.body.skeleton import Skeleton
from duolift.example import example_scene
from duolift.outputs import write
from duolift.outputs.colours import PERSON_COLOURS
from duolift.outputs.page import SCRIPTS, asset
from duolift.outputs.volumes import BODY_SHAPE
from duolift.scene import Scene, world_axes

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

DRAG = """
const ready = setInterval(() => {
  if (document.body.dataset.ready !== "yes") return;
  clearInterval(ready);
  Element.prototype.setPointerCapture = Element.prototype.releasePointerCapture = () => {};
  const canvas = document.querySelector("#plot canvas"), { width, height } = canvas.getBoundingClientRect();
  const send = (type, y, button) => canvas.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, pointerType: "mouse", bubbles: true, button, buttons: type === "pointerup" ? 0 : button ? 2 : 1,
    clientX: width / 2, clientY: y, pageX: width / 2, pageY: y }));
  for (const button of BUTTONS)
    for (let times = 0; times < 5; times++) {
      send("pointerdown", height / 2, button);
      for (let y = 0; y <= 20; y++) send("pointermove", height / 2 - DOWN * 20 * y, button);
      send("pointerup", height / 2 - DOWN * 400, button);
    }
}, 50);
"""
"""Drags from the middle of the scene up or down, with the left (turn) or the right button (shift)."""

SLOWLY = """
window.requestAnimationFrame = (callback) => setTimeout(() => callback(performance.now()), MILLISECONDS);
const ready = setInterval(() => {
  if (document.body.dataset.ready !== "yes") return;
  clearInterval(ready);
  Element.prototype.setPointerCapture = Element.prototype.releasePointerCapture = () => {};
  const canvas = document.querySelector("#plot canvas"), { width, height } = canvas.getBoundingClientRect();
  const send = (type, x) => canvas.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, pointerType: "mouse", bubbles: true, button: 0, buttons: type === "pointerup" ? 0 : 1,
    clientX: x, clientY: height / 2, pageX: x, pageY: height / 2 }));
  const pixels = [], note = () => pixels.push(canvas.width / canvas.clientWidth);
  note();
  send("pointerdown", width / 2);
  const turning = setInterval(() => {
    send("pointermove", width / 2 + 5 * pixels.length);
    note();
    if (pixels.length < 12) return;
    clearInterval(turning);
    send("pointerup", width / 2 + 60);
    setTimeout(() => {
      note();
      document.body.dataset.pixels = pixels.map((share) => share.toFixed(1)).join(" ");
    }, 3000);
  }, 250);
}, 50);
"""
"""Turns the scene in a browser whose next picture comes so late, and notes how many pixels are drawn for each."""

DROP = """
const ready = setInterval(async () => {
  if (document.body.dataset.ready !== "yes") return;
  clearInterval(ready);
  const sheet = document.createElement("canvas");
  sheet.width = 128, sheet.height = 72;
  sheet.getContext("2d").fillStyle = "rgb(0 200 0)";
  sheet.getContext("2d").fillRect(0, 0, 128, 72);
  const blob = await new Promise((resolve) => sheet.toBlob(resolve));
  const files = new DataTransfer();
  for (const name of ["000000.png", "other.png"]) files.items.add(new File([blob], name, { type: "image/png" }));
  window.dispatchEvent(new DragEvent("drop", { dataTransfer: files, cancelable: true }));
  setInterval(() => { // decoding takes a time that the browser's own clock may not count
    const image = document.getElementById("image");
    document.body.dataset.corner = image.getContext("2d").getImageData(2, 2, 1, 1).data.join(" ");
  }, 20);
}, 50);
"""


def opened(scene: Scene, folder: Path, script: str = "", **options: object) -> str:
    """The document of a scene's page after a script has run in it."""
    write(scene, folder / "scene.html", **options)  # type: ignore[arg-type]
    page = (folder / "scene.html").read_text().replace("</body>", f"<script>{script}</script></body>")
    (folder / "scripted.html").write_text(page)
    return browse((folder / "scripted.html").as_uri(), folder, seconds=60).stdout


def eye(document: str) -> list[float]:
    """Where the viewer is, metres."""
    found = re.search(r'data-eye="([^"]*)"', document)
    assert found, "nothing was drawn"
    return [float(number) for number in found[1].split(",")]


def test_the_page_knows_the_colours_and_the_bodies_shape(tmp_path: Path) -> None:
    write(example_scene(), tmp_path / "scene.html")
    found = re.search(r'id="settings">(.*?)</script>', (tmp_path / "scene.html").read_text())
    assert found
    settings = json.loads(found[1])
    assert [tuple(pair) for pair in settings["colours"]] == [*PERSON_COLOURS]
    assert settings["shape"] == json.loads(json.dumps(asdict(BODY_SHAPE)))
    assert len({pair[0] for pair in PERSON_COLOURS}) == len(PERSON_COLOURS) > 12


def test_three_js_comes_with_its_licence_and_what_makes_it() -> None:
    script, made = asset(SCRIPTS["three.js"]), json.loads(asset("three/package.json"))
    assert script.startswith(f"/*! three.js {made['devDependencies']['three']}\n{asset('three/LICENSE')}")
    assert "The MIT License" in asset("three/LICENSE") and len(script) < 600_000
    exported = set(re.findall(r"^  (\w+),$", asset("three/three.js"), re.MULTILINE)) | {"OrbitControls"}
    own = "".join(asset(file) for file in SCRIPTS.values() if not file.startswith("three/"))
    assert set(re.findall(r"THREE\.(\w+)", own)) == exported, "all that is taken is used, and the other way round"


@in_a_browser
@pytest.mark.parametrize(("apart", "side"), [((0.9, 0.0, -0.5), 1), ((-0.6, 0.0, -1.2), -1)])
def test_nobody_hides_somebody_else_at_first(apart: tuple[float, float, float], side: int, tmp_path: Path) -> None:
    """Where the second person is beside the first: usually seen from the camera's right, else from its left."""
    scene = example_scene()
    second = scene.people[:, :1] + np.einsum("fij,i->fj", world_axes(scene.up), apart)[:, None, None]
    people = np.concatenate([scene.people[:, :1], second.astype(np.float32)], axis=1)
    seen_from = eye(opened(replace(scene, people=people, by_paper=people), tmp_path))
    middle = replace(scene, people=people).world()[..., 0].mean()
    assert np.sign(seen_from[0] - middle) == side


@in_a_browser
@pytest.mark.parametrize("direction", ["down", "up"])
def test_whoever_turns_the_scene_stays_above_the_ground(direction: str, tmp_path: Path) -> None:
    script = DRAG.replace("DOWN", "1" if direction == "down" else "-1").replace("BUTTONS", "[0, 2]")
    before = eye(opened(example_scene(), tmp_path))
    after = eye(opened(example_scene(), tmp_path, script))
    assert after[1] >= 0.05 and np.linalg.norm(np.subtract(before, after)) > 0.5


@in_a_browser
@pytest.mark.parametrize(("milliseconds", "moving"), [(10, "1.0"), (100, "0.5")])
def test_without_a_graphics_card_what_moves_is_drawn_coarsely(milliseconds: int, moving: str, tmp_path: Path) -> None:
    found = opened(example_scene(), tmp_path, SLOWLY.replace("MILLISECONDS", str(milliseconds)))
    first, *_, last_moving, still = re.findall(r'data-pixels="([^"]*)"', found)[0].split()
    assert (first, last_moving, still) == ("1.0", moving, "1.0")


@in_a_browser
def test_pictures_that_are_dropped_lie_behind_the_poses(tmp_path: Path) -> None:
    found = opened(example_scene(frames=2), tmp_path, DROP)
    assert 'data-corner="0 200 0 255"' in found
    assert re.search(r'id="status"[^>]*hidden', found), "no error is shown"


KINDS: dict[str, Callable[[], Scene]] = {
    "nobody": lambda: example_scene().select([]),
    "no frames": lambda: cut(example_scene()),
    "a child": lambda: replace(example_scene(), people=0.6 * example_scene().people),
    "few joints": lambda: example_scene(skeleton=Skeleton.person("stick", ["pelvis", "head_top", *ARMS])),
    "a crowd": lambda: example_scene(people=20),
}
ARMS = ("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist")


def cut(scene: Scene) -> Scene:
    """The scene without its frames."""
    arrays = {name: value[:0] for name, value in vars(scene).items() if isinstance(value, np.ndarray)}
    return replace(scene, names=(), **arrays)


@in_a_browser
@pytest.mark.parametrize("kind", KINDS)
def test_scenes_of_all_kinds_are_drawn(kind: str, tmp_path: Path) -> None:
    scene = KINDS[kind]()
    found = opened(scene, tmp_path)
    assert 'data-ready="yes"' in found and re.search(r'id="status"[^>]*hidden', found)
    assert len(re.findall(r'class="chip"', found)) == len(scene.identities)
    eye(found)


@in_a_browser
def test_a_browser_without_3d_shows_the_image_and_the_numbers(tmp_path: Path) -> None:
    write(example_scene(), tmp_path / "scene.html")
    found = browse((tmp_path / "scene.html").as_uri(), tmp_path, "--disable-3d-apis").stdout
    assert "This browser shows no 3D" in found
    assert len(re.findall(r'class="chip"', found)) == 2 and "1.60 m" in found
