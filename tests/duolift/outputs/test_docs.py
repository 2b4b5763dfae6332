"""What docs/scene.md says of the format is so."""

import json
import re

import numpy as np
from conftest import REPOSITORY, some_reconstruction

from duolift.outputs import WRITERS
from duolift.outputs.document import from_json, to_document

DOCS = (REPOSITORY / "docs" / "scene.md").read_text()


def test_the_example_is_a_scene_and_has_every_key() -> None:
    found = re.search(r"```json\n(.*?)```", DOCS, re.DOTALL)
    assert found
    scene = from_json(found[1], "the example")
    assert json.loads(found[1]).keys() == to_document(scene).keys()
    assert scene.present.tolist() == [[True, False]]


def test_every_key_and_every_suffix_is_told() -> None:
    for key in to_document(some_reconstruction()):
        assert f"\n| `{key}` |" in DOCS, key
    for suffix in WRITERS:
        assert f"`{suffix}`" in DOCS, suffix


def test_the_code_of_the_coordinates_does_what_it_says() -> None:
    reconstruction = some_reconstruction()
    names = {
        "up": reconstruction.up[2],
        "height": float(reconstruction.height[2]),
        "focal": reconstruction.focal,
        "image": reconstruction.image,
        "point": reconstruction.people[2, 1, 3],
    }
    code = next(block for block in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if "axes" in block)
    exec(code, names)
    np.testing.assert_allclose(names["scene"], reconstruction.scene()[2, 1, 3], atol=1e-5)
    np.testing.assert_allclose(names["pixel"], reconstruction.keypoints[2, 1, 3], atol=1e-2)
