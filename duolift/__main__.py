"""`python -m duolift` is the command `duolift`."""

import sys

from duolift.cli import main

if __name__ == "__main__":
    sys.exit(main())
