"""`duolift completion`."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from duolift.completion import SHELLS

    parser.add_argument("shell", choices=SHELLS, help='which shell; bash reads it by eval "$(duolift completion bash)"')


def run(chosen: argparse.Namespace) -> None:
    """Print a script that completes the command in a shell"""
    from duolift.cli import command_parser
    from duolift.completion import completion

    print(completion(command_parser(), chosen.shell))
