"""The files of a gate's run: result.json, summary.md, junit.xml, and two arrays for github-action-benchmark.

All are made from the result alone, so that they can be made again. Each is written under another name and then renamed:
whoever reads while the gate runs, or after it was killed, reads a whole file.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import msgspec

from experiments.gate.judge import MetricResult, ScenarioResult
from experiments.gate.message import amount, failures, interval, noise, per_cent, reproduce
from experiments.gate.metric import METRICS
from experiments.gate.result import GateResult

RESULT: Final = "result.json"

_FOUND: Final = {"slower": "**slower**", "not slower": "not slower", "unknown": "not known"}


def write(folder: Path, result: GateResult) -> None:
    """Writes all files."""
    _put(folder / RESULT, msgspec.json.format(msgspec.json.encode(result), indent=1))
    _put(folder / "summary.md", summary(result).encode())
    _put(folder / "junit.xml", junit(result))
    for name, more in (("bigger", True), ("smaller", False)):
        array = msgspec.json.encode(benchmarks(result, more_is_better=more))
        _put(folder / f"benchmark-{name}-is-better.json", msgspec.json.format(array, indent=1))


def read(path: Path) -> GateResult:
    """A result.json. Raises: OSError; msgspec.ValidationError."""
    return msgspec.json.decode(path.read_bytes(), type=GateResult)


def _put(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data + b"\n" if not data.endswith(b"\n") else data)
    os.replace(partial, path)


def summary(result: GateResult) -> str:
    """The page for people, as Markdown: the verdict first."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: GateResult) -> Iterator[str]:
    yield f"# {result.verdict}: {result.reason}"
    yield ""
    sides = (("base", result.base), ("head", result.head))
    yield ", ".join(f"{name} `{side.commit[:12]}` ({side.revision})" for name, side in sides)
    for name, message in failures(result):
        yield from ("", f"## {name}", "", *(f"- {line}" for line in message.splitlines()))
    if not result.scenarios:
        return
    yield from ("", "| scenario | metric | base | head | change | 95 % interval | pairs | verdict |")
    yield "|---|---|---:|---:|---:|---|---:|---|"
    for scenario in result.scenarios:
        for one in scenario.metrics:
            yield _row(scenario, one)
    yield ""
    for scenario in result.scenarios:
        for one in scenario.metrics:
            yield f"- noise of {scenario.scenario}/{one.metric}: {noise(one)}"
        if scenario.dropped:
            yield f"- dropped pairs of {scenario.scenario}: {len(scenario.dropped)}, see {RESULT}"
    yield (
        f"- error rates of this run: at most {result.false_alarm_ratio * 100:.2f} % to fail where nothing is more than 1 %"
        f" slower, at most {result.missed_ratio * 100:.1f} % to pass where something is 5 % slower"
    )
    for scenario in result.scenarios:
        for cost in scenario.processes:
            yield f"- {scenario.scenario}, {cost}"
    for told in result.accepted:
        yield f"- accepted on purpose: {told.scenario}/{told.metric} {per_cent(told.change_ratio)} (`{told.commit[:12]}`)"
    yield from ("", f"reproduce: `{reproduce(result)}`")


def _row(scenario: ScenarioResult, one: MetricResult) -> str:
    verdict = "faster, proven" if one.faster else _FOUND[one.finding]
    values = (amount(one.base, one.unit), amount(one.head, one.unit))
    cells = (scenario.scenario, one.metric, *values, per_cent(one.change_ratio), interval(one), str(one.pairs), verdict)
    return f"| {' | '.join(cells)} |"


def junit(result: GateResult) -> bytes:
    """JUnit's XML: a regression is a failure, inconclusive is skipped, what couldn't be measured is an error."""
    failed = dict(failures(result))
    cases = [f"{one.scenario}/{metric.metric}" for one in result.scenarios for metric in one.metrics]
    cases += [name for name in failed if name not in cases]
    suite = ElementTree.Element("testsuite", name="caudal gate", timestamp=result.begun_utc)
    counts = {"failure": 0, "skipped": 0, "error": 0}
    verdicts = {one.scenario: one for one in result.scenarios}
    for name in cases or ["gate"]:
        case = ElementTree.SubElement(suite, "testcase", classname="caudal.gate", name=name)
        one = verdicts.get(name.rpartition("/")[0])
        kind, message = _ended(result, one, name.rpartition("/")[2], failed.get(name))
        if kind:
            counts[kind] += 1
            ElementTree.SubElement(case, kind, message=message.splitlines()[0]).text = message
    suite.attrib |= {
        "tests": str(len(cases or ["gate"])),
        "failures": str(counts["failure"]),
        "skipped": str(counts["skipped"]),
        "errors": str(counts["error"]),
    }
    ElementTree.indent(suite)
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True))


def _ended(result: GateResult, one: ScenarioResult | None, metric: str, failed: str | None) -> tuple[str, str]:
    """The element of a test case that didn't pass, and its message; empty if it passed."""
    if failed is not None:
        return "failure", failed
    verdict, reason = (result.verdict, result.reason) if one is None else (one.verdict, one.reason)
    if verdict == "UNMEASURED":
        return "error", reason
    if verdict in ("INCONCLUSIVE", "INTERRUPTED") or verdict is None:
        return "skipped", reason or result.reason
    known = one is None or any(each.metric == metric and each.finding != "unknown" for each in one.metrics)
    return ("", "") if known else ("skipped", f"not judged: {reason}")


def benchmarks(result: GateResult, *, more_is_better: bool) -> list[dict[str, Any]]:
    """An array as github-action-benchmark takes it (customBiggerIsBetter, customSmallerIsBetter): head's medians."""
    return [
        {
            "name": f"{scenario.scenario}/{one.metric}",
            "unit": one.unit,
            "value": one.head,
            "range": "" if one.sd_pair is None else f"{one.sd_pair * 100:.1f} %",
            "extra": f"{per_cent(one.change_ratio)} against {result.base.commit[:12]}, 95 % interval {interval(one)}",
        }
        for scenario in result.scenarios
        for one in scenario.metrics
        if one.head is not None and METRICS[one.metric].more_is_better == more_is_better
    ]
