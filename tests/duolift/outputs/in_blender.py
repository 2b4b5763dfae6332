"""Run by Blender, or by Python where Blender is its module: import a file, and write where its bones are as JSON.

    blender --background --factory-startup --python in_blender.py -- scene.glb 25 places.json

The JSON has the objects' names by type, how many actions there are, and for each armature a list of frames of bone ->
place in Blender's coordinates (z up).
"""

import builtins
import json
import sys
from pathlib import Path
from typing import Any

import bpy  # type: ignore[import-not-found]
import numpy as np


def main(file: str, rate: str, output: str) -> None:
    """Import a file at a frame rate and write its bones' places."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = int(rate)
    if file.endswith(".glb"):
        bpy.ops.import_scene.gltf(filepath=file)
    else:
        bpy.ops.import_anim.bvh(filepath=file, axis_forward="-Z", axis_up="Y")
    objects: dict[str, list[str]] = {}
    for one in bpy.data.objects:
        objects.setdefault(one.type, []).append(one.name)
    people = {one.name: places(scene, one) for one in bpy.data.objects if one.type == "ARMATURE"}
    content = {"objects": objects, "actions": len(bpy.data.actions), "people": people}
    Path(output).write_text(json.dumps(content))


def places(scene: Any, armature: Any) -> list[dict[str, list[float]]]:
    """Where an armature's bones begin, frame by frame."""
    first, last = armature.animation_data.action.frame_range
    found = []
    for frame in range(round(last - first) + 1):
        scene.frame_set(round(first) + frame)
        found.append({bone.name: list(armature.matrix_world @ bone.head) for bone in armature.pose.bones})
    return found


def run_on_newer_python() -> None:
    """Blender 3.4 asks Python and NumPy for what newer ones have done away with, where it is built with these."""
    opened = builtins.open
    builtins.open = lambda file, mode="r", *rest, **named: opened(file, mode.replace("U", ""), *rest, **named)
    if not hasattr(np, "bool"):
        np.bool = bool


if __name__ == "__main__":
    run_on_newer_python()
    main(*sys.argv[sys.argv.index("--") + 1 :])
