"""Properties of the report: it holds the run's own numbers and nothing from elsewhere, and opens in a browser."""

import html
import io
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import CHROMIUM, browse
from small_run import arguments

from callbacks.rows import JOINT, PRODUCT, paper_result, product_result, rows_of
from callbacks.scene_errors import SHOWN
from duolift.errors import InputError
from duolift.metrics.fast_alignment import align
from duolift.placement.paper import MAIN, PUBLISHED, PUBLISHED_METRICS
from experiments import ablation, report
from experiments.config import load, plain
from experiments.finished import Run

LARGEST = 8e6
"""Bytes of a page."""

ADVICE = ("GL Driver Message", "willReadFrequently")
"""What a browser without a GPU says of any WebGL."""

PHONE = 375
"""Its width in a browser's pixels."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the data and the finished run `small`, its report and its figures."""
    folder = tmp_path_factory.mktemp("made")
    with redirect_stdout(io.StringIO()) as printed:
        ablation.main(arguments(folder))
    (folder / "printed.txt").write_text(printed.getvalue())
    report.main([f"runs={folder}/runs", "run=small"])
    return folder


@pytest.fixture
def old(made: Path, tmp_path: Path) -> Path:
    """The same run as an earlier version left it, without Figure 1's baseline: its folder, to be changed."""
    kept = shutil.ignore_patterns("joint", "flows-pair", "figures", "report.html", "history.json", "origin.json")
    return shutil.copytree(made / "runs" / "small", tmp_path / "runs" / "small", ignore=kept)


