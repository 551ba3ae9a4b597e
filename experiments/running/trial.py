"""The life of one trial: fresh processes, load, faults, drain, an account of what happened, everything ended.

The only orchestrator. It starts the target, the recorder and the swarm, plays the phases by the monotonic clock, and
gives the trial's record and tables; what they mean is the analysis's business. Whatever happens, no process outlives it.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import redis

from experiments.deploy import registry as targets
from experiments.deploy.fleet import Fleet
from experiments.deploy.placement import available, place
from experiments.deploy.process import ChildProcess, ProcessError
from experiments.design.offered import DRAWING_S
from experiments.design.plan import Trial
from experiments.design.redact import redacted
from experiments.faults.injector import Injector
from experiments.metrics.schedule import redrawn
from experiments.probes.sampler import Sample, Sampler
from experiments.running.collect import collect
from experiments.running.load import load_of, sources_of, spec_of
from experiments.store.record import Clock, TrialRecord
from experiments.store.tables import Tables
from loadgen.progress import RECORDER, Counted, Progress
from system.broker import keys
from system.engine.registry import SILENT
from system.signatures.loaders import load as load_signatures
from system.wire import batch_id
from system.wire.chunk import parse_chunk

#: The load starts this long after the swarm is told, so that `go` has arrived wherever it must.
_LEAD_NS: Final = 50_000_000
#: Measured 2.4 s with the built-in pack; a large pack is compiled before the fork, and machines are busy.
_WORKERS_START_S: Final = 60.0
#: What the swarm may take from its start until it begins to connect.
_SWARM_START_S: Final = 60.0
_LOOK_S: Final = 0.02
#: What a part of the system may take to finish what it has in hand. A warm shutdown takes Celery 2.7 s.
_GRACE_S: Final = 10.0
#: How often the screen is shown a moment.
_WATCH_S: Final = 0.25
#: So long nothing may move before the rest counts as stuck, once a part of the system has died.
_STILL_S: Final = 5.0
#: Workers ship their last commit instant 50 ms after it, when no next row carries it.
_SETTLE_S: Final = 0.4

#: What the processes told one another, the broker's password among it: beside them nobody needs it, and only logs stay.
_OF_PROCESSES: Final = ("*.bin", "*.progress", "broker.conf")


class Moment(NamedTuple):
    """What can be seen of a running trial: for the screen."""

    phase: str
    elapsed_s: float
    expected_s: float
    swarm: Counted
    rows: Progress
    probes: Mapping[str, tuple[Sample | None, Sample]]


Watch = Callable[[Moment], None]


class TrialError(RuntimeError):
    """There is no measurement: a part didn't start, or one of the instrument's died without being told to."""


class TrialRun:
    """One trial while it runs."""

    def __init__(
        self, trial: Trial, run_id: str, folder: Path, watch: Watch, build: targets.Build = targets.build
    ) -> None:
        """`build` makes the target; the load, the recorder and the probes are ours whatever it is."""
        config = trial.config
        self._trial = trial
        self._folder = folder
        self._watch = watch
        self._epoch = trial.epoch(run_id)
        self._placement = place(available(), config.system.worker_cores, msgspec.to_builtins(config.placement))
        self._target = build(config, self._placement, folder)
        self._load = load_of(config.swarm, config.trial)
        self._harness: dict[str, list[ChildProcess]] = {}
        self._faults = Injector()
        self._begun = time.monotonic()
        self._next_watch = 0.0
        self._start_mono_ns = 0
        self._window = (0, 0)
        self._probes = Sampler((), config.probes.period_s)
        #: What of the system died unasked while it was measured, by process id: an outcome, with its account.
        self._deaths: dict[int, str] = {}
        self._described: dict[str, Any] = {}
        #: Who lived when the window began, by part.
        self._lived: dict[str, set[int]] = {}
        self._cpu_begin: dict[str, float] = {}
        self._cpu_end: dict[str, float] = {}

    def run(self) -> tuple[TrialRecord, Tables | None]:
        """Runs it from start to stop.

        Raises: BrokerError, PlacementError (nothing was measured and nothing will be, whatever the trial).
        """
        with self._stopping():
            try:
                self._start()
                self._play()
                self._drain()
                return self._account()
            except (TrialError, ProcessError) as error:
                return self._record(failure=str(error)), None
            except redis.RedisError as error:
                return self._record(failure=f"the broker doesn't answer: {error}"), None

    @contextlib.contextmanager
    def _stopping(self) -> Iterator[None]:
        try:
            yield
        finally:
            # What had to end in order has ended by now; what still runs belongs to a trial that failed.
            try:
                for process in self._of_harness():
                    process.stop(grace_s=0.0)
                self._target.stop(grace_s=0.0)
            finally:
                self._probes.stop()
                self._faults.end()
                for path in (path for kind in _OF_PROCESSES for path in self._folder.glob(kind)):
                    path.unlink()

    def _start(self) -> None:
        config = self._trial.config
        self._load = msgspec.structs.replace(self._load, sources=self._sources())
        drain = self._load.arrivals["kind"] == "drain"
        address = self._target.start(workers=not drain)
        self._probes = Sampler.over(
            self._pids, self._target.url, self._folder, seed=self._trial.seed, **msgspec.to_builtins(config.probes)
        )
        self._probes.start()
        dealt = (config.swarm.processes, config.swarm.agents_per_connection)
        recorder = ChildProcess(
            "recorder",
            [sys.executable, "-m", "loadgen.recorder", keys.ROWS, str(self._folder), *map(str, (self._epoch, *dealt))],
            self._folder,
            cpus=self._placement.swarm,
            environment={},
        )
        self._harness["recorder"] = [recorder]
        recorder.tell(self._target.url)
        recorder.expect("ready", 10.0)
        self._rows = Progress.read(self._folder / "recorder.progress", RECORDER)
        spec = spec_of(
            config.swarm,
            config.trial,
            host=address.host,
            port=address.port,
            folder=str(self._folder),
            rows_progress=str(self._folder / "recorder.progress"),
            epoch=self._epoch,
            seed=self._trial.seed,
            sources=self._load.sources,
        )
        self._fleet = Fleet(spec, self._placement.swarm)
        self._harness["swarm"] = self._fleet.processes
        self._await(lambda: self._fleet.said("connecting"), "start", _SWARM_START_S)
        self._sent = self._fleet.progress
        # A long load's schedule takes long to plan, but not as long as to play: 20 minutes at 500,000 records/s some 25 s.
        self._await(lambda: self._fleet.said("ready"), "connecting", DRAWING_S + spec.horizon_s)
        self._await(self._target.workers_ready, "starting workers", _WORKERS_START_S)
        self._described = self._target.describe()

    def _sources(self) -> dict[str, bytes]:
        """What the arrivals read from files: once, for the swarm and the result alike."""
        try:
            return sources_of(self._trial.config.swarm)
        except ValueError as error:
            raise TrialError(f"swarm.arrivals: {error}") from error

    def _play(self) -> None:
        phases = self._trial.config.trial
        if self._load.arrivals["kind"] == "drain":
            self._lay_backlog()
            return
        self._start_mono_ns = time.monotonic_ns() + _LEAD_NS
        begin = self._start_mono_ns + round(phases.warmup_s * 1e9)
        end = begin + round(phases.measure_s * 1e9)
        self._window = (begin, end)
        self._fleet.tell(f"go {self._start_mono_ns}")
        self._faults.begin(self._trial.config.faults, self._start_mono_ns, self._parts)
        self._until(begin, "warm-up")
        self._lived = {part: set(pids) - self._gone for part, pids in self._pids().items()}
        self._cpu_begin = self._cpu()
        self._until(end, "measuring")
        self._cpu_end = self._cpu()
        self._faults.join()
        self._await(lambda: self._fleet.loaded, "cool-down", phases.cooldown_s + 10.0)

    def _lay_backlog(self) -> None:
        config = self._trial.config
        self._start_mono_ns = time.monotonic_ns()
        self._fleet.tell(f"go {self._start_mono_ns}")
        self._await(lambda: self._fleet.said("idle"), "laying backlog", config.trial.drain_timeout_s)
        self._target.stop_gateway(_GRACE_S)
        self._target.start_workers()
        self._await(self._target.workers_ready, "starting workers", _WORKERS_START_S)
        self._lived = {part: set(pids) - self._gone for part, pids in self._pids().items()}
        self._cpu_begin = self._cpu()
        self._window = (time.monotonic_ns(), 0)

    def _until(self, instant_mono_ns: int, phase: str) -> None:
        while (left := instant_mono_ns - time.monotonic_ns()) > 0:
            self._look(phase)
            time.sleep(min(_LOOK_S, left / 1e9))

    def _await(self, reached: Callable[[], bool], phase: str, deadline_s: float) -> None:
        until = time.monotonic() + deadline_s
        while not reached():
            self._look(phase)
            if time.monotonic() > until:
                raise TrialError(
                    f"{phase} took more than {deadline_s:g} s; see {self._folder.name}/*.log in the run's logs"
                )
            time.sleep(_LOOK_S)

    def _look(self, phase: str) -> None:
        if self._faults.happening.acquire(blocking=False):  # else the next look will do: the window's ends don't wait
            try:
                self._notice_deaths(phase)
            finally:
                self._faults.happening.release()
        now = time.monotonic()
        if phase != "start" and now >= self._next_watch:
            self._next_watch = now + _WATCH_S
            self._watch(
                Moment(phase, now - self._begun, self._trial.expected_s, self._sent, self._rows, self._probes.latest)
            )

    @property
    def _killed(self) -> set[int]:
        return {pid for fault in self._faults.seen for pid in fault["done"].get("killed_pids", ())}

    @property
    def _gone(self) -> set[int]:
        """Whatever died in the trial before its end, killed on purpose or not."""
        return self._killed | set(self._deaths)

    def _notice_deaths(self, phase: str) -> None:
        """A dead part of the instrument ends the trial, and so does one of the system before the load began."""
        killed = self._killed
        for own in self._of_harness():
            if own.pid not in killed and (death := own.death()) is not None:
                raise TrialError(f"{phase}: {death}")
        for process in (process for processes in self._target.parts().values() for process in processes):
            if process.pid in killed or process.pid in self._deaths or (death := process.death()) is None:
                continue
            if not self._start_mono_ns:
                raise TrialError(f"{phase}: {death}")
            self._deaths[process.pid] = f"{phase}: {death}"

    def _drain(self) -> None:
        """Waits until everything sent was answered and analysed, until nothing moves any more, or the time is up."""
        until = time.monotonic() + self._trial.config.trial.drain_timeout_s
        drain = self._load.arrivals["kind"] == "drain"
        seen, seen_at = (-1, -1), time.monotonic()
        while time.monotonic() < until:
            self._look("draining")
            moved = (self._sent["acked_batches"], self._rows["rows"])
            if moved != seen:
                seen, seen_at = moved, time.monotonic()
            if self._deaths and time.monotonic() - seen_at > _STILL_S:
                break
            unanswered = self._sent["cut_batches"] - self._sent["acked_batches"] - self._sent["overflowed_batches"]
            if self._idle() and (drain or not unanswered):
                break
            time.sleep(_LOOK_S)
        if drain:
            self._window = (self._window[0], time.monotonic_ns())
            self._cpu_end = self._cpu()

    def _idle(self) -> bool:
        """Whether the system has nothing in hand.

        Without the journal Celery acknowledges a task before it runs, so an empty queue may hide running ones: then every
        acknowledged batch must have its row.
        """
        if not self._broker_lives():
            return False
        try:
            counted = self._target.counters()
        except ProcessError:  # it died since
            return False
        if counted["queued"] + counted["unacked"] + counted["pending"]:
            return False
        ended = self._rows["batches"] + self._rows["dead_batches"]
        return self._trial.config.system.journal or ended >= self._sent["acked_batches"]

    def _broker_lives(self) -> bool:
        return all(process.death() is None for process in self._target.parts().get("broker", ()))

    def _account(self) -> tuple[TrialRecord, Tables]:
        """Stops the swarm, lets the workers write their last stamps and the recorder drain, and reads it all."""
        self._probes.mark()  # all is over: what was counted now is of the whole trial
        counted = self._fleet.stop(30.0)
        self._probes.stop()
        counters, left = self._quiesce()
        self._harness["recorder"][0].stop(grace_s=30.0)
        try:
            tables, recorded = collect(self._folder, self._epoch)
        except ValueError as error:
            raise TrialError(str(error)) from None
        chunks = [
            chunk for one in left if (chunk := parse_chunk(batch_id.split(one)[1])) and chunk.epoch == self._epoch
        ]
        planned = self._sent["cut_records"]
        fingerprint = None
        if self._load.open_loop:
            plan = redrawn(self._load, self._trial.seed)
            planned, fingerprint = plan.records, plan.fingerprint()
        record = self._record(
            planned=planned,
            load=msgspec.structs.replace(self._load, fingerprint=fingerprint),
            recorded_rows=recorded,
            counters=counters,
            left=[(chunk.agent, chunk.first, chunk.count) for chunk in chunks],
            probes=self._probes.notes(),
            # The CPU time of a dead process can't be read any more.
            cpu_s={
                part: self._cpu_end[part] - begin
                for part, begin in self._cpu_begin.items()
                if self._gone.isdisjoint(self._lived[part])
            },
            detects=self._trial.config.system.engine not in SILENT,
            signatures=[one.id for one in load_signatures(self._trial.config.system.rules)],
            swarm=counted,
            clocks=[Clock(host="the runner's")],
            target=self._described,
            failure="; ".join(self._deaths.values()) or None,
        )
        return record, tables._replace(probes=self._probes.table())

    def _quiesce(self) -> tuple[dict[str, int], set[bytes]]:
        """Ends the workers, so that nothing changes any more, and takes the system's own account after that."""
        time.sleep(_SETTLE_S)
        self._target.stop_gateway(_GRACE_S)
        # With nothing queued or held there is nothing to wait for.
        self._target.stop_workers(0.0 if self._idle() else _GRACE_S)
        if not self._broker_lives():
            return {}, set()  # what it held is gone, and so is its account
        return self._target.counters(), self._target.left()

    def _parts(self) -> dict[str, Sequence[Any]]:
        return {**self._target.parts(), **self._harness}

    def _pids(self) -> dict[str, list[int]]:
        return {part: [process.pid for process in processes] for part, processes in self._parts().items()}

    def _cpu(self) -> dict[str, float]:
        """CPU time so far by part; every probe samples too, for the window's ends."""
        self._probes.mark()
        used = {part: sum(process.cpu_s() for process in processes) for part, processes in self._target.parts().items()}
        return used | {name: sum(process.cpu_s() for process in processes) for name, processes in self._harness.items()}

    def _of_harness(self) -> list[ChildProcess]:
        return [process for processes in self._harness.values() for process in processes]

    def _record(self, **found: Any) -> TrialRecord:
        trial = self._trial
        return TrialRecord(
            index=trial.index,
            block=trial.block,
            cell_index=trial.cell.index,
            cell=trial.cell.levels,
            replicate=trial.replicate,
            seed=trial.seed,
            epoch=self._epoch,
            config=redacted(msgspec.to_builtins(trial.config)),
            start_mono_ns=self._start_mono_ns,
            window=self._window,
            faults=self._faults.seen,
            wall_s=time.monotonic() - self._begun,
            **{"load": self._load, **found},
        )
