"""Numbers as charts, functions from data to a matplotlib figure."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

Values = NDArray[np.floating]

SERIES_COLOURS = ("#3b7dd8", "#e07a1f", "#2a9d6f", "#b04fc4", "#8a8f98", "#c9405b")
"""Of middling lightness: seen on white and on black."""

COLUMN = 4.4
"""Inches of a chart's width, which a phone shows legibly."""

SMALL = 9.0
"""Points of a chart's text."""

LONGEST = 24
"""Letters of a name beside an axis, of whose longer ones the end tells more."""

MARKED = 40
"""A curve of fewer values has a dot on each."""


def study_chart(rows: Sequence[Mapping[str, str]], metric: str = "pa_mpjpe_person_mm") -> Figure:
    """A study's runs, a line a factor and a dot a seed, best first; one column for every number of epochs."""
    budgets = sorted({int(row["epochs"]) for row in rows if row["factor"] == "default"})
    figure = Figure(figsize=(6 * max(1, len(budgets)), 1 + 0.22 * len({row["factor"] for row in rows})))
    for axis, epochs in zip(figure.subplots(1, max(1, len(budgets)), squeeze=False)[0], budgets, strict=False):
        found: dict[str, list[float]] = {}
        for row in rows:
            if int(row["epochs"]) == epochs:
                found.setdefault(row["factor"], []).append(float(row[metric]))
        order = sorted(found, key=lambda name: -float(np.mean(found[name])))
        for line, name in enumerate(order):
            axis.plot(found[name], [line] * len(found[name]), "o", color="#c1121f" if name == "default" else "#1d3557")
        axis.axvline(float(np.mean(found["default"])), color="#c1121f", linewidth=0.8)
        axis.set_yticks(range(len(order)), order)
        axis.set(title=f"{epochs} epochs", xlabel="PA-MPJPE a person, mm", xscale="log")
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.xaxis.set_minor_formatter("{x:.0f}")
        axis.grid(axis="x", linewidth=0.3)
    figure.set_layout_engine("constrained")
    return figure


