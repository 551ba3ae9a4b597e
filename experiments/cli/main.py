"""The group of all commands, and the one place where an error becomes a line and an exit code.

0 done   1 proven regression, failed self-test   2 usage or config   3 could not measure   4 inconclusive, where that
was asked to fail   130 interrupted
"""

import sys
from importlib import import_module
from typing import Any, Final

import click

from experiments import interrupts

#: A difference was proven, or the instrument is wrong.
DIFFERS: Final = 1
USAGE: Final = 2
COULD_NOT_MEASURE: Final = 3
#: Neither was proven, and that was asked to fail.
INCONCLUSIVE: Final = 4
INTERRUPTED: Final = interrupts.INTERRUPTED


def nothing_to_interrupt() -> None:
    """Says that the run is sealed: a Ctrl-C that comes while its figures are printed takes nothing back."""
    interrupts.end()


#: What a person can mend: each says how in one line. By name, because to import them takes seconds, and an error that was
#: raised has been imported.
MENDABLE: Final = (
    ("experiments.design.errors", "ConfigError"),
    ("experiments.deploy.broker", "BrokerError"),
    ("experiments.deploy.attach", "AttachError"),
    ("experiments.deploy.placement", "PlacementError"),
    ("experiments.gate.commits", "GateError"),
    ("experiments.running.preflight", "MachineError"),
    ("experiments.running.run", "RunError"),
    ("experiments.store.run", "StoreError"),
    ("system.agent.errors", "SourceError"),
    ("system.engine.engine", "EngineError"),
    ("system.signatures.loaders", "RulesError"),
)
#: A part that didn't start or died: its own exit code says whether that can be mended.
DIED: Final = (("experiments.deploy.process", "ProcessError"),)

#: A new command is a file in this folder with a function of its own name, and a line here: `caudal --help` shows it
#: without importing any of them.
COMMANDS: Final = {
    "run": "run an experiment, and end with its verdict",
    "plan": "what an experiment would do; runs nothing",
    "report": "rebuild a run's report from its raw data",
    "compare": "two runs cell by cell, or why not",
    "reproduce": "do a run again and hold it against itself",
    "gate": "whether one commit is slower than another",
    "validation": "the gate's own error rates, live",
    "history": "each commit beside a pinned reference",
    "goals": "the speeds that are to be reached beside those that are",
    "peers": "others at the same tasks, beside us",
    "notebook": "open a notebook on a run of yours",
    "capacity": "the highest load within a config's objectives",
    "selftest": "the instrument against known answers",
    "up": "the system alone, for your own agents",
    "agent": "ship a file's lines, or standard input",
    "scan": "scan files against the signatures, offline",
    "gateway": "one gateway process",
    "worker": "one worker node",
    "sweeper": "the sweeper, which finds lost batches again",
    "swarm": "one swarm process",
    "sink": "acknowledge and do nothing else, to calibrate senders",
    "health": "whether a part of a running system does its work",
    "completion": "teach your shell to complete all this",
    "doctor": "what on this machine would spoil a measurement",
}


class Commands(click.Group):
    """Imports a command's file only when it is asked for: the agent shouldn't wait for matplotlib."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        with interrupts.leaving():
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
    except OSError as error:
        code = _told(error, USAGE)
    except Exception as error:
        if isinstance(error, imported(MENDABLE)):
            code = _told(error, USAGE)
        elif isinstance(error, imported(DIED)):
            code = _told(error, USAGE if getattr(error, "code", None) == USAGE else COULD_NOT_MEASURE)
        else:
            raise
    sys.exit(code if isinstance(code, int) else 0)


def imported(names: tuple[tuple[str, str], ...]) -> tuple[type[Exception], ...]:
    """The classes among `names`, pairs of module and class, whose modules are loaded."""
    return tuple(getattr(sys.modules[module], name) for module, name in names if module in sys.modules)


def _told(error: Exception, code: int) -> int:
    print(f"caudal: {_one_line(error)}", file=sys.stderr)
    return code


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error).replace("\n", " ")
