"""Bad input ends in one line that says what to do, with the documented exit code, and leaves nothing running."""

import json
import socket
from pathlib import Path

import pytest

from .conftest import TINY, Shell

USAGE = 2

#: What is wrong, how the config becomes so, and what the line must name.
BAD_CONFIGS = [
    ("misspelt key", ("batch_size", "batchsize"), ("batchsize", "batch_size")),
    ("negative rate", ("200.0", "-3.0"), ("rate_per_s", "-3.0")),
    ("not a number", ("200.0", "nan"), ("rate_per_s", "nan")),
    ("unknown kind", ('"poisson"', '"poison"'), ("poison", "poisson")),
    ("no agents", ("agents = 4", "agents = 0"), ("agents", "0")),
    ("not TOML", ("[swarm]", "[swarm"), ("tiny.toml", "line")),
    ("unknown engine", ("[trial]", '[system]\nengine = "hyperscn"\n[trial]'), ("hyperscn", "hyperscan")),
    ("missing rules", ("[trial]", '[system]\nrules = ["nowhere.toml"]\n[trial]'), ("nowhere.toml",)),
    ("too many cores", ("[trial]", "[system]\nworker_cores = 4096\n[trial]"), ("worker_cores", "4096")),
    ("a CPU that isn't there", ("[trial]", "[placement]\nswarm = [4095]\n[trial]"), ("placement.swarm", "4095")),
    (
        "no such server program",
        ("[trial]", '[deploy]\nredis_server = "/nowhere"\n[trial]'),
        ("redis_server", "/nowhere"),
    ),
    (
        "no Redis at the URL",
        ("[trial]", '[deploy]\nredis_url = "redis://127.0.0.1:1/0"\n[trial]'),
        ("no Redis answers at 127.0.0.1:1:",),
    ),
    (
        "missing log file",
        ("[trial]", '[swarm.records]\nsource = "files"\npaths = ["nowhere.log"]\n[trial]'),
        ("nowhere.log",),
    ),
    (
        "unknown Celery setting",
        ("[trial]", "[system.celery]\ntask_acks_lat = true\n[trial]"),
        ("task_acks_lat", "task_acks_late"),
    ),
]


def assert_one_line(code: int, out: str, err: str, named: tuple[str, ...]) -> None:
    assert code == USAGE, (out, err)
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert "Traceback" not in err
    for name in named:
        assert name in lines[0]


@pytest.mark.parametrize(("change", "named"), [bad[1:] for bad in BAD_CONFIGS], ids=[bad[0] for bad in BAD_CONFIGS])
def test_a_bad_config_is_one_line(shell: Shell, tiny: Path, change: tuple[str, str], named: tuple[str, ...]) -> None:
    assert change[0] in TINY
    tiny.write_text(TINY.replace(*change))
    done = shell.run("run", "tiny.toml")
    assert_one_line(done.returncode, done.stdout, done.stderr, named)
    assert not (shell.folder / "results").exists()


def test_a_config_that_is_not_there_is_one_line(shell: Shell) -> None:
    done = shell.run("run", "quickstrat")
    assert_one_line(done.returncode, done.stdout, done.stderr, ("quickstrat", "quickstart"))


def test_a_config_that_cannot_be_read_is_one_line(shell: Shell) -> None:
    (shell.folder / "folder.toml").mkdir()
    done = shell.run("run", "folder.toml")
    assert_one_line(done.returncode, done.stdout, done.stderr, ("folder.toml",))


def test_a_bad_override_is_one_line(shell: Shell, tiny: Path) -> None:
    done = shell.run("run", "tiny.toml", "--set", "swarm.agnets=3")
    assert_one_line(done.returncode, done.stdout, done.stderr, ("agnets", "agents"))


def test_results_that_cannot_be_written_are_one_line(shell: Shell, tiny: Path) -> None:
    (shell.folder / "results").write_text("a file, not a folder")
    done = shell.run("run", "tiny.toml", "--out", "results/deeper")
    assert_one_line(done.returncode, done.stdout, done.stderr, ("results",))


def test_no_redis_at_the_url_is_one_line(shell: Shell, tiny: Path) -> None:
    for words in (("run", "tiny.toml"), ("up", "--listen", "127.0.0.1:0")):
        done = shell.run(*words, "--redis", "redis://127.0.0.1:1/0")
        assert_one_line(done.returncode, done.stdout, done.stderr, ("no Redis answers at 127.0.0.1:1:",))


