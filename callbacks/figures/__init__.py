"""Pictures, as functions from data to a figure: matplotlib for print, plotly for what turns.

`people` draws people and scenes, `charts` numbers, `turning` scenes to turn, `formats` the page of formats; `files`
writes them.
"""

from callbacks.figures.charts import (
    curves_chart,
    distribution_chart,
    elevation_chart,
    interval_chart,
    noise_chart,
    spread_chart,
    study_chart,
)
from callbacks.figures.files import print_figure, save_figure, svg
from callbacks.figures.formats import JOINT_KINDS, STANDING, formats_sheet
from callbacks.figures.people import bone_colour, draw_people, pose_grid, rows_sheet, scene_sheet, side_sheet
from callbacks.figures.turning import turning_scenes

__all__ = [
    "JOINT_KINDS",
    "STANDING",
    "bone_colour",
    "curves_chart",
    "distribution_chart",
    "draw_people",
    "elevation_chart",
    "formats_sheet",
    "interval_chart",
    "noise_chart",
    "pose_grid",
    "print_figure",
    "rows_sheet",
    "save_figure",
    "scene_sheet",
    "side_sheet",
    "spread_chart",
    "study_chart",
    "svg",
    "turning_scenes",
]
