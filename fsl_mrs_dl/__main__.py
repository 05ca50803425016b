"""Run the command line with ``python -m fsl_mrs_dl``."""

import sys

from fsl_mrs_dl.cli import main

sys.exit(main())
