"""Where the `caudal` script begins: an interrupt while the command line is imported is no traceback either."""

import sys

from experiments import interrupts


def main() -> None:
    """Runs the command line and exits."""
    try:
        interrupts.begin()
        from experiments.cli.main import main as command
    except KeyboardInterrupt:
        print("caudal: interrupted", file=sys.stderr)
        sys.exit(130)
    command()