class Page(HTMLParser):
    """What a page asks for, its text outside scripts, and its elements' identifiers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.ids: list[str] = []
        self.text, self.inside = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.asked.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.text += " " + " ".join(data.split())


def text_of(made: Path) -> str:
    return (made / "runs" / "small" / "report.html").read_text()


def metrics(made: Path, stage: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made / "runs" / "small" / stage / "metrics.json").read_text())
    return found


@pytest.mark.slow
def test_the_ablation_ends_with_the_command_of_its_report(made: Path) -> None:
    last = (made / "printed.txt").read_text().splitlines()[-1]
    assert last.endswith(f'make report RUN=small ARGS="runs={made}/runs"')


# The page -------------------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_from_elsewhere(made: Path) -> None:
    text = text_of(made)
    page = Page(text)
    assert len(text.encode()) < LARGEST
    within = {address.removeprefix("#") for address in page.asked if not address.startswith("data:image/png;base64,")}
    assert within and within <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"@import|url\((?!#)", text.partition("<script")[0])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy and "default-src &#39;none&#39;" in policy[1] and "http" not in policy[1]


def test_the_page_has_the_runs_rows_beside_the_published_ones(made: Path) -> None:
    text = html.unescape(re.sub(r"<[^>]+>", "|", text_of(made).partition("<script")[0]))
    cells = re.sub(r"[|\s]*\|[|\s]*", "|", text)
    rows = metrics(made, JOINT)["rows"] + metrics(made, "whole")["rows"]
    for row in rows:
        assert f"|{row['name']}|" in cells
        assert f"|{row['metrics']['pa_mpjpe_mm']:.1f}|" in cells
    for row in metrics(made, "whole")["rows"][: len(PUBLISHED)]:
        own = [row["metrics"][name] for name in PUBLISHED_METRICS]
        beside = "|".join(f"{a:.1f}|{b}" for a, b in zip(own, PUBLISHED[row["name"]].values(), strict=True))
        assert f"|{row['name']}|whole|{beside}|" in cells
    assert "on the embedded synthetic set: the numbers are not comparable" in text


def test_the_page_lifts_again_what_was_measured(made: Path) -> None:
    text = Page(text_of(made)).text
    rows = list(zip(rows_of("whole"), metrics(made, "whole")["rows"], strict=True))
    paper = paper_result([found for _, found in rows])["metrics"]
    product = product_result([found for _, found in rows])["metrics"]
    assert f"{product['pa_mpjpe_mm']:.1f} mm one scene, on one ground" in text
    assert f"{paper['pa_mpjpe_mm']:.1f} mm one scene, the paper's method" in text
    assert f"{paper['pa_mpjpe_person_mm']:.1f} mm each person alone" in text
    assert f"{paper['elevation_error_deg']:.1f}° elevation off by" in text
    assert f"{metrics(made, 'whole')['scenes']} scenes" in text


def test_the_products_row_stands_out_in_every_table(made: Path) -> None:
    marked = re.findall(r'<tr class="product"><td>([^ <]+)', text_of(made))
    assert marked == 3 * [PRODUCT], "Table 1, every row, and the field's protocols"


def test_the_page_says_what_was_run(made: Path) -> None:
    text = Page(text_of(made)).text
    settings = json.loads((made / "runs" / "small" / "whole" / "settings.json").read_text())
    origin = json.loads((made / "runs" / "small" / "whole" / "origin.json").read_text())
    for told in ("quick, seed 0", str(made / "data"), "s02, s03", settings["data"]["content"], origin["commit"]):
        assert told in text, told
    assert f"on {origin['machine']}" in text
    assert re.search(r"flows: 1 epoch in \d+:\d\d;.* whole: 2 epochs in \d+:\d\d", text)
    assert "lifting.width=8" in text


def test_every_number_on_top_has_a_yardstick(made: Path) -> None:
    text = Page(text_of(made)).text
    perfect = next(
        found["metrics"]["pa_mpjpe_mm"]
        for row, found in zip(rows_of("whole"), metrics(made, "whole")["rows"], strict=True)
        if found["lifter"] == "perfect lift" and row.name == PRODUCT
    )
    assert f"with perfect bodies: {perfect:.1f}" in text
    assert f"the paper on CHI3D: {PUBLISHED[MAIN]['pa_mpjpe_mm']}" in text
    assert re.search(r"the mean pose, given to everybody: \d+\.\d", text)
    assert re.search(r"the mean, given to everybody: \d+\.\d°", text)


def test_the_mean_pose_is_better_than_any_of_the_poses() -> None:
    truth = 100 * torch.randn(1, 1, 19, 3) + 30 * torch.randn(40, 2, 19, 3)
    one = truth[:1, :1].expand_as(truth)
    off = (align(one, truth) - truth).norm(dim=-1).mean()
    assert report.mean_pose_error(truth) < 0.9 * off


def test_the_command_of_the_page_makes_the_same_run(made: Path) -> None:
    run = Run.read(made / "runs" / "small")
    target, command, *given = shlex.split(report.made_by(run.config))
    assert (target, command) == ("make", "ablation")
    variables = dict(argument.split("=", 1) for argument in given)
    again = load(
        [
            *(f"{key.lower()}={variables[key]}" for key in ("RUN", "EXPERIMENT")),
            f"data.source={variables['DATA']}",
            f"data.root={variables['ROOT']}",
            *variables["ARGS"].split(),
        ]
    )
    ours, theirs = plain(run.config), plain(again)
    for places in (ours, theirs):
        del places["runs"], places["wandb"], places["data"]["cache"]
    assert theirs == ours


def test_every_figure_is_printed_twice(made: Path) -> None:
    folder = made / "runs" / "small" / "figures"
    stems = {path.stem for path in folder.iterdir()}
    wanted = {"figure-1", "figure-3", "figure-4", "elevation", "noise", "distribution", "curves-whole-errors"}
    assert stems >= wanted | {f"by-{what}" for what in ("action", "camera", "distance", "joint")}
    assert {path.name for path in folder.iterdir()} == {f"{stem}.{kind}" for stem in stems for kind in ("pdf", "png")}
    ids = Page(text_of(made)).ids
    assert stems - {"figure-4"} <= set(ids), "what is printed is on the page, where Figure 4 turns"


# Other runs -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_of_an_earlier_version_has_a_page_that_says_what_it_lacks(made: Path, old: Path) -> None:
    run = Run.read(old)
    run.config.data.train.append("s04")
    text, charts = report.page(run)
    names = {chart.name for chart in charts}
    assert {"figure-3", "curves-whole-errors", "curves-whole-held-out"} <= names and "figure-1" not in names
    shown = Page(text).text
    assert "This run has no such lifter; this makes it: " + report.made_by(run.config) in shown
    assert "Trained: whole not recorded" in shown
    assert "Of s04 the 2D poses were trained on as well" in shown
    assert "were trained on as well" not in text_of(made)


def test_what_is_missing_or_other_is_an_error_in_words(made: Path, old: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere/config\.yaml: no such file"):
        Run.read(tmp_path / "nowhere")
    with pytest.raises(InputError, match=f"{tmp_path}/none: no such folder"):
        Run.read(old, ["data.source=chi3d", f"data.root={tmp_path}/none"])
    other = shutil.copytree(made / "data", tmp_path / "other")
    path = next((other / "train" / "s04" / "joints3d_25").iterdir())
    path.write_text(path.read_text() + " ")
    with pytest.raises(InputError, match=r"other: found the content \w+; expected \w+, which .*small was made with"):
        Run.read(old, [f"data.root={other}"])
    (old / "whole" / "metrics.json").unlink()
    with pytest.raises(InputError, match="small: holds no trained lifter"):
        Run.read(old)
    assert not (old / "report.html").exists() and not (old / "figures").exists()


# In a browser ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_draws_every_scene_and_has_nothing_to_say(made: Path, tmp_path: Path) -> None:
    url = (made / "runs" / "small" / "report.html").as_uri()
    found = browse(url, tmp_path, "--window-size=1200,3000", seconds=20)
    said = [line for line in found.stderr.splitlines() if ":CONSOLE:" in line]
    assert [line for line in said if not any(advice in line for advice in ADVICE)] == []
    drawn = found.stdout.partition('id="figures"')[0]
    assert drawn.count('data-drawn="yes"') == SHOWN
    assert drawn.count("<canvas") >= SHOWN


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_phone_shows_the_page_without_scrolling_sideways(made: Path, tmp_path: Path) -> None:
    """In a frame of a phone's width, since a window has a least one."""
    probe = tmp_path / "phone.html"
    page = json.dumps(text_of(made)).replace("<", "\\u003c")
    probe.write_text(
        f"""<body><iframe id="phone" style="width: {PHONE}px; height: 800px; border: 0"></iframe><script>
        const frame = document.getElementById("phone");
        frame.onload = () => {{
          const root = frame.contentDocument.documentElement;
          document.body.dataset.widths = [root.clientWidth, root.scrollWidth].join(" ");
          document.body.dataset.scenes = frame.contentDocument.querySelectorAll(".scene").length;
        }};
        frame.srcdoc = {page};
        </script></body>"""
    )
    found = browse(probe.as_uri(), tmp_path, "--hide-scrollbars").stdout
    widths = re.search(r'data-widths="(\d+) (\d+)"', found)
    assert widths and (int(widths[1]), int(widths[2])) == (PHONE, PHONE)
    assert f'data-scenes="{SHOWN}"' in found
