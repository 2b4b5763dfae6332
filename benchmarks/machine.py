"""The machine that is measured on, and the limit that its matrix products set."""

import os
import platform
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import product_rate
from duolift.networks.lifting_network import fast_bfloat16

PRODUCTS = ((256, 384), (512, 1024))
"""Rows and width of the matrix products whose rate is measured: those of the default lifter, and of LInKs'."""


def machine(rounds: int) -> dict[str, Any]:
    """A description of this machine, with the rate of its matrix products by precision and shape, TFLOP/s."""
    limits = {
        str(dtype).removeprefix("torch."): {
            f"{rows} x {width} x {width}": product_rate(rows, width, dtype, rounds) / 1e12 for rows, width in PRODUCTS
        }
        for dtype in (torch.float32, torch.bfloat16)
    }
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "bfloat16_in_hardware": fast_bfloat16(),
        "amx": bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)()),
        "products_tflops": limits,
    }


def processor() -> str:
    """The processor's name, as far as the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
