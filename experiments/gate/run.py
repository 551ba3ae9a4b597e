"""A whole run of the gate: what is asked, whether there is anything to measure, builds, pairs, files."""

import math
import secrets
import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from experiments.gate import commits, outputs
from experiments.gate.build import SideError, builds
from experiments.gate.commits import Accepted, GateError
from experiments.gate.looks import LOOKS, false_alarm_rate, missed_rate
from experiments.gate.play import WHOLE, Played, Shard, expected_s, play
from experiments.gate.result import GateResult, Revision, overall
from experiments.gate.runner import LiveRunner
from experiments.gate.scenario import DEFAULT, Scenario, scenario
from experiments.machine import inventory

#: Coins and loads follow from it; short enough to be typed.
_SEED_BELOW: Final = 1_000_000

Say = Callable[[str], None]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for. `out` None: a folder of its own under results/gate. `always`: also what nobody runs."""

    base: str
    head: str = "HEAD"
    scenarios: tuple[str, ...] = ()
    budget_s: float
    out: Path | None = None
    seed: int | None = None
    always: bool = False
    shard: Shard = WHOLE

    def command(self, seed: int) -> str:
        """The command line, with the seed that was drawn."""
        named = [word for one in self.scenarios for word in ("--scenario", one)]
        words = ["caudal", "gate", "--base", self.base, "--head", self.head, *named]
        words += ["--budget", f"{self.budget_s:g}s", "--seed", str(seed), *["--always"] * self.always]
        return shlex.join([*words, *(["--shard", str(self.shard)] if self.shard.of > 1 else ())])


def run(asked: Asked, say: Say) -> tuple[GateResult, Path]:
    """Runs the gate, and gives the result and the folder it was written to.

    Raises: GateError, ConfigError: nothing was measured, and the message says what to mend.
    """
    repository = commits.top(Path.cwd())
    base = Revision(revision=asked.base, commit=commits.resolve(repository, "--base", asked.base))
    head = Revision(revision=asked.head, commit=commits.resolve(repository, "--head", asked.head))
    scenarios = _scenarios(asked.scenarios)
    if asked.shard.of > 1 and asked.seed is None:
        raise GateError(
            "--shard needs --seed, the same one for all shards: the coins follow from it; take a CI run's number"
        )
    _affordable(scenarios, asked.budget_s, asked.shard)
    allowed = commits.accepted(repository, base.commit, head.commit)
    folder = new_folder(asked.out)
    seed = secrets.randbelow(_SEED_BELOW) if asked.seed is None else asked.seed
    gated = sum(len(one.gated) for one in scenarios)
    begun = GateResult(
        verdict="INTERRUPTED",
        reason="not over",
        base=base,
        head=head,
        harness=inventory.commit()[0],
        command=asked.command(seed),
        seed=seed,
        budget_s=asked.budget_s,
        begun_utc=_now(),
        finished_utc="",
        machine=inventory.describe(),
        gated_metrics=gated,
        false_alarm_ratio=false_alarm_rate(LOOKS, gated),
        missed_ratio=missed_rate(LOOKS),
        accepted=allowed,
        shard=str(asked.shard) if asked.shard.of > 1 else None,
    )
    paths = commits.changed(repository, base.commit, head.commit)
    if not asked.always and not commits.runs(paths):
        reason = f"nothing that runs differs: {_listed(paths)}" if paths else "base and head hold the same files"
        return _written(folder, begun, verdict="PASS", reason=reason)

    def result(played: Played) -> GateResult:
        verdict, reason = overall(list(played.results.values()), interrupted=played.interrupted)
        return msgspec.structs.replace(
            begun,
            verdict=verdict,
            reason=reason,
            rates_per_s=played.rates,
            scenarios=[played.results[one.name] for one in scenarios if one.name in played.results],
            pairs=[pair for one in scenarios for pair in played.pairs[one.name]],
        )

    kept = begun

    def watch(played: Played, following: Scenario | None) -> None:
        nonlocal kept
        if following is None:
            kept, _ = _written(folder, result(msgspec.structs.replace(played, interrupted=True)))
        else:
            say(f"{following.name}: pair {len(played.pairs[following.name])}")

    try:
        with builds(repository, {"base": base.commit, "head": head.commit}) as sides:
            played = play(
                scenarios,
                LiveRunner(sides, folder / "logs", seed),
                seed=seed,
                budget_s=asked.budget_s,
                accepted=by_scenario(allowed),
                shard=asked.shard,
                watch=watch,
            )
    except SideError as error:
        return _written(folder, kept, verdict="UNMEASURED", reason=str(error))
    except KeyboardInterrupt:
        return _written(folder, kept, reason=kept.reason if kept.pairs else "interrupted before the first pair")
    return _written(folder, result(played))


def _scenarios(names: Sequence[str]) -> list[Scenario]:
    found = [scenario(name) for name in names or DEFAULT]
    told = [one.name for one in found]
    if len(set(told)) < len(told):
        raise GateError(f"--scenario must name each scenario once, got {', '.join(told)}")
    return found


def _affordable(scenarios: Sequence[Scenario], budget_s: float, shard: Shard) -> None:
    """Raises: GateError if the budget doesn't reach the first look: a green that gated nothing would be a lie."""
    needed_s = expected_s(scenarios, shard.pairs(LOOKS[0].pairs))
    pairs = shard.pairs(LOOKS[0].pairs)
    if budget_s < needed_s:
        raise GateError(
            f"--budget must be at least {math.ceil(needed_s / 60)}m, which the first look at {pairs} pairs of "
            f"{len(scenarios)} scenarios takes, got {budget_s / 60:g}m; raise it, or name fewer with --scenario"
        )


def new_folder(out: Path | None) -> Path:
    """Where a result goes. Raises: GateError if there is one already."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = Path("results") / "gate" / f"{stamp}-{secrets.token_hex(2)}" if out is None else out
    if (folder / outputs.RESULT).exists():
        raise GateError(
            f"--out must be a folder without a gate's result, got {folder}; remove {outputs.RESULT} or name another"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def by_scenario(allowed: Sequence[Accepted]) -> dict[str, dict[str, float]]:
    """Scenario -> metric -> accepted change."""
    found: dict[str, dict[str, float]] = {}
    for one in allowed:
        found.setdefault(one.scenario, {})[one.metric] = one.change_ratio
    return found


def _listed(paths: Sequence[str]) -> str:
    most = 5
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")


def _written(folder: Path, result: GateResult, **changed: str) -> tuple[GateResult, Path]:
    done = msgspec.structs.replace(result, finished_utc=_now(), **changed)
    outputs.write(folder, done)
    return done, folder


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
