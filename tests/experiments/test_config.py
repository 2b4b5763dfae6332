"""Properties of the settings: what wins over what, and that nothing wrong gets through or takes more than a line."""

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from datamodules.sources.h36m.reader import TRAIN
from datamodules.synthetic.benchmarks.h36m import ACTIONS
from datamodules.synthetic.writer import SyntheticConfig
from duolift.errors import InputError
from experiments.config import CONF, load, load_run, plain
from experiments.runs import wandb_mode
from experiments.settings import Config, Data, Flows, Lifting, flow_parts

EXPERIMENTS = sorted(path.stem for path in CONF.glob("*.yaml"))


def refusal(arguments: list[str]) -> str:
    """The message that these arguments are refused with; one line."""
    with pytest.raises(InputError) as caught:
        load(arguments)
    message = str(caught.value)
    assert message and "\n" not in message
    return message


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_loads_under_its_name_and_says_how_to_run_it(name: str) -> None:
    assert load([f"experiment={name}"]).experiment == name
    assert (CONF / f"{name}.yaml").read_text().splitlines()[1].startswith("#   make ")


def test_without_arguments_the_settings_are_the_schemas() -> None:
    assert load([]) == load(["experiment=default"]) == Config()


def test_arguments_win_over_the_experiment_and_the_experiment_over_the_schema() -> None:
    quick = load(["experiment=quick", "flows.width=32", "lifting.weights.bone=7"])
    assert quick.flows.epochs == 4 != Config().flows.epochs
    assert (quick.flows.width, quick.lifting.weights.bone) == (32, 7)
    assert quick.lifting.learning_rate == Config().lifting.learning_rate


