"""The group of all commands, and the one place where an error becomes a line and an exit code.

0 done   1 proven regression, failed self-test   2 usage or config   3 could not measure   130 interrupted
"""

import sys
from importlib import import_module
from typing import Any, Final

import click

from experiments.deploy.broker import BrokerError
from experiments.deploy.placement import PlacementError
from experiments.deploy.process import ProcessError
from experiments.design.errors import ConfigError
from experiments.run import RunError
from experiments.store.run import StoreError
from system.agent.source import SourceError
from system.engine.engine import EngineError
from system.signatures.loaders import RulesError

USAGE: Final = 2
COULD_NOT_MEASURE: Final = 3
INTERRUPTED: Final = 130

#: What a person can mend: each says how in one line.
MENDABLE: Final = (
    ConfigError,
    BrokerError,
    PlacementError,
    RunError,
    StoreError,
    SourceError,
    EngineError,
    RulesError,
    OSError,
)

#: A new command is a file in this folder with a function of its own name, and a word here.
COMMANDS: Final = ("run", "plan", "report", "up", "agent", "scan", "gateway", "worker", "sweeper", "swarm", "doctor")


class Commands(click.Group):
    """Imports a command's file only when it is asked for: the agent shouldn't wait for matplotlib."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"experiments.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="caudal", prog_name="caudal")
def caudal() -> None:
    """How much a log pipeline carries, and how long its slowest records take.

    \b
    First steps:
      caudal run quickstart      the whole pipeline measured in about a minute
      caudal plan batching       what an experiment would do, without doing it
      caudal up                  the system alone, for your own agents
      caudal doctor              what on this machine would spoil a measurement
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits."""
    try:
        code: Any = caudal.main(arguments, prog_name="caudal", standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except KeyboardInterrupt:
        print("caudal: interrupted", file=sys.stderr)
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = USAGE
    except MENDABLE as error:
        print(f"caudal: {_one_line(error)}", file=sys.stderr)
        code = USAGE
    except ProcessError as error:
        print(f"caudal: {error}", file=sys.stderr)
        code = USAGE if error.code == USAGE else COULD_NOT_MEASURE
    sys.exit(code if isinstance(code, int) else 0)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error).replace("\n", " ")
