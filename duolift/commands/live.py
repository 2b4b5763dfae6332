"""`duolift live`."""

import argparse

from duolift.commands.page import add_page, serve_page
from duolift.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_page(parser)


def run(chosen: argparse.Namespace) -> None:
    """Lift people before the webcam while they are filmed, on a local page"""
    from duolift.detectors.registry import live_detector, ready

    name = chosen.detector or live_detector()
    if lacking := ready(name).lacking():
        raise InputError(f"detector {name} {lacking}")
    serve_page(chosen, None, filming=True)
