"""A trained lifter in use: many people at once, and the evaluation of many scenes, each beside the same on the CPU."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu.options import Options
from benchmarks.measure import CPU, seconds_of
from duolift.export import ImageLifter, example
from duolift.networks.lifting_network import fast_bfloat16
from duolift.predictor import Lifter

PEOPLE = 2
"""People of an image."""

IMAGES = (8192, 65_536, 262_144)
"""Images that are lifted at once."""

ERROR = "pa_mpjpe_mm"
"""The metric by which evaluations on two devices are compared."""

ROWS = 262_144
"""People of a file of Parquet."""


def bulk(options: Options) -> Iterator[dict[str, Any]]:
    """People a second by the lifter that comes with the package: on the device, from the host's memory and back, from
    Parquet to Parquet, and on the CPU."""
    device, batches = torch.device(options.device), (16, 32) if options.tiny else IMAGES
    people = Lifter.load().people
    people.in_low_precision(fast_bfloat16())
    model, joints = ImageLifter(people).eval(), len(people.skeleton)
    rates: dict[str, Any] = {"on_the_cpu": rate(model, batches[0], joints, CPU)}
    yield {"people_a_second": rates}
    model = model.to(device)
    for images in batches:
        try:
            rates[f"resident, {images} images"] = rate(model, images, joints, device)
            rates[f"from the host and back, {images} images"] = rate(model, images, joints, device, moved=True)
        except torch.OutOfMemoryError as error:
            rates[f"{images} images"] = str(error).splitlines()[0]
            break
        yield {"people_a_second": rates}
    best = max(value for key, value in rates.items() if key.startswith("resident"))
    yield {"best": best, "line": f"{best:,.0f} people a second; on the CPU {rates['on_the_cpu']:,.0f}"}
    if find_spec("pyarrow") is None:
        yield {"parquet": "lacks the library pyarrow"}
    else:
        yield {"parquet": parquet(options, 64 if options.tiny else ROWS, joints)}


@torch.no_grad()
def rate(model: ImageLifter, images: int, joints: int, device: torch.device, moved: bool = False) -> float:
    """People a second, of images with keypoints in the device's memory, or in the host's and `moved` there and back."""
    given = [tensor.to(CPU if moved else device) for tensor in example(images, PEOPLE, joints)]
    if moved and device.type == "cuda":
        given = [tensor.pin_memory() for tensor in given]

    def call() -> dict[str, Tensor]:
        placed: dict[str, Tensor] = model(*(tensor.to(device, non_blocking=True) for tensor in given))
        return {name: tensor.to(CPU) for name, tensor in placed.items()} if moved else placed

    call()
    return PEOPLE * images / min(seconds_of(call, 2, device) for _ in range(3))


def parquet(options: Options, rows: int, joints: int) -> dict[str, float]:
    """People a second from a file to a file, on the device that bulk lifting chooses by itself."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    from duolift.bulk import FileLifter

    source, target = options.folder / "keypoints", options.folder / "people"
    for folder in (source, target):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "some.parquet").unlink(missing_ok=True)
    points = example(rows // PEOPLE, PEOPLE, joints)[0].reshape(rows, 2 * joints).numpy()
    columns = {
        "image": np.arange(rows) // PEOPLE,
        "person": np.arange(rows) % PEOPLE,
        **{side: np.full(rows, 1000.0) for side in ("width", "height")},
        "keypoints": list(points),
        "confidence": list(np.ones((rows, joints), np.float32)),
    }
    pq.write_table(pa.table(columns), source / "some.parquet")
    weights = options.folder / "lifter.safetensors"
    Lifter.load().save(weights)
    outcome = FileLifter(weights, source, target).lift("some.parquet")
    if outcome.error:
        raise RuntimeError(outcome.error)
    return {"people": outcome.people, "seconds": outcome.seconds, "people_a_second": outcome.people / outcome.seconds}


def evaluation(options: Options) -> Iterator[dict[str, Any]]:
    """Seconds to lift, place and score as many scenes as CHI3D's s04 has, in all rows, on the device and on the CPU."""
    from benchmarks.bench import IMAGE, repeated
    from benchmarks.gpu.training import bench_of
    from callbacks.rows import rows_of
    from callbacks.scoring import evaluate
    from duolift.body.skeleton import WHOLE
    from duolift.geometry.scene_batch import SceneBatch

    bench = bench_of(options)
    data, module = bench.default
    rows = rows_of(WHOLE)
    every, few = (repeated(data.evaluation, number) for number in bench.size.scenes)
    places = {"all on the CPU": (CPU, CPU)}
    if bench.device != CPU:
        places = {"all on the GPU": (bench.device,) * 2, "the networks on the GPU": (bench.device, CPU)} | places
    seconds: dict[str, Any] = {}
    results: dict[str, Any] = {}
    for name, (of_module, of_scenes) in places.items():

        def call(scenes: SceneBatch, where: torch.device = of_scenes) -> list[dict[str, Any]]:
            return evaluate(module, rows, scenes.to(where), data.skeleton, image=IMAGE)

        module.to(of_module)
        try:
            call(few)
            seconds[name] = seconds_of(lambda: results.update({name: call(every)}), 1, bench.device)  # noqa: B023
        except RuntimeError as error:  # what torch says of tensors that are not where they have to be
            seconds[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        yield {"scenes": len(every), "rows": len(rows), "seconds": seconds}
    on_cpu = results["all on the CPU"]
    apart = {
        name: max(abs(a["metrics"][ERROR] - b["metrics"][ERROR]) for a, b in zip(of, on_cpu, strict=True))
        for name, of in results.items()
    }
    times = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items() if name in results)
    yield {"largest_difference_mm": apart, "line": f"{len(every)} scenes, {len(rows)} rows: {times}"}
