"""The device itself: the rates of its matrix products, and whether what runs on it gives what a CPU gives."""

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import torch
from torch import Tensor

from benchmarks.gpu.options import Options
from benchmarks.machine import machine

TESTS = Path(__file__).resolve().parents[2] / "tests"

ASKS = "cuda.is_available"
"""Files of tests that hold this have tests for a GPU."""


def products(options: Options) -> Iterator[dict[str, Any]]:
    """What the machine is, and what its matrix products reach, TFLOP/s."""
    measured = machine(2 if options.tiny else 5, torch.device(options.device))
    fastest = {name: max(rates.values()) for name, rates in measured["products_tflops"].items()}
    name = measured.get("gpu", {}).get("name", measured["processor"])
    reached = ", ".join(f"{precision} {rate:.3g}" for precision, rate in fastest.items())
    yield measured | {"line": f"{name}, torch {torch.__version__}: {reached} TFLOP/s"}


def tests(options: Options) -> Iterator[dict[str, Any]]:
    """The device against a CPU, synchronisations in a training step, and the tests that concern devices."""
    device = torch.device(options.device)
    agreement = differences(device)
    yield {"largest_differences": agreement}
    waits = synchronisations(options, device)
    yield {"synchronisations": waits}
    told = f"people within {1e3 * agreement['people_m']:.3g} mm of the CPU's"
    counts = pytest_counts(options.folder / "tests.xml") if find_spec("pytest") else None
    yield {"pytest": counts, "line": f"{told}; pytest: {counts or 'not installed'}; synchronisations: {waits}"}


def differences(device: torch.device) -> dict[str, float]:
    """The largest differences between the device's results and the CPU's: of people placed in metres, of a flow's
    log-likelihoods in nats, relative to their size."""
    from duolift import Lifter
    from duolift.body.skeleton import PAPER19, WHOLE
    from duolift.export import ImageLifter, example
    from duolift.networks.flows import PoseFlow

    def apart(model: torch.nn.Module, call: Callable[[Any, list[Tensor]], Tensor], given: list[Tensor]) -> float:
        here = call(model.to("cpu"), given)
        there = call(model.to(device), [tensor.to(device) for tensor in given])
        return float(((there.cpu() - here).abs() / here.abs().clamp(min=1)).max())

    torch.manual_seed(0)
    with torch.no_grad():
        lifter, flow = ImageLifter(Lifter.load().people).eval(), PoseFlow(PAPER19, WHOLE, 2, 32, 2.0)
        for parameter in flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        people = apart(lifter, lambda model, given: model(*given)["people"], list(example(64, 2, len(PAPER19))))
        poses = [torch.randn(64, len(PAPER19), 2)]
        likelihood = apart(flow, lambda model, given: model.log_prob(*given), poses)
    return {"people_m": people, "likelihood": likelihood}


def synchronisations(options: Options, device: torch.device) -> dict[str, list[str]] | None:
    """Where a training step waits for the device, by experiment and stage; None on a CPU, which never waits."""
    if device.type != "cuda":
        return None
    from benchmarks.gpu.training import steps_of

    found = {}
    for name, step in steps_of(options, ("default", "paper")).items():
        step()
        step()
        torch.cuda.set_sync_debug_mode("warn")
        try:
            found[name] = sorted(set(warnings_of(step)))
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return found


def warnings_of(call: Callable[[], object]) -> list[str]:
    """The first line of every warning during a call, and the line of code that it came from.

    >>> [message for message in warnings_of(lambda: warnings.warn("slow"))]
    ['slow (<doctest ...)']
    """
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
    finally:
        torch.set_warn_always(False)
    return [f"{str(one.message).splitlines()[0]} ({place(one.filename)}:{one.lineno})" for one in caught]


def place(file: str) -> str:
    """A file of this project by its path in it, another as it is.

    >>> place(__file__), place("/elsewhere/some.py")
    ('benchmarks/gpu/device.py', '/elsewhere/some.py')
    """
    path, project = Path(file), TESTS.parent
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else file


def pytest_counts(path: Path) -> dict[str, int]:
    """How many of the tests that concern devices passed, failed and were skipped.

    Args:
        path: a file for pytest's own report.
    """
    files = {
        TESTS / "properties" / "test_devices.py",
        *(file for file in TESTS.rglob("test_*.py") if ASKS in file.read_text()),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={path}"]
    subprocess.run([*command, *map(str, sorted(files))], cwd=TESTS.parent, check=False)
    suite = next(ElementTree.parse(path).iter("testsuite"))
    counts = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    failed = counts["failures"] + counts["errors"]
    return {"passed": counts["tests"] - failed - counts["skipped"], "failed": failed, "skipped": counts["skipped"]}
