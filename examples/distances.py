"""How near do people come to each other? A detector's file in, a table of distances out.

python examples/distances.py keypoints.json     without a file: the example that comes with the package
"""

import sys
import tempfile
from itertools import combinations

import numpy as np

from duolift import Camera, Lifter
from duolift.demo import FOCAL, RATE, write_keypoints

with tempfile.TemporaryDirectory() as folder:
    if len(sys.argv) > 1:
        scene = Lifter.load().lift_file(sys.argv[1])
    else:
        scene = Lifter.load().lift_file(write_keypoints(folder), Camera(focal=FOCAL, rate=RATE))

pelvis = scene.people[:, :, scene.skeleton.index("pelvis")]  # (frame, person, 3), metres
hands = scene.people[:, :, scene.skeleton.indices(("right_hand", "left_hand"))]  # (frame, person, hand, 3)

for one, other in combinations(range(len(scene.identities)), 2):
    together = scene.valid[:, one] & scene.valid[:, other]
    if not together.any():
        continue
    apart = np.linalg.norm(pelvis[:, one] - pelvis[:, other], axis=-1)[together]
    reach = np.linalg.norm(hands[together, one, :, None] - hands[together, other, None], axis=-1).min((1, 2))
    frame = np.flatnonzero(together)[reach.argmin()]
    print(f"person {scene.identities[one]} and person {scene.identities[other]}")
    print(f"  pelvises     {apart.min():.2f} to {apart.max():.2f} m apart")
    print(f"  hands        {reach.min():.2f} m apart at the nearest, in {scene.names[frame]}")

for note in scene.notes:
    print(f"note: {note}")
