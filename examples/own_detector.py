"""Keypoints of your own detector: arrays in, and out come a scene, a picture and joint positions.

python examples/own_detector.py
"""

import json
import tempfile

import numpy as np

from duolift import Camera, Lifter
from duolift.demo import FOCAL, RATE, write_keypoints

# Any detector will do. Here its output comes from a file: x, y and confidence of COCO's 17 joints, for two people.
with tempfile.TemporaryDirectory() as folder:
    found = json.loads(write_keypoints(folder).read_text())
keypoints = np.full((len(found["images"]), 2, 17, 3), np.nan)  # (frame, person, joint, 3); NaN where nobody is
for person in found["annotations"]:
    keypoints[person["image_id"] - 1, person["track_id"] - 1] = np.reshape(person["keypoints"], (17, 3))

camera = Camera(focal=FOCAL, image=(1280, 720), rate=RATE)  # what is left out is estimated
scene = Lifter.load().lift(keypoints, format="coco17", camera=camera)

world = scene.world()  # (frame, person, joint, 3), metres: x right, y up, z towards the camera
head = scene.skeleton.index("head_top")
for person, identity in enumerate(scene.identities):
    height = np.nanmedian(world[:, person, head, 1])
    print(f"person {identity}: the top of the head is {height:.2f} m above the ground")
print(f"the camera is {np.median(scene.height):.2f} m above the ground")

for path in (*scene.save("scene.json"), *scene.save("scene.bvh"), *scene.save("scene.png")):
    print(path)
