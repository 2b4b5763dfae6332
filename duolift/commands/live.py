"""`duolift live`."""

import argparse

from duolift.commands.page import add_page, serve_page
from duolift.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_page(parser)


def run(chosen: argparse.Namespace) -> None:
    """Lift people before the webcam while they are filmed, on a local page"""
    from duolift.detectors.registry import DEFAULT_DETECTOR, kind_named

    if lacking := kind_named(chosen.detector or DEFAULT_DETECTOR).lacking():
        raise InputError(f"detector {chosen.detector or DEFAULT_DETECTOR}: {lacking}")
    serve_page(chosen, None, filming=True)
