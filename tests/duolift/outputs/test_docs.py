"""What docs/scene.md says of the format is so."""

import dataclasses
import json
import re

import numpy as np
from conftest import REPOSITORY

from duolift.example import example_scene
from duolift.outputs import WRITERS
from duolift.outputs.document import from_json, to_document
from duolift.outputs.schema import markdown_table

DOCS = (REPOSITORY / "docs" / "scene.md").read_text()


def test_the_example_is_a_scene_and_has_every_key() -> None:
    found = re.search(r"```json\n(.*?)```", DOCS, re.DOTALL)
    assert found
    scene = from_json(found[1], "the example")
    assert json.loads(found[1]).keys() == to_document(scene).keys()
    assert scene.valid.tolist() == [[True, False]]


def test_every_key_and_every_suffix_is_told() -> None:
    assert f"\n\n{markdown_table()}\n\n" in DOCS
    assert list(to_document(example_scene())) == re.findall(r"^\| `(\w+)` \|", markdown_table(), re.MULTILINE)
    for suffix in WRITERS:
        assert f"`{suffix}`" in DOCS, suffix


def test_the_code_of_the_coordinates_does_what_it_says() -> None:
    headed = {"heading": np.full(4, 0.7, np.float32), "place": np.full((4, 2), 1.5, np.float32)}
    scene = dataclasses.replace(example_scene(), **headed)
    names = {
        "up": scene.up[2],
        "height": float(scene.height[2]),
        "heading": float(scene.heading[2]),
        "place": scene.place[2],
        "focal": scene.focal,
        "image": scene.image,
        "point": scene.people[2, 1, 3],
    }
    code = next(block for block in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if "axes" in block)
    exec(code, names)
    np.testing.assert_allclose(names["world"], scene.world()[2, 1, 3], atol=1e-5)
    np.testing.assert_allclose(names["pixel"], scene.keypoints[2, 1, 3], atol=1e-2)
