"""Numbers as charts, functions from data to a matplotlib figure."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure


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
