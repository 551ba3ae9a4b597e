"""Where the `caudal` script begins: an interrupt while the command line is imported is no traceback either."""

from experiments import interrupts


def main() -> None:
    """Runs the command line and exits."""
    interrupts.begin()
    with interrupts.leaving():
        from experiments.cli.main import main as command
    command()
