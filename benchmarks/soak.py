"""Does memory stay flat in long use? Images and videos are lifted, files dropped onto the page, pages requested.

python -m benchmarks.soak --minutes 60
"""

import argparse
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import psutil
from numpy.typing import NDArray
from scipy.stats import theilslopes

from duolift.inputs.keypoints import COCO17
from duolift.predictor import Lifter
from duolift.view.server import UPLOAD
from duolift.view.uploads import pack

WARM_UP = 0.2
"""Share of the samples, the first ones, in which memory may still grow."""

MOST_PEOPLE, MOST_FRAMES = 6, 20
MALFORMED = (b"", b"{", b"[1]", b'{"people": [{"pose_keypoints_2d": [1, 2]}]}', b"\xff" * 1000)
PATHS = ("", "page.js", "scene.json", "nowhere", "../../etc/passwd")


@dataclass
class Memory:
    """The resident memory of a process over time."""

    process: psutil.Process
    seconds: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)

    def sample(self) -> None:
        self.seconds.append(time.monotonic())
        self.mebibytes.append(self.process.memory_info().rss / 2**20)

    @property
    def growth(self) -> tuple[float, float, float]:
        """Growth after the warm-up in MiB an hour, by Theil and Sen's median of all slopes, and its 95 % interval."""
        first = int(WARM_UP * len(self.seconds))
        slope, _, low, high = theilslopes(self.mebibytes[first:], np.array(self.seconds[first:]) / 3600)
        return float(slope), float(low), float(high)


def keypoints(random: np.random.Generator, frames: int, people: int) -> NDArray[np.float64]:
    """Random keypoints with confidences, (frame, person, joint, 3), some of them below the threshold."""
    where = random.uniform(0, 900, (frames, people, 1, 2))
    points = where + random.normal(0, 80, (frames, people, len(COCO17), 2))
    return np.concatenate([points, random.uniform(0, 1, (frames, people, len(COCO17), 1))], axis=-1)


def document(points: NDArray[np.float64]) -> bytes:
    """Keypoints (frame, person, joint, 3) as a file of COCO results."""
    return json.dumps(
        [
            {"image_id": frame, "category_id": 1, "keypoints": person.round(2).flatten().tolist(), "score": 0.9}
            for frame, people in enumerate(points)
            for person in people
        ]
    ).encode()


@contextmanager
def page() -> Iterator[tuple[psutil.Process, str]]:
    """`duolift view` as a process of its own, and the address of its page."""
    command = [sys.executable, "-P", "-m", "duolift", "view", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield psutil.Process(process.pid), process.stdout.readline().split()[0]
        finally:
            process.kill()


def ask(url: str, content: bytes | None = None) -> int:
    """The status of the answer to a request."""
    request = urllib.request.Request(url, content, {"Content-Type": UPLOAD} if content is not None else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def soak(minutes: float, pause: float, seed: int = 0) -> dict[str, object]:
    """Lift and send requests for so many minutes, with pauses of so many seconds; returns counts and memory."""
    random, lifter = np.random.default_rng(seed), Lifter.load()
    counts = {"images": 0, "videos": 0, "files dropped": 0, "malformed files": 0, "pages": 0}
    with page() as (server, url):
        memories = {"lifting": Memory(psutil.Process()), "the page": Memory(server)}
        ends = time.monotonic() + 60 * minutes
        while time.monotonic() < ends:
            people = int(random.integers(1, MOST_PEOPLE + 1))
            lifter.lift(keypoints(random, 1, people)[0], format="coco")
            counts["images"] += 1
            if counts["images"] % 5 == 0:
                lifter.lift(keypoints(random, MOST_FRAMES, people), format="coco")
                counts["videos"] += 1
            answers = (
                ask(f"{url}lift", pack({"a.json": document(keypoints(random, 1, people))})),
                ask(f"{url}lift", pack({"b.json": MALFORMED[counts["images"] % len(MALFORMED)]})),
            )
            if answers != (200, 422):
                raise RuntimeError(f"the page answered {answers} to a file and to a malformed one; expected 200, 422")
            ask(f"{url}{PATHS[counts['images'] % len(PATHS)]}")
            counts["files dropped"] += 1
            counts["malformed files"] += 1
            counts["pages"] += 1
            for memory in memories.values():
                memory.sample()
            time.sleep(pause)
    return {"minutes": minutes, **counts} | {
        name: {
            "first_mib": memory.mebibytes[int(WARM_UP * len(memory.mebibytes))],
            "last_mib": memory.mebibytes[-1],
            "growth_mib_an_hour": memory.growth,
        }
        for name, memory in memories.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--pause", type=float, default=0.2, metavar="SECONDS", help="rest after every round")
    chosen = parser.parse_args(arguments)
    print(json.dumps(soak(chosen.minutes, chosen.pause), indent=1))


if __name__ == "__main__":
    main()
