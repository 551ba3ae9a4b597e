"""Where the `caudal` script begins: imports the command line so that a Ctrl-C while it loads is no traceback either."""

import sys


def main() -> None:
    """Runs the command line and exits."""
    try:
        from experiments.cli.main import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()
