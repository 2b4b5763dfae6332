"""What a run did, as one page and as figures for print.   python -m experiments.report run=default

`runs/<run>/report.html` opens anywhere without a network; `runs/<run>/figures/` has its figures as PDF and PNG.
"""

import json
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from callbacks.errors import (
    Errors,
    Grouped,
    action_of,
    actions,
    binned,
    by_joint,
    cameras,
    deep_scenes,
    distances,
    grouped,
    shown,
    take_of,
)
from callbacks.evaluation import JOINT, PERFECT, PUBLISHED_METRICS, Lift, Row, main_row, pictured_row, rows_of
from callbacks.figures import (
    curves_chart,
    distribution_chart,
    elevation_chart,
    noise_chart,
    print_figure,
    scene_sheet,
    side_sheet,
    spread_chart,
    svg,
    turning_scenes,
)
from callbacks.lifted import lift_scenes
from datamodules import synthetic
from datamodules.actions import ACTIONS
from datamodules.chi3d import read
from duolift.errors import InputError
from duolift.files import write_text
from duolift.outputs.colours import PERSON_COLOURS
from duolift.outputs.page import ALONE, plotly_script
from duolift.placement import TABLE_1
from duolift.scenes import Scenes
from duolift.skeleton import Skeleton, skeleton_named
from experiments.ablation import HEADS
from experiments.config import LIFTERS, Config, load, load_run, plain
from experiments.evaluate import load_lifter
from experiments.runs import command, flat
from experiments.train_lifter import LABELLED

TEMPLATE = "report.html.jinja"
FEW = 5
"""So many of the best and of the worst sequences are listed."""

TOGETHER, ALONE_NAME, PAPER = "everybody in one scene", "each person alone", "one scene, the paper's placement"
MM = "PA-MPJPE, mm"
PLACES = ("run", "runs", "experiment", "data.source", "data.root", "data.cache")
"""Settings that are told elsewhere, or say where things lie."""
