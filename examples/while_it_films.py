"""People while they are filmed: a detector's frames go in one by one, and scenes come out a fifth of a second later.

python examples/while_it_films.py
"""

import tempfile

import numpy as np

from duolift import Camera, Lifter
from duolift.demo import FOCAL, RATE, write_keypoints
from duolift.inputs import read
from duolift.streaming.recording import recorded

with tempfile.TemporaryDirectory() as folder:
    frames = [*read(write_keypoints(folder))][:50]  # stands for a detector that looks at a webcam

stream = Lifter.load().stream(Camera(focal=FOCAL, image=frames[0].image))
scenes = []
for number, frame in enumerate(frames):
    keypoints = np.concatenate([frame.keypoints, frame.confidence[..., None]], -1)  # (person, joint, 3)
    for scene in stream.add(keypoints, time=number / RATE):
        scenes.append(scene)
        if len(scenes) % 10 == 0:
            away = np.linalg.norm(scene.people[0, :, scene.skeleton.root_index], axis=-1)
            people = ", ".join(f"person {one} {m:.2f} m away" for one, m in zip(scene.identities, away, strict=True))
            print(f"frame {number}: {people}; the camera is {scene.height[0]:.2f} m above the ground")
scenes += stream.finish()
print(recorded(scenes, RATE))