def test_the_quick_experiment_fits_the_synthetic_benchmarks_of_single_people() -> None:
    """Human3.6M's actions are seen by 4 cameras, and MPI-INF-3DHP's 2 videos of 4 acts; one frame of 64 is taken."""
    quick, made = load(["experiment=quick"]), SyntheticConfig()
    h36m = len(TRAIN) * len(ACTIONS) * made.takes * 4 * -(-made.frames // quick.data.h36m.every)
    mpi = 8 * 2 * 4 * -(-4 * made.takes * made.frames // quick.data.mpi_inf_3dhp.every)
    assert max(quick.flows.batch_size, quick.lifting.batch_size) <= min(h36m, mpi) == 576


def test_the_last_of_two_arguments_wins() -> None:
    assert load(["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("flows.epochs=3", "flows.epochs", 3),
        ("flows.learning_rate=2e-4", "flows.learning_rate", 2e-4),
        ("lifting.mirror=false", "lifting.mirror", False),
        ("lifting.elevation_bound_deg=null", "lifting.elevation_bound_deg", None),
        ("data.c=calibrated", "data.c", "calibrated"),
        ("data.train=[s02]", "data.train", ["s02"]),
        ("data.normalisation=shift", "data.normalisation", "shift"),
        ("lifter=links", "lifter", "links"),
        ("lifting.noise=0.05", "lifting.noise", 0.05),
        ("lifting.noise=0", "lifting.noise", 0.0),
        ("lifting.likelihoods=[whole,legs]", "lifting.likelihoods", ["whole", "legs"]),
        ("lifting.likelihoods=null", "lifting.likelihoods", None),
        ("lifting.flip_test=false", "lifting.flip_test", False),
        ("lifting.elevations_deg=[-8.0,6.0]", "lifting.elevations_deg", [-8.0, 6.0]),
        ("lifting.schedule=exponential", "lifting.schedule", "exponential"),
        ("flows.schedule=one_cycle", "flows.schedule", "one_cycle"),
        ("lifting.labels=true", "lifting.labels", True),
        ("data.focal=people", "data.focal", "people"),
        ("data.focal=1145.5", "data.focal", "1145.5"),
        ("data.root=/a b/c=d", "data.root", "/a b/c=d"),
        ("compute.devices=2", "compute.devices", "2"),
        ("compute.compile=off", "compute.compile", "off"),
        ("compute.compile=reduce-overhead", "compute.compile", "reduce-overhead"),
    ],
)
def test_values_arrive_with_their_type(argument: str, key: str, value: object) -> None:
    settings = OmegaConf.create(plain(load([argument])))
    found = OmegaConf.select(settings, key)
    assert found == value and type(found) in (type(value), type(settings.data.train))


@pytest.mark.parametrize(
    ("argument", "nearest"),
    [
        ("lifer=whole", "lifter"),
        ("data.rot=x", "root"),
        ("lifting.weights.bon=25", "bone"),
        ("data.synthetic.take=2", "takes"),
        ("data.normalization=ray", "normalisation"),
        ("lifting.likelihood=[whole]", "likelihoods"),
        ("wandb.projct=x", "project"),
    ],
)
def test_an_unknown_key_at_any_depth_names_the_nearest(argument: str, nearest: str) -> None:
    message = refusal([argument])
    assert f"setting {argument.partition('=')[0]} is unknown (did you mean {nearest}?)" in message


def test_an_experiment_lays_its_deltas_over_the_one_that_it_extends() -> None:
    paper, stable = (OmegaConf.create(plain(load([f"experiment={name}"]))) for name in ("paper", "paper_stable"))
    assert stable.lifting.width == paper.lifting.width == 1024 and stable.lifting.learning_rate == 2e-4
    assert (paper.lifting.gradient_clip, stable.lifting.gradient_clip) == (None, 5.0)
    stable.experiment, stable.flows.noise = "paper", 0.0
    stable.lifting |= {
        "elevation_bound_deg": None,
        "initial_elevation_deg": 0.0,
        "attached": True,
        "gradient_clip": None,
    }
    assert stable == paper
    assert load(["experiment=paper_stable", "lifting.gradient_clip=1"]).lifting.gradient_clip == 1.0


@pytest.mark.parametrize("layer", ["data:\n  rot: x\n", "flows: {widht: 3}\n"])
def test_an_unknown_key_in_a_runs_settings_is_refused(tmp_path: Path, layer: str) -> None:
    (tmp_path / "config.yaml").write_text(layer)
    with pytest.raises(InputError, match=r"is unknown \(did you mean (root|width)\?\)"):
        load_run(tmp_path / "config.yaml", [])


@pytest.mark.parametrize(
    ("argument", "key"),
    [
        # of the wrong type
        ("flows.epochs=many", "flows.epochs"),
        ("flows.epochs=1.5", "flows.epochs"),
        ("flows.mirror=perhaps", "flows.mirror"),
        ("flows.parts=whole", "flows.parts"),
        ("lifting.likelihoods=whole", "lifting.likelihoods"),
        ("lifting.flip_test=perhaps", "lifting.flip_test"),
        ("lifting.noise=some", "lifting.noise"),
        ("lifter=", "lifter"),
        ("data=3", "data"),
        ("data=[1]", "data"),
        ("lifting=null", "lifting"),
        ("lifter=${nothing}", "lifter"),
        ("data.train=${seed}", "values"),
        ("data.train=[? .5,s02]", "data.train"),
        ("flows.parts=[[whole]]", "flows.parts"),
        # out of range
        ("flows.epochs=0", "flows.epochs"),
        ("flows.width=-1", "flows.width"),
        ("lifting.learning_rate=nan", "lifting.learning_rate"),
        ("lifting.learning_rate=inf", "lifting.learning_rate"),
        ("lifting.weights.bone=-1", "lifting.weights.bone"),
        ("data.synthetic.takes=0", "data.synthetic.takes"),
        ("completion.dropped=1", "completion.dropped"),
        ("completion.alone=-0.1", "completion.alone"),
        ("lifting.weight_decay=-1", "lifting.weight_decay"),
        ("lifting.elevation_bound_deg=0", "lifting.elevation_bound_deg"),
        ("lifting.initial_elevation_deg=-58", "lifting.initial_elevation_deg"),
        ("lifting.gradient_clip=-1", "lifting.gradient_clip"),
        ("compute.threads=-1", "compute.threads"),
        ("flows.noise=-0.1", "flows.noise"),
        ("lifting.noise=-0.1", "lifting.noise"),
        ("lifting.noise=inf", "lifting.noise"),
        ("study.workers=0", "study.workers"),
        ("seed=-1", "seed"),
        ("seed=4294967296", "seed"),
        (f"lifting.weights.bone={'9' * 400}", "lifting.weights.bone"),
        (f"data.c=-{'9' * 400}", "data.c"),
        ("evaluation.every=0", "evaluation.every"),
        ("data.held_out=0", "data.held_out"),
        ("data.c=0.5", "data.c"),
        ("data.c=-10", "data.c"),
        ("data.c=calibrate", "data.c"),
        ("data.focal=0", "data.focal"),
        ("data.focal=-1145", "data.focal"),
        ("data.focal=1145px", "data.focal"),
        ("data.focal=peple", "data.focal"),
        ("data.image=[900]", "data.image"),
        ("data.image=[900,0]", "data.image"),
        ("data.train=[]", "data.train"),
        ("data.evaluate=[s04,s04]", "data.evaluate"),
        ("flows.parts=[]", "flows.parts"),
        ("flows.parts=[whole,arms]", "flows.parts"),
        ("lifting.likelihoods=[arms]", "lifting.likelihoods"),
        # none of the known
        ("data.normalisation=rays", "data.normalisation"),
        ("lifting.schedule=cosine", "lifting.schedule"),
        ("flows.schedule=none", "flows.schedule"),
        ("lifter=both", "lifter"),
        ("data.source=human", "data.source"),
        ("data.skeleton=paper20", "data.skeleton"),
        ("data.skeleton=paper19_pair", "data.skeleton"),
        ("data.scale=mine", "data.scale"),
        ("lifting.augmentation.lean=-1", "lifting.augmentation.lean"),
        ("lifting.augmentation.leaning=1.5", "lifting.augmentation.leaning"),
        ("lifting.bone_ratios=guess", "lifting.bone_ratios"),
        ("lifting.precision=float8", "lifting.precision"),
        ("wandb.mode=on", "wandb.mode"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting(argument: str, key: str) -> None:
    assert refusal([argument]).startswith(f"setting {key}")


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["lifting.likelihoods=[legs]"], "legs"),
        (["lifting.likelihoods=[whole,left,right]"], "left, right"),
        (["lifter=links", "lifting.likelihoods=[torso]"], "torso"),
        (["lifter=left_right", "lifting.likelihoods=null"], "left, right"),
        (["lifter=links", "lifting.likelihoods=null"], "left, right, legs, torso"),
        (["lifter=all", "lifting.likelihoods=null"], "left, right, legs, torso"),
    ],
)
def test_a_flow_that_is_asked_for_and_not_trained_is_named(arguments: list[str], missing: str) -> None:
    message = refusal(["flows.parts=[whole]", *arguments])
    assert message == f"setting flows.parts is ['whole']; expected {missing} in it as well"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["lifting.likelihoods=null"], ["whole"]),
        (["lifting.likelihoods=null", "lifter=links"], ["left", "right", "legs", "torso"]),
        (["lifting.likelihoods=null", "lifter=all"], ["whole", "left", "right", "legs", "torso"]),
        (["lifting.likelihoods=null", "lifter=legs_torso", "lifting.sampling=0.2"], ["whole", "legs", "torso"]),
        (["lifting.likelihoods=[whole]", "lifter=links"], ["whole"]),
        (["lifting.likelihoods=[torso,legs]", "lifter=all"], ["torso", "legs"]),
        (["lifting.likelihoods=[legs]", "flows.sampling=0.2"], ["whole", "legs"]),
        (["lifting.likelihoods=[whole]", "flows.parts=[legs,whole]"], ["legs", "whole"]),
    ],
)
def test_flows_are_those_told_to_or_those_that_score_the_lifters_views(arguments: list[str], parts: list[str]) -> None:
    assert flow_parts(load(arguments)) == parts