def noise_chart(curves: Mapping[str, Mapping[float, float]]) -> Figure:
    """PA-MPJPE a person, mm, over the deviation of the joints' places in pixels: a curve a name."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for name, curve in curves.items():
        axis.plot(list(curve), list(curve.values()), "o-", label=name)
    axis.set(xlabel="noise on every joint, pixels", ylabel="PA-MPJPE a person, mm", ylim=(0, None))
    axis.grid(linewidth=0.3)
    if curves:
        axis.legend()
    return figure


def spread_chart(series: Mapping[str, Mapping[str, Values]], label: str) -> Figure:
    """Values by group: a dot is a group's mean, a line its middle half, a colour a series; it says how many they are.

    Args:
        series: name -> group -> values; all have the same groups, shown from the top down.
        label: of the values, with their unit.
    """
    groups = list(next(iter(series.values())))
    figure = Figure(figsize=(COLUMN, 0.9 + 0.26 * len(groups) + 0.2 * len(series)), layout="constrained")
    axis = figure.subplots()
    for number, (name, by_group) in enumerate(series.items()):
        lines = np.arange(len(groups)) + 0.5 * ((number + 0.5) / len(series) - 0.5)
        colour = SERIES_COLOURS[number]
        low, high = np.array([np.quantile(by_group[group], [0.25, 0.75]) for group in groups]).T
        axis.hlines(lines, low, high, color=colour, linewidth=2, alpha=0.5)
        axis.plot([by_group[group].mean() for group in groups], lines, "o", color=colour, markersize=4, label=name)
    counts = [len(next(iter(series.values()))[group]) for group in groups]
    alike = len(set(counts)) == 1
    names = [group if alike else f"{group}  ({count:,})" for group, count in zip(groups, counts, strict=True)]
    axis.set_yticks(range(len(groups)), names)
    axis.set(xlabel=f"{label}; {counts[0]:,} each" if alike else label, xlim=(0, None), ylim=(len(groups) - 0.5, -0.5))
    axis.grid(axis="x", linewidth=0.3)
    return _finished(figure, axis)


def curves_chart(curves: Mapping[str, Mapping[float, float]], across: str, label: str, log: bool = False) -> Figure:
    """A curve a name, of values by what goes across.

    Args:
        log: whether values beyond 1 are shown by their logarithm, negative ones too.
    """
    figure = Figure(figsize=(COLUMN, 2.9 + 0.1 * len(curves)), layout="constrained")
    axis = figure.subplots()
    for number, (name, curve) in enumerate(curves.items()):
        again, colour = divmod(number, len(SERIES_COLOURS))
        axis.plot(
            list(curve),
            list(curve.values()),
            marker="o" if len(curve) < MARKED else None,
            markersize=2.5,
            linewidth=1.4,
            color=SERIES_COLOURS[colour],
            linestyle=("-", "--", ":")[again % 3],
            label=name,
        )
    axis.set(xlabel=across, ylabel=label)
    if log:
        axis.set_yscale("symlog", linthresh=1)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(linewidth=0.3)
    return _finished(figure, axis)


def distribution_chart(series: Mapping[str, Values], label: str) -> Figure:
    """The share of values that are no larger, over the value: a curve a name, the worst at its end."""
    figure = Figure(figsize=(COLUMN, 3.1), layout="constrained")
    axis = figure.subplots()
    shares = np.linspace(0, 100, 201)
    for number, (name, values) in enumerate(series.items()):
        colour = SERIES_COLOURS[number]
        axis.plot(np.percentile(values, shares), shares, color=colour, linewidth=1.4, label=name)
        axis.plot(values.max(), 100, "o", color=colour, markersize=4)
    axis.set(xlabel=label, ylabel="scenes no worse, %", xlim=(0, None), ylim=(0, 103))
    axis.grid(linewidth=0.3)
    return _finished(figure, axis)


def elevation_chart(predicted: Values, true: Values) -> Figure:
    """Where people (person,) of a true elevation are predicted to be, degrees; on the line where it is right."""
    figure = Figure(figsize=(COLUMN, 3.5), layout="constrained")
    axis = figure.subplots()
    low, high = np.quantile(np.concatenate([predicted, true]), [0.001, 0.999])
    span = (low - 2, high + 2)
    density = axis.hexbin(true, predicted, gridsize=36, extent=(*span, *span), mincnt=1, bins="log", linewidths=0.1)
    axis.plot(span, span, color=SERIES_COLOURS[1], linewidth=1.2)
    axis.set(xlabel="true elevation, degrees", ylabel="predicted, degrees", xlim=span, ylim=span, aspect="equal")
    bar = figure.colorbar(density, ax=axis, shrink=0.8)
    bar.set_label("people", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    return _finished(figure, axis)


Intervals = Mapping[str, tuple[float, float, float]]
"""Name -> mean, low and high."""


def interval_chart(rows: Mapping[str, Sequence[Intervals]], heads: Sequence[str]) -> Figure:
    """Values with their intervals: a row a metric, a column a head, a line a name, a dot the mean.

    A name has one colour in all panels, of which some may lack it; 0 is marked where an interval reaches it.

    >>> interval_chart({"MPJPE mm": [{"a": (40.0, 35.0, 46.0)}]}, ["value"]).axes[0].get_title()
    'value'
    """
    names = list(dict.fromkeys(name for row in rows.values() for of in row for name in of))
    heights = [0.7 + 0.28 * max(len(of) for of in row) for row in rows.values()]
    figure = Figure(figsize=(COLUMN * len(heads), 0.25 + sum(heights)), layout="constrained")
    axes = figure.subplots(len(rows), len(heads), squeeze=False, height_ratios=heights)
    for line, (label, row) in zip(axes, rows.items(), strict=True):
        for axis, of in zip(line, row, strict=True):
            _draw_intervals(axis, of, [SERIES_COLOURS[names.index(name) % len(SERIES_COLOURS)] for name in of])
            axis.set_xlabel(label)
            _finished(figure, axis)
    for axis, head in zip(axes[0], heads, strict=True):
        axis.set_title(head, fontsize=SMALL)
    return figure


def _draw_intervals(axis: Axes, of: Intervals, colours: Sequence[str]) -> None:
    for line, ((mean, low, high), colour) in enumerate(zip(of.values(), colours, strict=True)):
        axis.plot([low, high], [line, line], color=colour, linewidth=2, solid_capstyle="butt")
        axis.plot(mean, line, "o", color=colour)
    if any(low <= 0 <= high for _, low, high in of.values()):
        axis.axvline(0, color=SERIES_COLOURS[4], linewidth=0.8)
    axis.set_yticks(range(len(of)), [name if len(name) <= LONGEST else f"…{name[-LONGEST:]}" for name in of])
    axis.set_ylim(len(of) - 0.5, -0.5)
    axis.grid(axis="x", linewidth=0.3)


def _finished(figure: Figure, axis: Axes) -> Figure:
    """The text of one size; a legend above where there are several names, or one."""
    names = axis.get_legend_handles_labels()[1]
    if names:
        columns = 1 if max(map(len, names)) > 30 else 2
        figure.legend(loc="outside upper center", ncols=columns, fontsize=SMALL, frameon=False)
    axis.tick_params(labelsize=SMALL)
    for text in (axis.xaxis.label, axis.yaxis.label):
        text.set_fontsize(SMALL)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
