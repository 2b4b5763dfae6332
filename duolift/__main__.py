"""`python -m duolift` is the command `duolift`."""

import sys

from duolift.cli import main

sys.exit(main())
