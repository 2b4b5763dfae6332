"""Lifting and placing people: image by image on one core, by torch and exported, and many images at once."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import onnxruntime
import torch

from benchmarks.bench import Bench
from benchmarks.measure import Line, interleaved
from duolift.export import INPUTS, ImageLifter, example, export
from duolift.networks.completer import CompleterArchitecture
from duolift.networks.people_lifter import PeopleLifter
from experiments.pack import architecture
from lightning_modules.lifter import LifterModule

COMPLETER = (512, 2)
"""Width and blocks of the default experiment's network that fills in hidden joints."""

PEOPLE = 2
"""People of an image."""

WARM_UP = 5
"""Calls that are not counted."""


def inference(bench: Bench) -> Iterator[Line]:
    """An image of two people on one core, with and without the network that fills in joints; then many at once, which
    alone are for a GPU."""
    module = bench.default[1]
    models = {
        "": ImageLifter(people_lifter(module, completing=False)),
        ", filled in": ImageLifter(people_lifter(module, completing=True)),
    }
    with torch.inference_mode():
        if bench.device.type == "cpu":
            with one_thread():
                for label, model in models.items():
                    yield one_image(model, label, bench.size.images)
        yield many_images(models[""].to(bench.device), bench.size.batched, bench.size.rounds, bench.device)


def people_lifter(module: LifterModule, completing: bool) -> PeopleLifter:
    """The default lifter as it is packed, untrained: the time does not depend on its weights."""
    design = architecture(module, None)
    if completing:
        design = replace(design, completer=CompleterArchitecture(*COMPLETER))
    return PeopleLifter(design).eval().requires_grad_(False)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def one_image(model: ImageLifter, label: str, images: int) -> Line:
    """The exported model against torch, an image at a time."""
    image = example(1, PEOPLE, len(model.people.skeleton))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lifter.onnx"
        export(model.people, file)
        calls: dict[str, Callable[[], object]] = {"torch": partial(model, *image), "ONNX": exported(file, image)}
        times = {name: times_of(call, images) for name, call in calls.items()}
    worst = ", ".join(f"{name} {1e3 * quantiles(seconds, n=100)[-1]:.2f} ms" for name, seconds in times.items())
    return Line(
        "inference",
        f"two people of an image lifted and placed{label}, one core, exported",
        "the same in torch",
        median(times["ONNX"]),
        median(times["torch"]),
        note=f"99 of 100 images within {worst}",
    )


def many_images(model: ImageLifter, images: int, rounds: int, device: torch.device) -> Line:
    """A batch of images against one image after the other, on all cores or on a GPU, where the keypoints lie."""
    joints = len(model.people.skeleton)
    one, many = ([given.to(device) for given in example(number, PEOPLE, joints)] for number in (1, images))
    seconds = interleaved({"batch": partial(model, *many), "image": partial(model, *one)}, rounds, device=device)
    where = f"{torch.get_num_threads()} threads" if device.type == "cpu" else "on the GPU"
    return Line(
        "inference",
        f"{images} images of two people at once, {where}",
        "image by image",
        seconds["batch"],
        images * seconds["image"],
        note=f"{PEOPLE * images / seconds['batch']:,.0f} people a second",
    )


def exported(file: Path, arguments: tuple[torch.Tensor, ...]) -> Callable[[], object]:
    """A call of an exported model on one core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options)
    given = {name: argument.numpy() for name, argument in zip(INPUTS, arguments, strict=True)}
    return lambda: session.run(None, given)


def times_of(call: Callable[[], object], number: int) -> list[float]:
    """Seconds of each of a number of calls, after a few that warm up."""
    seconds = []
    for _ in range(WARM_UP + number):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return seconds[WARM_UP:]
