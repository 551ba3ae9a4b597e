"""Config files: found by path or name, read, parsed; and the ones that come with the project."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.design.config import load
from experiments.design.document import CONFIGS, locate, names
from experiments.design.errors import ConfigError
from experiments.design.plan import plan
from loadgen.model.arrivals.trace import Trace

TEXT = '[experiment]\nname = "x"\n[swarm.arrivals]\nkind = "drain"\n'


def refusal(action: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_name_means_a_config_of_the_project_and_a_path_a_file(folder: Path) -> None:
    assert locate("quickstart") == CONFIGS / "quickstart.toml"
    (folder / "mine.toml").write_text(TEXT)
    assert locate("mine.toml") == Path("mine.toml")
    assert locate(str(folder / "mine.toml")) == folder / "mine.toml"


def test_a_file_in_the_working_folder_goes_before_a_config_of_the_same_file_name(folder: Path) -> None:
    assert locate("quickstart.toml") == CONFIGS / "quickstart.toml"
    (folder / "quickstart.toml").write_text(TEXT)
    assert locate("quickstart.toml") == Path("quickstart.toml")
    assert locate("quickstart") == CONFIGS / "quickstart.toml"


@pytest.mark.parametrize("config", ["quickstart", str(CONFIGS / "quickstart.toml")])
def test_what_is_sealed_of_where_a_config_lay_is_its_files_name(config: str) -> None:
    assert load(config).source == "quickstart.toml"


def test_a_config_may_have_another_suffix(folder: Path) -> None:
    (folder / "mine.conf").write_text(TEXT)
    assert load("mine.conf").name == "x"


def test_an_unknown_name_is_told_the_nearest_and_all_there_are(folder: Path) -> None:
    message = refusal(load, "quikstart")
    assert "quickstart" in message
    for name in names():
        assert name in message


@pytest.mark.parametrize("config", ["nowhere.toml", "nowhere/quickstart", "../nowhere.toml", "zzz", "", "."])
def test_what_is_no_file_is_refused(folder: Path, config: str) -> None:
    assert refusal(load, config).startswith("CONFIG must be a TOML file")


def test_a_folder_is_no_config(folder: Path) -> None:
    (folder / "configs").mkdir()
    assert "got the folder" in refusal(load, "configs")


def test_an_unreadable_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read rights don't bind root, so the refusal itself is planted."""
    (folder / "mine.toml").write_text(TEXT)

    def refused(_: Path, mode: str) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open", refused)
    message = refusal(load, "mine.toml")
    assert "mine.toml can't be read" in message
    assert "ermission" in message


def test_a_file_that_is_not_utf8_is_refused_with_the_place(folder: Path) -> None:
    (folder / "mine.toml").write_bytes(b"# caf\xe9\n" + TEXT.encode())
    message = refusal(load, "mine.toml")
    assert "UTF-8" in message
    assert "0xe9 at 5" in message


def test_a_byte_order_mark_is_read_over(folder: Path) -> None:
    (folder / "mine.toml").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert load("mine.toml").name == "x"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[experiment]\nname = x\n", "line 2"),
        ("[experiment]\n\nname = 'x'\nname = 'y'\n", "line 4"),
        ("[experiment\n", "line 1"),
        (f"[trial]\nmeasure_s = {'9' * 5000}\n", "digits"),
        (f"[trial]\nmeasure_s = {'[' * 5000}\n", "nested too deeply"),
    ],
)
def test_broken_toml_is_refused_with_the_file_and_line(folder: Path, text: str, word: str) -> None:
    (folder / "mine.toml").write_text(text)
    message = refusal(load, "mine.toml")
    assert "mine.toml" in message
    assert word in message


def test_paths_start_from_the_files_folder_wherever_it_is_run_from(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "a.log").write_text("line\n")
    (folder / "deep" / "mine.toml").write_text(TEXT + '[swarm.records]\nsource = "files"\npaths = ["a.log"]\n')
    (config,) = load("deep/mine.toml").configs
    assert config.swarm.records.paths == (str(folder / "deep" / "a.log"),)


@pytest.mark.parametrize("name", names())
def test_every_config_of_the_project_decodes_and_plans(name: str) -> None:
    made = plan(load(name))
    assert load(name).name == name
    assert len(made.trials) >= len(made.cells)
    # A gate's sides are its levels, and growth's are the lengths that `caudal goals` plays.
    assert len(made.cells) == 1 if name.startswith(("gate-", "growth")) else len(made.cells) >= 2
    assert made.expected_s < 30 * 60


def test_the_project_has_the_configs_its_pages_name() -> None:
    assert {"quickstart", "batching", "cores", "real-logs"} <= set(names())


def test_quickstart_compares_both_profiles_and_the_engine_alone() -> None:
    order = ("system.profile", "system.engine", "swarm.batch_size", "system.worker_cores")
    experiment = load("quickstart")
    assert [tuple(cell.levels[name] for name in order) for cell in experiment.cells] == [
        ("memoria", "re", 10, "all"),
        ("tuned", "hyperscan", 10, "all"),
        ("memoria", "re", 1000, "all"),
        ("memoria", "hyperscan", 1000, "all"),
        ("tuned", "hyperscan", 1000, "all"),
        ("memoria", "re", 1000, 1),
        ("tuned", "hyperscan", 1000, 1),
    ]
    assert len(plan(experiment).trials) == 7
    assert plan(experiment).expected_s <= 90


def test_real_logs_brings_a_sample_that_set_replaces(folder: Path) -> None:
    sample = load("real-logs").configs[0].swarm.records
    assert sample.paths == (str(CONFIGS / "sample.log"),)
    assert (CONFIGS / "sample.log").stat().st_size < 50_000
    (folder / "mine.log").write_text("line\n")
    mine = load("real-logs", ['swarm.records.paths=["mine.log"]']).configs[0].swarm.records
    assert mine.paths == (str(folder / "mine.log"),)


def test_a_trace_starts_from_the_configs_folder_and_is_read_before_anything_runs(folder: Path) -> None:
    (folder / "deep").mkdir()
    text = '[experiment]\nname = "x"\n[swarm.arrivals]\nkind = "trace"\npath = "a.log"\n'
    (folder / "deep" / "mine.toml").write_text(text)
    assert refusal(load, "deep/mine.toml").startswith("swarm.arrivals.path must be a log with timestamps: ")
    (folder / "deep" / "a.log").write_text("1 a\n2 b\n")
    (config,) = load("deep/mine.toml").configs
    assert config.swarm.arrivals == Trace(path=str(folder / "deep" / "a.log"))
    (folder / "b.log").write_text("hello\n")
    message = refusal(load, "deep/mine.toml", ["swarm.arrivals.path=b.log"])
    assert "b.log has a timestamp in none of the forms" in message
    assert "command line, --set" in message
