"""Runs the benchmarks from a clone: ``python -m tests.benchmarks TASK --profile P``."""

import sys

from tests.benchmarks.command import main

if __name__ == "__main__":
    sys.exit(main())
