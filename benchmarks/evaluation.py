"""Evaluating scenes: a row of the table against a loop over frames, and all rows with lifting and placement."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from benchmarks.baselines import procrustes_loop
from benchmarks.bench import IMAGE, Bench, Size, repeated
from benchmarks.measure import Line, interleaved, peak_memory, seconds_of
from callbacks.lifting import lift_scenes
from callbacks.parallel import on_all_cores
from callbacks.rows import paper_row, rows_of
from callbacks.scoring import LiftedScenes, evaluate, portions
from duolift.body.skeleton import WHOLE
from duolift.metrics.batched import Truth

BASELINE = "frame by frame in numpy, once a row: PA-MPJPE of the scene and of its people alone"


def evaluation(bench: Bench) -> Iterator[Line]:
    """Scores alone; lifting, placement and scores; and these once over as many scenes as CHI3D's s04 has."""
    size, (data, module) = bench.size, bench.default
    every, some = (repeated(data.evaluation, number).to(bench.device) for number in size.scenes)
    rows, skeleton = rows_of(WHOLE), data.skeleton
    people = LiftedScenes(every, lift_scenes(module.eval(), every, skeleton)).placed(paper_row(rows))
    assert every.truth is not None
    truth, first = every.truth, slice(size.frames)
    arrays = people[first].double().cpu().numpy(), truth[first].double().cpu().numpy()

    def score(portion: slice) -> object:
        scorer = Truth(truth[portion], skeleton.root_index, skeleton.hands)
        return [scorer.score(people[portion]) for _ in rows]

    candidates: dict[str, Callable[[], object]] = {
        "scores": lambda: on_all_cores(score, portions(every.sequence)),
        "rows": lambda: evaluate(module, rows, some, skeleton, image=IMAGE),
        "loop": lambda: procrustes_loop(*arrays),
    }
    seconds = interleaved(candidates, size.rounds, device=bench.device)
    loop = seconds["loop"] / len(people[first]) * len(rows)  # seconds of a scene, in all rows
    note = f"the loop, over {len(people[first])} scenes, is extrapolated"
    what = f"scoring {len(every)} scenes, {len(rows)} rows"
    yield Line("evaluation", what, BASELINE, seconds["scores"], loop * len(every), note=note)
    what = f"lifting, placing and scoring {len(some)} scenes, {len(rows)} rows"
    memory = peak_memory(_run, bench.folder, size, bench.device, device=bench.device)
    yield Line("evaluation", what, BASELINE, seconds["rows"], loop * len(some), memory, note=note)
    taken = seconds_of(lambda: evaluate(module, rows, every, skeleton, image=IMAGE), device=bench.device)
    what, times = f"lifting, placing and scoring {len(every)} scenes, {len(rows)} rows", len(every) / len(some)
    yield Line("evaluation", what, f"{times:g} times the line above", taken, times * seconds["rows"], note="timed once")


def _run(folder: Path, size: Size, device: torch.device) -> None:
    data, module = Bench(folder, size, device).default
    scenes = repeated(data.evaluation, size.scenes[1]).to(device)
    evaluate(module, rows_of(WHOLE), scenes, data.skeleton, image=IMAGE)