@pytest.mark.parametrize("name", ["a/b", "..", ".", "/tmp/x", "'a b'", "a\\b", "''", "'a\nb'"])
def test_a_run_is_a_folders_name(name: str) -> None:
    assert "setting run" in refusal([f"run={name}"])


@pytest.mark.parametrize(
    ("argument", "fragment"),
    [
        ("", "expected key=value"),
        ("lifter", "expected key=value"),
        ("--help", "expected key=value"),
        ("=3", "expected key=value"),
        ("run=[", "argument 'run=[': "),
        ("run={a", "argument 'run={a': "),
        ("flows.parts=[whole", "argument 'flows.parts=[whole': "),
        ("experiment=", "experiment 'None' is unknown"),
        ("experiment=papr", "did you mean paper?"),
        (
            "experiment=../conf/paper",
            "expected one of default, mocap_weights, paper, paper_stable, quick, refined_weights, shipped_weights",
        ),
    ],
)
def test_a_malformed_argument_is_refused_in_one_line(argument: str, fragment: str, tmp_path: Path) -> None:
    assert fragment in refusal([argument])
    if "experiment" not in argument:  # a finished run's settings take the same arguments
        (tmp_path / "config.yaml").write_text("seed: 1\n")
        with pytest.raises(InputError, match=re.escape(fragment)):
            load_run(tmp_path / "config.yaml", [argument])


