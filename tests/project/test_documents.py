"""Every command and every block of Python in README and docs is run here, scaled down, and every link is followed.

A command is a line of a `sh` block, code in a table that begins with a program's name, or such code in prose with
arguments. A command that prose only mentions (without arguments) has to exist. Each command is run as its rule in
`RULES` says, in a temporary folder with everything that the documents assume: a data set in CHI3D's layout, detectors'
files, a picture. `make` prints what it would run (`make -n`); that is run in this process, so that libraries are
imported once.
"""

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import reduce
from inspect import signature
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from PIL import Image
from scripted_detector import Scripted, drawn
from small_benchmarks import copied, h36m_root, mpi_root
from small_captures import write_folder
from small_detections import people as detected_people
from small_detections import write as write_detections
from small_films import steady, write_pictures
from small_shelf import write_shelf

from benchmarks.real.couples import Couples
from benchmarks.real.tilts import Tilts
from datamodules.sources.chi3d import _parse_camera
from datamodules.synthetic.benchmarks import mupots, somof
from datamodules.synthetic.writer import SyntheticConfig, write
from duolift import cli
from duolift.body.skeleton import CHI3D25, PAPER19
from duolift.detectors.registry import DetectorKind
from duolift.example import example_scene
from duolift.geometry.cameras import Intrinsics
from duolift.inputs.keypoints import FORMATS
from duolift.predictor import SHIPPED
from duolift.scene import Scene
from experiments import virtual_scenes
from fuzzing.seeds import DETECTOR_FILES

DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
TEXTS = {path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:make|duolift|pip|python -m) [^`]+)`")
PLACE = re.compile(
    r"`((?:benchmarks|callbacks|datamodules|duolift|experiments|fuzzing|lightning_modules|tests)/[\w/.]*)`"
)
DOTTED = re.compile(r"`(duolift(?:\.\w+)+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")

TINY = SyntheticConfig(takes=1, frames=4)
STAGES = ("flows", "lifting", "completion", "distillation")
SETTINGS = " ".join(
    (
        *(f"data.synthetic.{key}={value}" for key, value in asdict(TINY).items()),
        "data.held_out=64 flows.parts=[whole,legs] lifting.likelihoods=[whole,legs] wandb.mode=disabled",
        *(f"{stage}.width=8 {stage}.epochs=1 {stage}.batch_size=64" for stage in STAGES),
        "flows.blocks=2 lifting.blocks=1",
    )
)
"""Scales a training down: a few poses, the smallest networks, one epoch."""


# The commands of the documents --------------------------------------------------------------------------------------


def commands() -> dict[str, list[str]]:
    """Every command, without its comment, and the documents that have it."""
    found: dict[str, list[str]] = {}
    for name, text in TEXTS.items():
        lines = [line for kind, block in BLOCK.findall(text) if kind == "sh" for line in block.splitlines()]
        for line in BLOCK.sub("", text).splitlines():
            lines += [code for code in INLINE.findall(line) if line.startswith("|") or not is_mention(code)]
        for line in lines:
            command = re.sub(r"(^|\s+)#.*", "", line)
            if command:
                found.setdefault(command, []).append(name)
    return found


def mentions() -> set[str]:
    """Commands that prose mentions without arguments."""
    return {code for text in TEXTS.values() for code in INLINE.findall(BLOCK.sub("", text)) if is_mention(code)}


def is_mention(code: str) -> bool:
    """Whether a command is given without arguments."""
    return len(code.split()) == (3 if code.startswith("python") else 2)


def command_of(module: str) -> Any:
    """What `python -m module` runs: a package's command is in its `__main__`."""
    program = importlib.import_module(module)
    return importlib.import_module(f"{module}.__main__") if hasattr(program, "__path__") else program


def python_blocks() -> list[tuple[str, str]]:
    return [(name, block) for name, text in TEXTS.items() for kind, block in BLOCK.findall(text) if kind == "python"]


# How each command is run --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """How the commands that match a pattern are run.

    Attributes:
        pattern: regular expression that matches a whole command.
        typed: what is run instead, a template with the pattern's groups.
        settings: added to the ARGS of a `make` command.
        after: commands that are run before, as they stand in the documents.
        patched: replacements while the command runs, by dotted name.
        made: files that have to exist and not be empty afterwards, templates as well.
        elsewhere: the file that runs the command instead, and the beginning of the line there, a template; then
            nothing is run here.
        external: the command asks a server, or is another project's; nothing is run.
    """

    pattern: str
    typed: str = r"\g<0>"
    settings: str = ""
    after: tuple[str, ...] = ()
    patched: Mapping[str, Any] = field(default_factory=dict)
    made: tuple[str, ...] = ()
    elsewhere: tuple[str, str] | None = None
    external: bool = False


def _is_a_film(scene: Scene) -> None:
    assert len(scene.names) > 1


PLACES = {
    "/data/chi3d": "folder",
    "/data/shelf": "shelf",
    "/data/h36m": "h36m",
    "/data/3dhp": "3dhp",
    "ROOT=other": "ROOT=folder",
    "RUN=name": "RUN=mine",
    "<root>": "folder",
}
"""Names in the documents that stand for any -> names that exist here."""

EXAMPLES = {"experiments/conf/name.yaml", "datamodules/sources/mine.py"}
"""Files in the documents that stand for any."""

TRAINED = "make complete DATA=chi3d ROOT=folder RUN=mine"
PACKED = "make pack RUN=mine"
BY_SCRIPT = {
    "duolift.detectors.registry.DETECTORS": {"scripted": DetectorKind("bars", "coco17", (), Scripted)},
    "duolift.detectors.registry.DEFAULT_DETECTOR": "scripted",
}
"""A detector whose networks nobody has to install."""

FEW_SCENES = {
    "experiments.virtual_scenes.CROWD": virtual_scenes.Crowd(scenes=20),
    "experiments.virtual_scenes.VIRTUAL": virtual_scenes.VirtualCameras(cameras=3),
}

FEW_SUBJECTS = "data.train=[S1] data.evaluate=[S9] data.h36m.every=1 flows.batch_size=16 lifting.batch_size=16"

POINT = {"lifting.width": 8, "lifting.learning_rate": 0.004, "seed": 0}
"""The one point of a sweep's grid that is run."""

GIVEN_TO_DUOLIFT = {
    "results.json": ("results.json", "ultralytics", 1),
    "labels/": ("labels/film_1.txt", "yolo", 2),
    "landmarks.json": ("landmarks.json", "mediapipe", 2),
    "pose/film_json/": ("pose/film_json/film_000000.json", "openpose", 0),
    "film_Sports2D/": ("film_Sports2D/film_Sports2D_px_person00.trc", "sports2d", 0),
    "film.mp4.npz": ("film.mp4.npz", "detectron2", 0),
    "data_2d_custom_myvideos.npz": ("data_2d_custom_myvideos.npz", "videopose3d", 0),
    "photograph.jpg.predictions.json": ("photograph.jpg.predictions.json", "openpifpaf", 0),
    "alphapose-results-forvis-tracked.json": ("alphapose-results-forvis-tracked.json", "poseflow", 0),
    "01_001_alphapose_tracked_person.json": ("01_001_alphapose_tracked_person.json", "tracked_person", 0),
    "kinetics-clip.json": ("kinetics-clip.json", "kinetics", 0),
    "poses.json": ("poses.json", "named", 0),
    "pose_keypoints.json": ("pose_keypoints.json", "comfyui", 1),
    "film_result.json": ("film_result.json", "easy_vitpose", 0),
    "arrays.json": ("arrays.json", "nested", 2),
    "filmDLC_el.csv": ("filmDLC_el.csv", "deeplabcut", 0),
    "film.analysis.csv": ("film.analysis.csv", "sleap_csv", 0),
}
"""What docs/formats.md gives to duolift -> the file, its format, and the number of the seed that it is."""

RULES = (
    Rule(r"make (help|pretrain-flows)", settings=SETTINGS),
    Rule(
        r"make (train-lifter|complete|distil)", settings=SETTINGS, made=("runs/default-synthetic/whole/metrics.json",)
    ),
    Rule(r"make ablation", settings=SETTINGS, made=("runs/default-synthetic/ablation.md",)),
    Rule(r"make ablation EXPERIMENT=quick", settings=SETTINGS, made=("runs/quick-synthetic/ablation.md",)),
    Rule(r"make ablation DATA=chi3d ROOT=folder", settings=SETTINGS, made=("runs/default-folder/ablation.md",)),
    Rule(
        r"make ablation DATA=h36m ROOT=h36m",
        settings=f"{SETTINGS} {FEW_SUBJECTS}",
        made=("runs/default-h36m/ablation.md",),
    ),
    Rule(
        r"make ablation DATA=h36m EXPERIMENT=quick",
        settings=f"{SETTINGS} {FEW_SUBJECTS}",
        after=("python -m datamodules.synthetic --layout h36m --root data/h36m",),
        made=("runs/quick-h36m/ablation.md",),
    ),
    Rule(
        r"make ablation DATA=h36m ROOT=h36m ARGS=.*",
        settings=f"{SETTINGS} {FEW_SUBJECTS} run=detected",
        made=("runs/detected/ablation.md",),
    ),
    Rule(
        r"make ablation DATA=mpi_inf_3dhp ROOT=3dhp",
        settings=f"{SETTINGS} data.train=[S1] data.evaluate=[TS1,TS5] data.mpi_inf_3dhp.every=1",
        made=("runs/default-3dhp/ablation.md",),
    ),
    Rule(
        r"make compare LIFTERS=.* DATA=h36m ROOT=h36m",
        'make compare LIFTERS="runs/mine/whole.safetensors shipped" DATA=h36m ROOT=h36m',
        "data.evaluate=[S1,S9]",
        after=(PACKED,),
        made=("runs/compare/h36m-whole-shipped.png",),
    ),
    Rule(
        r"make ablation EXPERIMENT=quick DATA=chi3d ROOT=folder ARGS=.*",
        settings=SETTINGS,
        made=("runs/quick-folder/whole/scenes.png",),
    ),
    Rule(r"make train-lifter DATA=chi3d ROOT=folder", settings=SETTINGS, made=("runs/default-folder/whole/rows.png",)),
    Rule(
        r"make train-lifter EXPERIMENT=paper_stable DATA=chi3d ROOT=folder",
        settings=f"{SETTINGS} flows.parts=null lifting.likelihoods=null",
        made=("runs/paper_stable-folder/legs_torso/rows.png",),
    ),
    Rule(
        r"make train-lifter DATA=chi3d ROOT=folder RUN=(\w+)( ARGS=.*)?",
        settings=SETTINGS,
        made=(r"runs/\1/whole/metrics.json", r"runs/\1/whole/rows.png"),
    ),
    Rule(
        r"make train-lifter DATA=mocap ROOT=captures RUN=(\w+) ARGS=.*",
        settings=f"{SETTINGS} data.mocap.amc_rate=30",
        made=(r"runs/\1/whole/metrics.json", r"runs/\1/whole/rows.png"),
    ),
    Rule(r"make train-lifter DATA=keypoints ROOT=detections", settings=SETTINGS),
    Rule(
        r"make train-lifter DATA=keypoints ROOT=detections RUN=mine",
        r"make train-lifter DATA=keypoints ROOT=detections RUN=seen",
        SETTINGS,
        made=("runs/seen/whole/held_out.png",),
    ),
    Rule(
        r"make distil DATA=keypoints ROOT=detections RUN=mine",
        r"make distil DATA=keypoints ROOT=detections RUN=seen",
        SETTINGS,
        made=("runs/seen/distillation.md",),
    ),
    Rule(
        r"make complete DATA=chi3d ROOT=folder RUN=(\w+)( ARGS=.*)?",
        settings=SETTINGS,
        made=(r"runs/\1/completion.md",),
    ),
    Rule(r'make train-lifter ARGS="compute.devices=.*"', "make train-lifter ARGS=compute.devices=1", SETTINGS),
    Rule(r"srun (python -m experiments.train_lifter) .*", rf"\1 compute.devices=1 {SETTINGS}"),
    Rule(
        r"python -m datamodules.synthetic --layout panoptic --root data/panoptic",
        r"\g<0> --takes 2 --frames 6",
        made=("data/panoptic/160906_pizza1/calibration_160906_pizza1.json",),
    ),
    Rule(
        r"make ablation DATA=panoptic EXPERIMENT=quick",
        settings=SETTINGS,
        after=("python -m datamodules.synthetic --layout panoptic --root data/panoptic",),
        made=("runs/quick-panoptic/ablation.md", "runs/quick-panoptic/whole/rows.png"),
    ),
    Rule(r"make ablation DATA=somof ROOT=somof", settings=SETTINGS, made=("runs/default-somof/ablation.md",)),
    Rule(
        r"make evaluate RUN=h36m17 DATA=mupots ROOT=mupots ARGS=.*",
        after=('make train-lifter DATA=chi3d ROOT=folder RUN=h36m17 ARGS="data.skeleton=h36m17"',),
        made=("runs/h36m17/evaluate-mupots.md",),
    ),
    Rule(r"make evaluate RUN=mine ROOT=folder( ARGS=.*)?", after=(TRAINED,), made=("runs/mine/evaluate-folder.md",)),
    Rule(
        r"make distil DATA=chi3d ROOT=folder RUN=(\w+)( ARGS=.*)?",
        settings=SETTINGS,
        made=(r"runs/\1/distillation.md",),
    ),
    Rule(r"make ground .*", after=(TRAINED,), patched=FEW_SCENES, made=("runs/mine/rule.png",)),
    Rule(PACKED, after=(TRAINED,), made=("runs/mine/whole.safetensors",)),
    Rule(
        r"make weights MOCAP=folder KEYPOINTS=folder",
        "make weights MOCAP=captures KEYPOINTS=detections",
        f"{SETTINGS} data.mocap.amc_rate=30 distillation.teachers=2 distillation.extra=[2*keypoints:detections]",
        made=("duolift/weights/shipped.safetensors", "runs/shipped_weights/distillation.md"),
    ),
    Rule(
        r"make weights MOCAP=folder KEYPOINTS=folder START=runs/shipped_weights/whole.safetensors",
        f"make weights MOCAP=captures KEYPOINTS=detections START={SHIPPED}",
        f"{SETTINGS} data.mocap.amc_rate=30",
        made=("duolift/weights/shipped.safetensors", "runs/refined_weights/distillation.md"),
    ),
    Rule(
        r"make study DATA=chi3d ROOT=folder",
        settings=f"{SETTINGS} study.factors=[default] study.epochs=1 study.flow_epochs=1 study.workers=1",
        patched={"experiments.study.ProcessPoolExecutor": lambda *_: ThreadPoolExecutor(1)},
        made=("docs/study.csv", "docs/study.md", "docs/study.png"),
    ),
    Rule(
        r"make real DATA=couples ROOT=folder",
        patched={"benchmarks.real.couples.COUPLES": Couples(every=4)},
        made=("runs/real/couples.md",),
    ),
    Rule(
        r"make real DATA=tilts ROOT=folder",
        patched={"benchmarks.real.tilts.TILTS": Tilts(degrees=(5, 45), frames=3)},
        made=("runs/real/tilts.md",),
    ),
    Rule(
        r"make real ROOT=shelf LIFTER=.*",
        "make real ROOT=shelf LIFTER=runs/mine/whole.safetensors",
        settings="--variants proj_focal",
        after=(PACKED,),
        made=("runs/real/shelf.md",),
    ),
    Rule(
        r"make real ROOT=shelf( ARGS=.*)?",
        settings="--variants images_focal",
        made=("runs/real/shelf.md", "runs/real/shelf.json", "runs/real/shelf.png"),
    ),
    Rule(
        r'make bench ARGS="--device cuda"',
        'make bench ARGS="data --tiny --device cpu --output docs/bench-cuda"',
        made=("docs/bench-cuda.md", "docs/bench-cuda.json"),
    ),
    Rule(
        r"make gpu DATA=chi3d ROOT=folder",
        settings="--device cpu --size tiny --only machine",
        made=("runs/gpu/gpu.json",),
    ),
    Rule(r"make bench", settings="data --tiny", made=("docs/bench.md", "docs/bench.json")),
    Rule(r"python -m benchmarks.pixels", elsewhere=("tests/benchmarks/test_from_pixels.py", "    pixels.main(")),
    Rule(
        r"duolift detector install.*",
        elsewhere=("tests/duolift/detectors/test_install.py", '    assert main(["detector", "install"'),
    ),
    Rule(r"duolift detector list"),
    Rule(r"python -m experiments.formats folder", patched={"experiments.formats.DOCS": Path("docs")}),
    Rule(r"python -m datamodules.synthetic --root data/synthetic", r"\g<0> --takes 1 --frames 4"),
    Rule(
        r"python -m datamodules.synthetic --layout h36m --root data/h36m",
        r"\g<0> --takes 1 --frames 2",
        made=("data/h36m/data_3d_h36m.npz",),
    ),
    Rule(r"duolift demo", r"\g<0> --no-browser", made=("duolift-demo/scene.html", "duolift-demo/scene.json")),
    Rule(r"duolift convert duolift-demo/scene.json -o scene.mp4", after=("duolift demo",), made=("scene.mp4",)),
    Rule(r"duolift lift", "duolift lift keypoints.json -o scene.json", made=("scene.json",)),
    Rule(
        r"duolift lift (--checkpoint)",
        r"duolift lift keypoints.json -o own.json \1 runs/mine/whole.safetensors",
        after=(PACKED,),
        made=("own.json",),
    ),
    Rule(
        r"duolift lift a.json b.json -o out/",
        "duolift lift keypoints.json keypoints.json -o out/",
        made=("out/1.html", "out/1-2.csv"),
    ),
    Rule(r"duolift lift keypoints.json -o - -q"),
    Rule(r"duolift completion bash"),
    Rule(r"duolift lift keypoints.json -o scene.html", made=("scene.html",)),
    Rule(r"duolift lift photo.jpg -o scene.html", patched=BY_SCRIPT, made=("scene.html",)),
    Rule(
        r"duolift lift \*.jpg -o out/",
        "duolift lift photo.jpg beach.jpg -o out/",
        patched=BY_SCRIPT,
        made=("out/photo.html", "out/beach.glb"),
    ),
    Rule(r"duolift lift pictures/ -o out/", "duolift lift taken/ -o out/", patched=BY_SCRIPT, made=("out/film.html",)),
    Rule(r"duolift lift film.mp4 --every 2 -o film.html", patched=BY_SCRIPT, made=("film.html",)),
    Rule(r"duolift lift film.mp4 -o film.glb -o film.html", patched=BY_SCRIPT, made=("film.glb", "film.html")),
    Rule(
        r"duolift lift film.mp4 -o film.html --keypoints keypoints.json",
        r"duolift lift film.mp4 -o film.html --keypoints found.json",
        patched=BY_SCRIPT,
        made=("found.json",),
    ),
    Rule(
        r"duolift lift webcam:0 -o scene.html",
        elsewhere=("tests/duolift/test_looking.py", '    assert lift("webcam:0", "-o"'),
    ),
    Rule(r"duolift lift keypoints/ -o film.(html|json) --image 1920x1080 --rate 30", made=(r"film.\1",)),
    Rule(
        r"duolift lift keypoints/ -o film.html --rate 30 --camera (camera.json|sparse/|calibration.json .*)",
        made=("film.html",),
    ),
    Rule(r"python -m benchmarks.moving --root folder", r"\g<0> --every 100"),
    Rule(
        r"python -m benchmarks.before_after --cases detections --root folder",
        elsewhere=("tests/benchmarks/test_before_after.py", "    before_after.main("),
    ),
    Rule(
        rf"duolift lift ({'|'.join(map(re.escape, GIVEN_TO_DUOLIFT))}) -o (film|scene).html( --image \S+)?",
        r"duolift lift programs/\1 -o made.json\3",
        made=("made.json",),
    ),
    Rule(
        r"duolift convert scene.json -o film.bvh",
        after=("duolift lift",),
        made=("film-1.bvh", "film-2.bvh"),
    ),
    Rule(r"duolift lift \S+ -o \S+ --checkpoint runs/mine/whole.safetensors", after=(PACKED,)),
    Rule(
        r"duolift export lifter.onnx( --checkpoint \S+)?",
        "duolift export lifter.onnx --checkpoint runs/mine/whole.safetensors",
        after=(PACKED,),
        made=("lifter.onnx",),
    ),
    Rule(
        r"duolift export lifter.pt2 --checkpoint own.safetensors",
        "duolift export lifter.pt2 --checkpoint runs/mine/whole.safetensors",
        after=(PACKED,),
        made=("lifter.pt2",),
    ),
    Rule(r"python -m benchmarks.live --root folder --subjects \S+"),
    Rule(r"python -m benchmarks.identities --(shelf shelf|root folder --every 4)"),
    Rule(r"python -m benchmarks.leave_out --root folder --subjects \S+", r"\g<0> --only everything bones lens"),
    Rule(r"python -m benchmarks.leave_out --shelf shelf", r"\g<0> --kinds images --only places"),
    Rule(r"duolift live", elsewhere=("tests/duolift/test_cli.py", '    assert cli.main(["live", "--no-browser"')),
    Rule(
        r"duolift view film.json",
        r"\g<0> --no-browser",
        after=("duolift lift keypoints/ -o film.json --image 1920x1080 --rate 30",),
        patched={"duolift.view.server.serve": lambda scene, *_: _is_a_film(scene)},  # which would wait for a browser
    ),
    Rule(
        r"(RAY_ADDRESS=auto )?(python -m duolift.bulk) keypoints/ people/ --workers \d+",
        r"\2 parquet/ people/",
        made=("people/a.parquet",),
    ),
    Rule(r"make report RUN=mine", after=(TRAINED,), made=("runs/mine/report.html",)),
    Rule(r"make dashboard( ARGS=.*)?", elsewhere=("tests/callbacks/test_wandb.py", "    dashboard.main(")),
    Rule(
        r"make sweep DATA=chi3d ROOT=folder",
        settings=f"{SETTINGS} sweep.file={REPOSITORY}/experiments/sweep.yaml",
        patched={"experiments.sweep.grid": lambda _: [POINT]},
        made=("runs/sweep-width-and-rate.md",),
    ),
    Rule(r"make soak", settings="--minutes 0.02"),
    Rule(r"make fuzz", elsewhere=("tests/fuzzing/test_fuzzing.py", "from fuzzing")),
    Rule(r"make audit|wandb (sync|sweep) .*", external=True),
    Rule(r"make (lint|docs|test)", elsewhere=(".ci/run", r"\g<0>")),
    Rule(r"make test-all", elsewhere=("Makefile", "test-all:")),
    Rule(r"pip install (?:-e )?['\"](\.|duolift)\[(\w+)(?:,\w+)*\]['\"]", elsewhere=("pyproject.toml", r"\2 = [")),
    Rule(r"pip install pandas", external=True),
    Rule(r"blender .*", external=True),
    Rule(r"openpose.bin .*|python (demo|scripts)/\w+.py .*", external=True),
)


def is_typed(command: str) -> bool:
    """Whether a command is run here. One without a rule counts as such, so that its test fails."""
    found = [rule for rule in RULES if re.fullmatch(rule.pattern, placed(command))]
    return not (found and (found[0].elsewhere or found[0].external))


def rule_of(command: str) -> Rule:
    """The first rule for a command. Raises LookupError where there is none."""
    for rule in RULES:
        if re.fullmatch(rule.pattern, command):
            return rule
    raise LookupError(f"no rule for {command!r}: add one to RULES")


def placed(command: str) -> str:
    """A command with the documents' folders and names replaced by those that exist here."""
    for theirs, ours in PLACES.items():
        command = command.replace(theirs, ours)
    return command


class Shell:
    """Runs commands in a folder, each of them once."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.done: set[str] = set()

    def run(self, command: str) -> None:
        """Run a command as its rule says. Raises whatever goes wrong."""
        command = placed(command)
        rule = rule_of(command)
        typed = re.sub(rule.pattern, rule.typed, command)
        for before in rule.after:
            if before != command:
                self.run(before)
        if typed not in self.done:
            with self.monkeypatch.context() as patch:
                for name, value in rule.patched.items():
                    patch.setattr(name, value)
                self.type(typed, rule.settings)
            self.done.add(typed)
        made = [re.sub(rule.pattern, file, command) for file in rule.made]
        assert [file for file in made if not (self.folder / file).stat().st_size] == []

    def type(self, command: str, settings: str = "") -> None:
        """Run one line."""
        words = shlex.split(command)
        if words[0] == "make":
            given = next((word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")), "")
            rest = [word for word in words if not word.startswith("ARGS=")]
            for line in make(self.folder, *rest[1:], f"ARGS={given} {settings}".strip()):
                self.type(line)
        elif words[0] == "duolift":
            assert cli.main(words[1:]) == 0
        elif Path(words[0]).name == "python" and words[1] == "-m":
            self.python(words[2], words[3:])
        else:
            subprocess.run(["bash", "-euc", command], cwd=self.folder, check=True, capture_output=True)

    def python(self, module: str, arguments: list[str]) -> None:
        """`python -m module` in this process."""
        program = command_of(module)
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [module, *arguments])
            code = program.main(arguments) if signature(program.main).parameters else program.main()
        assert not code


def make(folder: Path, *words: str) -> list[str]:
    """The lines that `make` would run, with this interpreter, as if the environment had been made."""
    process = subprocess.run(
        ["make", "--no-print-directory", "-n", *words, f"VENV={sys.prefix}", "READY=.installed"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return re.sub(r"\\\n", "", process.stdout).splitlines()


# The folder in which they are run -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A folder with everything that the documents assume, scaled down."""
    folder, before = tmp_path_factory.mktemp("documents"), dict(os.environ)
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "hashes.txt"):
        shutil.copy(REPOSITORY / name, folder)
    (folder / ".installed").touch()
    (folder / "docs").mkdir()
    write(folder / "folder", TINY)
    write_shelf(folder / "shelf")
    write_detections(folder / "detections" / "photographs.json", detected_people(100))
    write_folder(folder / "captures")
    copied(h36m_root(), folder / "h36m")
    copied(mpi_root(), folder / "3dhp")
    mupots.write(folder / "mupots", TINY, ("TS1", "TS2"))
    somof.write(folder / "somof", TINY, ("train", "valid"))
    detections(folder)
    pictures(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PICTURED_SCENES", "PICTURED_BY_EVERY_ROW"):
            patch.setattr(f"callbacks.scene_pictures.{name}", 1)  # pictures are what takes longest
        patch.chdir(folder)
        yield Shell(folder, patch)
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


def detections(folder: Path) -> None:
    """Writes two people as detectors' files: COCO's results, OpenPose's frames, Parquet; and a picture."""
    pq = pytest.importorskip("pyarrow.parquet")
    scene = example_scene()
    frames = np.nan_to_num(scene.keypoints)  # (frame, person, joint, 2)

    def people(layout: str, frame: int) -> list[list[float]]:
        """Everybody's joints in a format's order, x, y and confidence; joints it lacks lie at the head."""
        known = [joint if joint in PAPER19.joints else PAPER19.head for joint in FORMATS[layout].joints]
        points = frames[frame][:, PAPER19.indices(known)]
        return [[number for x, y in person.tolist() for number in (x, y, 0.9)] for person in points]

    found = [{"image_id": 1, "category_id": 1, "score": 0.9, "keypoints": person} for person in people("coco17", 0)]
    (folder / "keypoints.json").write_text(json.dumps(found))
    for name in ("keypoints", "dance", "parquet", "pictures"):
        (folder / name).mkdir()
    for frame in range(len(frames)):
        written = json.dumps({"people": [{"pose_keypoints_2d": person} for person in people("body25", frame)]})
        for name in ("keypoints/film", "dance/dance"):
            (folder / f"{name}_{frame:012d}_keypoints.json").write_text(written)
    shutil.copy(folder / "keypoints.json", folder / "dance.json")
    Image.new("RGB", (1280, 720)).save(folder / "pictures" / "dance_000000000000.jpg")
    rows = [
        {"image": "a", "person": n, "width": 1280, "height": 720, "keypoints": person.ravel().tolist()}
        | {"confidence": person.any(-1).astype(float).tolist()}
        for n, person in enumerate(frames[0])
    ]
    calibrated(folder, len(frames))
    for name, file_format, number in GIVEN_TO_DUOLIFT.values():
        path = folder / "programs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(DETECTOR_FILES[file_format]()[number])
    arrow = importlib.import_module("pyarrow")
    pq.write_table(arrow.Table.from_pylist(rows), folder / "parquet" / "a.parquet")


def pictures(folder: Path) -> None:
    """Writes photographs, a film and a folder of them, in which `Scripted` finds people."""
    for name, columns in (("photo", (300, 900)), ("beach", (600,))):
        people = [(column, 100, 600) for column in columns]
        Image.fromarray(drawn((1280, 720), people)).save(folder / f"{name}.jpg", quality=95)
    frames = [drawn((640, 360), [(150 + 9 * number, 60, 300), (480, 70, 310)]) for number in range(4)]
    write_pictures(folder / "film.mp4", frames, steady(4, 30))
    (folder / "taken").mkdir()
    for name in ("photo.jpg", "film.mp4"):
        shutil.copy(folder / name, folder / "taken")


def calibrated(folder: Path, frames: int) -> None:
    """Writes the camera of the detectors' files: as matrices, as Panoptic has it, and as a model of COLMAP's."""
    camera = {
        "K": [[1000, 0, 640], [0, 1000, 360], [0, 0, 1]],
        "R": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        "t": [0, 1.6, 4],
    }
    (folder / "camera.json").write_text(json.dumps(camera))
    panoptic = {"calibDataSource": "x", "cameras": [{**camera, "name": "00_16", "t": [[0], [160], [400]]}]}
    (folder / "calibration.json").write_text(json.dumps(panoptic))
    (folder / "sparse").mkdir()
    (folder / "sparse" / "cameras.txt").write_text("1 SIMPLE_PINHOLE 1280 720 1000 640.5 360.5\n")
    lines = [f"{n} 0.7071068 0.7071068 0 0 {0.1 * n} 1.6 4 1 {n:06d}.jpg\n\n" for n in range(frames)]
    (folder / "sparse" / "images.txt").write_text("".join(lines))


# Tests --------------------------------------------------------------------------------------------------------------

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not at hand")
TYPED = {command: documents for command, documents in commands().items() if is_typed(command)}


def takes_long(command: str) -> bool:
    """Whether a command trains, measures or exports, and is not among those that everybody begins with."""
    return command.startswith(("make ", "python -m ", "duolift export ")) and "README.md" not in TYPED[command]


@needs_make
@pytest.mark.parametrize(
    "command", [pytest.param(command, marks=[pytest.mark.slow] * takes_long(command), id=command) for command in TYPED]
)
def test_a_command_runs_and_writes_what_it_should(command: str, shell: Shell) -> None:
    shell.run(command)


@pytest.mark.parametrize("command", [command for command in commands() if command not in TYPED])
def test_a_command_that_is_not_run_here_is_run_elsewhere_or_is_not_ours(command: str) -> None:
    rule = rule_of(command)
    assert (rule.elsewhere is None) == rule.external
    if rule.elsewhere:
        name, text = rule.elsewhere
        lines = (REPOSITORY / name).read_text().splitlines()
        assert any(line.startswith(re.sub(rule.pattern, text, command)) for line in lines)


def test_every_rule_is_of_some_command() -> None:
    found = {rule_of(placed(command)).pattern for command in commands()}
    assert [rule.pattern for rule in RULES if rule.pattern not in found] == []
    assert [name for name in PLACES if not any(name in command for command in commands())] == []


def test_a_command_without_a_rule_is_noticed() -> None:
    with pytest.raises(LookupError, match="no rule for 'make coffee'"):
        rule_of("make coffee")


@needs_make
@pytest.mark.parametrize("command", sorted(mentions()))
def test_a_command_that_prose_mentions_exists(command: str, shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    program, *_, word = command.split()
    if program == "make":
        assert make(shell.folder, word, "RUN=mine")
    elif program == "python":
        assert callable(command_of(word).main)
    else:
        with pytest.raises(SystemExit) as left:
            cli.main([word, "--help"])
        assert left.value.code == 0 and f"usage: duolift {word}" in capsys.readouterr().out


def some_keypoints() -> dict[str, Any]:
    pixels = np.random.default_rng(0).uniform(300, 600, (2, len(FORMATS["coco17"]), 2))
    return {"keypoints": np.concatenate([pixels, np.full_like(pixels[..., :1], 0.9)], axis=-1)}


def a_scene() -> dict[str, Any]:
    scene = example_scene()
    point = {"up": scene.up[0], "height": float(scene.height[0]), "point": scene.people[0, 0, 0]}
    point |= {"heading": float(scene.heading[0]), "place": scene.place[0]}
    return {"scene": scene, "focal": scene.focal, "image": scene.image, **point}


def a_scene_of_rays() -> dict[str, Any]:
    scene = example_scene()
    lens = Intrinsics.ideal(torch.full((2,), scene.focal), torch.tensor(scene.image) / 2)
    pixels, visible = torch.from_numpy(scene.keypoints).nan_to_num(), torch.from_numpy(scene.seen)
    return {"pixels": pixels, "visible": visible, "focal": scene.focal, "intrinsics": lens}


@dataclass(frozen=True)
class Given:
    """What a block of Python assumes, and what it has to produce.

    Attributes:
        names: gives the variables that the block uses and does not define.
        after: commands that are run before.
        shapes: shapes of variables that the block defines, or of their attributes (`scene.people`).
        patched: replacements while the block runs, by dotted name.
    """

    names: Callable[[], dict[str, Any]] = dict
    after: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    patched: Mapping[str, Any] = field(default_factory=dict)


BODIES = (len(PAPER19), 3)
GIVEN = {
    "Lifter.load().lift(keypoints": Given(some_keypoints, shapes={"scene.people": (1, 2, *BODIES)}),
    'lift_file("photo.jpg")': Given(patched=BY_SCRIPT, shapes={"scene.people": (1, 2, *BODIES)}),
    ".stream(Camera": Given(
        lambda: {"keypoints": 8 * [some_keypoints()["keypoints"]]}, shapes={"scene.people": (1, 2, *BODIES)}
    ),
    "Camera.load(": Given(shapes={"scene.camera_places": (4, 3), "camera.calibration.rotation": (1, 3, 3)}),
    "lifter.lift_file": Given(shapes={"scene.people": (1, 2, *BODIES)}),
    "CompletionModule.load_from_checkpoint": Given(
        a_scene_of_rays, (TRAINED,), {"bodies": (4, 2, *BODIES), "theta": (4, 2)}
    ),
    'InferenceSession("lifter.onnx")': Given(
        dict, ("duolift export lifter.onnx",), {"people": (1, 2, *BODIES), "up": (1, 3)}
    ),
    'read("dance.json")': Given(shapes={"detections.keypoints": (4, 2, len(CHI3D25), 2)}),
    "Scene.example()": Given(shapes={"scene.people": (4, 2, *BODIES)}),
    "class Linear(LiftingNetwork)": Given(),
    "axes @ point": Given(a_scene, shapes={"world": (3,), "pixel": (2,)}),
    'SOURCES["mine"]': Given(),  # tests/datamodules/test_own_source.py reads, trains and scores by it
}
"""Code that only one block has -> what is given to that block."""


def given_to(block: str) -> Given:
    (given,) = [GIVEN[part] for part in GIVEN if part in block]
    return given


def exports(block: str) -> bool:
    """Whether a block needs an exported lifter, which takes a minute to make."""
    return any(command.startswith("duolift export ") for command in given_to(block).after)


@needs_make
@pytest.mark.parametrize(
    ("name", "block"),
    [
        pytest.param(name, block, marks=[pytest.mark.slow] * exports(block), id=f"{name}-{block.split()[1]}")
        for name, block in python_blocks()
    ],
)
def test_a_block_of_python_runs(name: str, block: str, shell: Shell) -> None:
    given = given_to(block)
    for command in given.after:
        shell.run(command)
    names = given.names()
    with pytest.MonkeyPatch.context() as patch:
        for replaced, value in given.patched.items():
            patch.setattr(replaced, value)
        exec(compile(block, name, "exec"), names)
    for path, shape in given.shapes.items():
        found, *attributes = path.split(".")
        assert reduce(getattr, attributes, names[found]).shape == shape, path


def test_everything_given_is_for_some_block() -> None:
    assert [part for part in GIVEN if not any(part in block for _, block in python_blocks())] == []


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str) -> None:
    folder = (REPOSITORY / name).parent
    for link in LINK.findall(BLOCK.sub("", TEXTS[name])):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = folder / path if path else REPOSITORY / name
        assert target.exists(), link
        heads = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        slugs = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
        assert not anchor or anchor in slugs, link


@pytest.mark.parametrize("name", TEXTS)
def test_files_and_folders_of_the_code_that_prose_names_exist(name: str) -> None:
    named = PLACE.findall(BLOCK.sub("", TEXTS[name]))
    assert [place for place in named if place not in EXAMPLES and not (REPOSITORY / place).exists()] == []


@pytest.mark.parametrize("name", TEXTS)
def test_modules_and_functions_that_prose_names_exist(name: str) -> None:
    for dotted in DOTTED.findall(BLOCK.sub("", TEXTS[name])):
        assert resolve_name(dotted) is not None, dotted


def test_every_page_is_in_the_sites_contents() -> None:
    listed = set(re.findall(r"^\w[\w/-]*$", TEXTS["docs/index.md"], re.MULTILINE))
    pages = {name.removeprefix("docs/").removesuffix(".md") for name in TEXTS if name.startswith("docs/")}
    assert listed == pages - {"index"}


def test_every_module_and_folder_of_modules_has_one_page_of_the_api() -> None:
    """A page lists them in a comment, in whose place the site has a section a module (docs/conf.py)."""
    listed = [
        name
        for page, text in TEXTS.items()
        if page.startswith("docs/api/")
        for modules in re.findall(r"^<!-- modules: (.+) -->$", text, re.MULTILINE)
        for name in modules.split()
    ]
    package = REPOSITORY / "duolift"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    rooms = {path.parent.relative_to(package).parts[0] for path in package.glob("*/**/*.py")}
    assert sorted(listed) == sorted(modules | rooms)


def test_parts_of_the_readme_that_the_site_includes_exist() -> None:
    for name, text in TEXTS.items():
        for mark in re.findall(r'^:(?:start-after|end-before): "(.*)"', text, re.MULTILINE):
            assert f"\n{mark}\n" in TEXTS["README.md"], (name, mark)


def test_the_example_of_a_camera_is_one() -> None:
    (example,) = [b for kind, b in BLOCK.findall(TEXTS["docs/chi3d.md"]) if kind == "json" and "extrinsics" in b]
    camera = _parse_camera(Path("example.json"), example.encode())
    assert camera["centre"].tolist() == [0.0, -4.0, 1.5] and camera["focal"].tolist() == [1145.0, 1145.0]


def test_extras_that_are_to_be_installed_exist() -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    code = [file.read_text() for file in (REPOSITORY / "duolift").rglob("*.py")]
    listed = {extras for text in TEXTS.values() for extras in re.findall(r"pip install [^`\n]*\.\[([\w,]+)\]", text)}
    named = {extra for extras in listed for extra in extras.split(",")}
    named |= {extra for text in code for extra in re.findall(r"install\(['\"](\w+)['\"]\)", text)}
    assert not [text for text in (*TEXTS.values(), *code) if "install 'duolift" in text], "it is on no index"
    assert named and named <= extras.keys()
