"""A run's folder: written under the name `RUN.partial`, sealed by renaming it to `RUN`.

    manifest.json            what was to be run, on what, with which versions
    trials/0007.json         one trial's record, written whole when the trial is over
    batches.parquet/, results.parquet/, hits.parquet/, probes.parquet/   one part a trial
    latency/                 response times as HDR histograms, two logs a trial
    logs/0007/               what the processes said
    SHA256SUMS               of all the above but the logs, written when the run is sealed; `sha256sum -c` reads it
    summary.json report.html figures/                   rebuilt from the above by `caudal report`

Append-only: a trial whose record exists is done, whatever happens after it.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa

from experiments.store import latency, tables
from experiments.store.record import SCHEMA_VERSION, TrialRecord

PARTIAL: Final = ".partial"

#: The checksums of a sealed run, and what they are of. Runs sealed before there were any aren't judged by them.
SUMS: Final = "SHA256SUMS"
RAW: Final = ("manifest.json", "trials/*.json", "*.parquet/*", f"{latency.FOLDER}/*")


class StoreError(ValueError):
    """The folder isn't a run that this version reads. The message says what to do."""


class RunFolder:
    """One run, open or sealed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @classmethod
    def create(cls, path: Path, manifest: dict[str, Any]) -> "RunFolder":
        """A new open run that will be sealed as `path`. Raises: OSError if it can't be written."""
        folder = path.with_name(path.name + PARTIAL)
        folder.mkdir(parents=True)
        run = cls(folder)
        run.hold()
        (folder / "trials").mkdir()
        run.write_json("manifest.json", {"schema_version": SCHEMA_VERSION, **manifest})
        return run

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """A run that exists, sealed or not. Raises: StoreError."""
        if not (path / "manifest.json").is_file():
            raise StoreError(
                f"{path} is not a run: it holds no manifest.json; a run's folder is the last line `caudal run` prints"
            )
        run = cls(path)
        try:
            version = run.manifest["schema_version"]
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{path / 'manifest.json'} is damaged: {error!r}; restore the run from a copy") from None
        if version not in range(1, SCHEMA_VERSION + 1):
            raise StoreError(
                f"{path} has schema version {version}; this Caudal reads 1 to {SCHEMA_VERSION}: use a newer one"
            )
        return run

    @classmethod
    def open_sealed(cls, path: Path) -> "RunFolder":
        """A run that is finished and as it was sealed. Raises: StoreError."""
        run = cls.open(path)
        if not run.sealed:
            raise StoreError(
                f"{path} isn't finished: {len(run.records())} of {run.manifest.get('trials_planned')} trials are done; go on "
                f"with `{run.manifest.get('command')} --resume`"
            )
        run.verify()
        return run

    def verify(self) -> None:
        """Holds the raw data of a sealed run against its checksums. Raises: StoreError that names a file that differs."""
        if not (self.path / SUMS).is_file():
            return
        sealed: dict[str, str] = {}
        for line in (self.path / SUMS).read_text().splitlines():
            digest, _, name = line.partition("  ")
            sealed[name] = digest
        found = dict(self._sums())
        for name in sorted(sealed.keys() | found.keys()):
            if sealed.get(name) != found.get(name):
                how = "is missing" if name not in found else "isn't as it was sealed"
                raise StoreError(f"{self.path / name} {how} ({SUMS}); restore the run from a copy, or run it again")

    def _sums(self) -> Iterator[tuple[str, str]]:
        for pattern in RAW:
            for path in sorted(self.path.glob(pattern)):
                with path.open("rb") as file:
                    yield str(path.relative_to(self.path)), hashlib.file_digest(file, "sha256").hexdigest()

    def hold(self) -> None:
        """Keeps other processes from writing this open run, until this one ends, however it does.

        Raises: StoreError if another process holds it.
        """
        lock = os.open(self.path / "lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise StoreError(
                f"{self.path} is being run by another process; wait for its end, or begin another run"
            ) from None
        self._lock = lock

    def release(self) -> None:
        """Lets others write it again."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def sealed(self) -> bool:
        """Whether the run is complete."""
        return not self.path.name.endswith(PARTIAL)

    @property
    def run_id(self) -> str:
        """The run's name, sealed or not."""
        return self.path.name.removesuffix(PARTIAL)

    @property
    def manifest(self) -> dict[str, Any]:
        """manifest.json."""
        loaded: dict[str, Any] = json.loads((self.path / "manifest.json").read_bytes())
        return loaded

    def write_json(self, name: str, value: Any) -> None:
        """Writes a file whole or not at all."""
        target = self.path / name
        waiting = target.with_name(target.name + ".tmp")
        waiting.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
        os.replace(waiting, target)

    def add(self, record: TrialRecord, found: tables.Tables | None) -> None:
        """Adds a trial: its tables first, its record last, which is what makes it done."""
        if found is not None:
            tables.write(self.path, record.index, found)
        self.write_json(f"trials/{record.index:04d}.json", record)

    def add_latency(self, record: TrialRecord, whole: latency.Intervals, seconds: latency.Intervals) -> None:
        """Adds a trial's histograms: before its record, which makes it done."""
        folder, name = self.path / latency.FOLDER, f"trial-{record.index:04d}"
        latency.write(folder / f"{name}.hlog", whole)
        latency.write(folder / f"{name}-seconds.hlog", seconds)

    def records(self) -> list[TrialRecord]:
        """The records of the trials that are done, in the plan's order. Raises: StoreError."""
        found = []
        for path in (self.path / "trials").glob("*.json"):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=TrialRecord))
            except msgspec.DecodeError as error:
                raise StoreError(f"{path} is damaged: {error}; restore the run from a copy") from None
        return sorted(found, key=lambda record: record.index)

    def tables(self, record: TrialRecord) -> tables.Tables | None:
        """A trial's tables; None for a trial that failed before it had any. Raises: StoreError."""
        if record.failure is not None and not tables.exist(self.path, record.index):
            return None
        try:
            return tables.read(self.path, record.index, probes=record.probes is not None)
        except (OSError, KeyError, pa.ArrowException) as error:
            raise StoreError(
                f"{self.path}: the tables of trial {record.index} are missing or damaged: {error};"
                " restore the run from a copy"
            ) from None

    def seal(self) -> None:
        """Writes the checksums and renames the folder to its final name."""
        (self.path / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in self._sums()))
        (self.path / "lock").unlink(missing_ok=True)
        self.release()
        final = self.path.with_name(self.run_id)
        self.path.rename(final)
        self.path = final

    def discard(self) -> None:
        """Removes an open run in which no trial is done."""
        if not self.sealed and not self.records():
            shutil.rmtree(self.path)
        self.release()
