"""The machine that is measured on, and the limit that its matrix products set."""

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import CPU, product_rate
from duolift.networks.lifting_network import fast_bfloat16

PRODUCTS = ((256, 384), (512, 1024))
"""Rows and width of the matrix products whose rate is measured: those of the default lifter, and of LInKs'."""


LARGE = (8192, 8192)
"""Rows and width of a matrix product that keeps all of a GPU busy."""


def machine(rounds: int, device: torch.device = CPU) -> dict[str, Any]:
    """A description of this machine, with the rate of the device's matrix products by precision and shape, TFLOP/s.

    `gpu` is there where the device is one.
    """
    on_gpu = device.type == "cuda"
    limits = product_rates(rounds, device, (*PRODUCTS, LARGE) if on_gpu else PRODUCTS)
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "bfloat16_in_hardware": fast_bfloat16(),
        "amx": bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)()),
        "products_tflops": limits,
    } | ({"gpu": gpu(device)} if on_gpu else {})


def product_rates(
    rounds: int, device: torch.device, shapes: tuple[tuple[int, int], ...] = PRODUCTS
) -> dict[str, dict[str, float]]:
    """TFLOP/s of a device's matrix products by precision, of a GPU with TensorFloat-32 among them, and by shape.

    Args:
        shapes: rows and width of each product.
    """
    rates = {}
    for name in ("float32", "tf32", "bfloat16") if device.type == "cuda" else ("float32", "bfloat16"):
        dtype = torch.bfloat16 if name == "bfloat16" else torch.float32
        with products_as("high" if name == "tf32" else "highest"):
            rates[name] = {
                f"{rows} x {width} x {width}": product_rate(rows, width, dtype, rounds, device) / 1e12
                for rows, width in shapes
            }
    return rates


@contextmanager
def products_as(precision: str) -> Iterator[None]:
    """Matrix products of float32 are made in torch's precision of this name: `high` is TensorFloat-32 on a GPU."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def gpu(device: torch.device) -> dict[str, Any]:
    """A GPU's name, memory, and the versions of what runs it."""
    properties = torch.cuda.get_device_properties(device)
    return {
        "name": properties.name,
        "memory_gib": properties.total_memory / 2**30,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "driver": driver(),
        "cuda": torch.version.cuda,
    }


def driver() -> str | None:
    """The version of the GPU's driver; None where nothing tells it.

    >>> driver() is None or driver()[0].isdigit()
    True
    """
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.split("\n")[0]
    except (OSError, subprocess.SubprocessError):
        return None


def processor() -> str:
    """The processor's name, as far as the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