def test_a_port_in_use_is_one_line(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = shell.run("up", "--listen", address)
    assert_one_line(done.returncode, done.stdout, done.stderr, (address, "in use"))


@pytest.mark.parametrize("words", [("agent", "--file", "nowhere.log", "--to", "127.0.0.1:1"), ("scan", "nowhere.log")])
def test_a_log_file_that_is_not_there_is_one_line(shell: Shell, words: tuple[str, ...]) -> None:
    done = shell.run(*words)
    assert_one_line(done.returncode, done.stdout, done.stderr, ("nowhere.log",))


def test_a_folder_that_is_no_run_is_one_line(shell: Shell) -> None:
    done = shell.run("report", ".")
    assert_one_line(done.returncode, done.stdout, done.stderr, ("manifest.json",))


def test_an_address_without_a_port_names_what_is_expected(shell: Shell) -> None:
    done = shell.run("agent", "--to", "localhost")
    assert done.returncode == USAGE
    assert "HOST:PORT" in done.stderr
    assert "Traceback" not in done.stderr


#: Hyperscan runs the first and can't run the second; `re` runs both.
ONE_TOO_LARGE = """
[[signature]]
id = "small.one"
severity = "low"
description = "An a."
pattern = "a"
match = ["a"]
no_match = ["b"]
[[signature]]
id = "huge.one"
severity = "low"
description = "Many a."
pattern = "a{70000}"
match = []
no_match = ["a"]
"""


@pytest.mark.parametrize(
    "words",
    [
        ("run", "tiny.toml"),
        ("plan", "tiny.toml"),
        ("plan", "tiny.toml", "--no-calibrate"),
        ("up", "--rules", "pack.toml", "--listen", "127.0.0.1:0"),
        ("scan", "--rules", "pack.toml", "a.log"),
        ("worker", "--set", 'rules=["pack.toml"]'),
    ],
    ids=" ".join,
)
def test_a_signature_that_the_engine_cannot_run_is_refused_by_name(
    shell: Shell, tiny: Path, words: tuple[str, ...]
) -> None:
    tiny.write_text(TINY.replace("[trial]", '[system]\nrules = ["pack.toml"]\n[trial]'))
    (shell.folder / "pack.toml").write_text(ONE_TOO_LARGE)
    (shell.folder / "a.log").write_text("a line\n")
    done = shell.run(*words)
    assert_one_line(done.returncode, done.stdout, done.stderr, ("hyperscan", "huge.one", "too large", 'engine = "re"'))
    assert not done.stdout  # nothing ran, and no match of the signature that can run was printed


def test_what_one_engine_refuses_another_runs(shell: Shell) -> None:
    (shell.folder / "pack.toml").write_text(ONE_TOO_LARGE)
    (shell.folder / "a.log").write_text("a" * 70_000)
    done = shell.run("scan", "--rules", "pack.toml", "--engine", "re", "a.log")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["signature"] for line in done.stdout.splitlines()] == ["small.one", "huge.one"]


def test_a_scan_by_an_engine_that_looks_for_nothing_is_refused(shell: Shell) -> None:
    (shell.folder / "a.log").write_text("sqlmap/1.7\n")
    done = shell.run("scan", "--engine", "emulated", "a.log")
    assert done.returncode == USAGE
    assert not done.stdout
    assert "'hyperscan', 're', 're2', 'reference'" in done.stderr


@pytest.mark.parametrize("option", [("--timeout", "nan"), ("--pause", "inf"), ("--rotate-wait", "nan")])
def test_a_time_that_is_no_number_is_refused(shell: Shell, option: tuple[str, str]) -> None:
    done = shell.run("agent", "--to", "127.0.0.1:1", *option)
    assert done.returncode == USAGE
    assert "Traceback" not in done.stderr
    assert f"'{option[1]}' is not a finite number" in done.stderr


def test_a_device_without_an_end_is_no_config(shell: Shell) -> None:
    done = shell.run("plan", "/dev/zero")
    assert_one_line(done.returncode, done.stdout, done.stderr, ("/dev/zero", "1,000,000 bytes"))
