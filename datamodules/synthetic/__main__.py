"""Write the embedded data set, or it in another layout.   python -m datamodules.synthetic --root data/synthetic"""

import argparse
from dataclasses import fields
from pathlib import Path

from datamodules.synthetic.layouts import LAYOUTS
from datamodules.synthetic.writer import SyntheticConfig


def main() -> None:
    """The command line."""
    default = SyntheticConfig()
    parser = argparse.ArgumentParser(
        prog="python -m datamodules.synthetic", description=(__doc__ or "").split("   ")[0]
    )
    parser.add_argument("--root", type=Path, required=True, help="folder to write; it must not hold anything else")
    parser.add_argument("--layout", choices=LAYOUTS, default="chi3d", help="as which data set (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="of every random draw (%(default)s)")
    parser.add_argument("--takes", type=int, default=default.takes, help="takes of each kind of action (%(default)s)")
    parser.add_argument("--frames", type=int, default=default.frames, help="frames of each take (%(default)s)")
    arguments = parser.parse_args()
    try:
        config = SyntheticConfig(**{option.name: getattr(arguments, option.name) for option in fields(default)})
        print(LAYOUTS[arguments.layout](arguments.root, config))
    except ValueError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