@pytest.mark.parametrize(
    ("first", "second"),
    [("data=[]", "data.c=inf"), ("lifting=[]", "lifting.weights.bone=1"), ("seed=1", f"seed={'9' * 5000}")],
)
def test_an_argument_that_does_not_fit_those_before_it_is_named(first: str, second: str) -> None:
    assert refusal([first, second]).startswith(f"argument '{second[:200]}': ")


@pytest.mark.parametrize("content", [b"- 1\n", b"\xff\xfe\x00", b"a: [", b"seed: " + b"9" * 5000, None])
def test_a_runs_settings_that_cannot_be_read_are_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_run(path, [])
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_plain_settings_round_trip(name: str, tmp_path: Path) -> None:
    config = load([f"experiment={name}", "seed=5", "data.cameras=[a]"])
    assert plain(config) == asdict(config)
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(plain(config))))
    assert load_run(tmp_path / "config.yaml", []) == config
    assert load_run(tmp_path / "config.yaml", ["seed=6"]).seed == 6


def test_settings_of_runs_that_named_the_size_of_images_still_load(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data:\n  image: [900, 900]\n")
    assert load_run(tmp_path / "config.yaml", []).data.image == [900, 900]
    assert load_run(tmp_path / "config.yaml", ["data.image=null"]).data.image is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Data(source="human"), r"source is 'human' .*; expected one of synthetic, chi3d"),
        (lambda: Data(c="10"), "c is '10'; expected calibrated with data.normalisation=ray"),
        (lambda: Lifting(elevations_deg=[-8.0]), r"elevations_deg is \[-8.0\]; expected a mean and a deviation"),
        (lambda: Lifting(elevations_deg=[-8.0, -1.0]), r"elevations_deg is .*; expected a mean and a deviation"),
        (lambda: Lifting(elevation_bound_deg=5.0), "initial_elevation_deg is -10.0; expected less than .*, 5.0"),
        (lambda: Flows(parts=["legs", "legs"]), "each once, or null"),
        (lambda: Config(seed=2**32), "seed is 4294967296"),
    ],
)
def test_settings_check_themselves_wherever_they_are_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_paper_experiment_holds_the_papers_numbers() -> None:
    paper = load(["experiment=paper"])
    assert (paper.flows.epochs, paper.lifting.epochs) == (100, 40)
    for stage in (paper.flows, paper.lifting):
        assert (stage.learning_rate, stage.decay, stage.batch_size) == (2e-4, 0.95, 256)
        assert (stage.schedule, stage.mirror, stage.sampling) == ("exponential", False, 0.2)
    assert (paper.data.c, paper.data.skeleton, paper.data.normalisation) == ("10", "paper19", "shift")
    assert (paper.lifting.noise, paper.lifting.likelihoods, paper.lifting.flip_test) == (0, None, False)


# Weights & Biases: online only with a key and a network ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "network", "mode"),
    [(True, True, "online"), (True, False, "offline"), (False, True, "offline"), (False, False, "offline")],
)
def test_wandb_is_online_with_a_key_and_a_network(
    monkeypatch: pytest.MonkeyPatch, key: bool, network: bool, mode: str
) -> None:
    asked = []

    def answers(host: str, port: int) -> bool:
        asked.append((host, port))
        return network

    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_BASE_URL", "http://wandb.example:8080")
    monkeypatch.setattr("experiments.runs._has_key", lambda host: key)
    monkeypatch.setattr("experiments.runs._answers", answers)
    assert wandb_mode("auto") == mode
    assert asked == ([("wandb.example", 8080)] if key else [])  # without a key nobody is called


@pytest.mark.parametrize("wanted", ["online", "offline", "disabled"])
def test_a_wandb_mode_that_was_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    assert wandb_mode(wanted) == wanted
    monkeypatch.setenv("WANDB_MODE", wanted)
    assert wandb_mode("auto") == wanted


def test_a_wandb_key_is_found_in_the_environment_or_in_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example")
    monkeypatch.setattr("experiments.runs._answers", lambda host, port: True)
    assert wandb_mode("auto") == "offline"
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine wandb.example login user password not-a-key\n")
    netrc.chmod(0o600)
    assert wandb_mode("auto") == "online"
    netrc.write_text("nonsense")
    assert wandb_mode("auto") == "offline"
    monkeypatch.setenv("WANDB_API_KEY", "not-a-key")
    assert wandb_mode("auto") == "online"


def test_a_network_that_refuses_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_API_KEY", "not-a-key")
    monkeypatch.setattr("socket.create_connection", refuse)
    assert wandb_mode("auto") == "offline"
