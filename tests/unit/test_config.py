"""The experiment of a config: precedence, overrides, paths, and the combinations that can't be run."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from experiments.design.config import decode
from experiments.design.errors import ConfigError
from experiments.design.experiment import Experiment
from experiments.design.header import Replication
from experiments.design.trial_config import TrialConfig
from experiments.faults.kill_worker_child import KillWorkerChild
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.saturate import Saturate
from system.settings import PROFILES, SystemSettings

HEAD = '[experiment]\nname = "x"\n'
BASE = HEAD + '[swarm.arrivals]\nkind = "poisson"\nrate_per_s = 10.0\n'


def experiment(text: str, *overrides: str, folder: Path = Path(".")) -> Experiment:
    return decode(text, source="x.toml", folder=folder, overrides=overrides)


def only(text: str, *overrides: str, folder: Path = Path(".")) -> TrialConfig:
    (config,) = experiment(text, *overrides, folder=folder).configs
    return config


def refusal(text: str, *overrides: str, folder: Path = Path(".")) -> str:
    with pytest.raises(ConfigError) as caught:
        experiment(text, *overrides, folder=folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def levels(of: Experiment) -> list[tuple[object, ...]]:
    return [tuple(cell.levels.values()) for cell in of.cells]


# Defaults and precedence


def test_what_is_left_out_has_the_structs_defaults_and_the_default_profile() -> None:
    config = only(BASE)
    assert config.swarm.agents == 20
    assert config.swarm.arrivals == Poisson(rate_per_s=10.0)
    assert config.system.profile == "tuned"
    assert config.system.coalesce == PROFILES["tuned"]["coalesce"] != SystemSettings().coalesce


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_alone_sets_its_keys_and_leaves_the_others(profile: str) -> None:
    config = only(BASE + f'[system]\nprofile = "{profile}"\n').system
    for name in SystemSettings.__struct_fields__:
        expected = profile if name == "profile" else PROFILES[profile].get(name, getattr(SystemSettings(), name))
        assert getattr(config, name) == expected


def test_the_configs_keys_go_over_the_profile() -> None:
    config = only(BASE + '[system]\nprofile = "memoria"\nengine = "hyperscan"\n').system
    assert (config.engine, config.publisher) == ("hyperscan", PROFILES["memoria"]["publisher"])


def test_factors_go_over_the_configs_keys_and_the_profile() -> None:
    text = BASE + '[system]\nengine = "hyperscan"\ncoalesce = 4\n[factors]\n"system.engine" = ["re", "reference"]\n'
    assert [(each.system.engine, each.system.coalesce) for each in experiment(text).configs] == [
        ("re", 4),
        ("reference", 4),
    ]


def test_a_profile_that_is_a_factor_still_lies_below_the_configs_keys() -> None:
    text = BASE + '[system]\nengine = "reference"\n[factors]\n"system.profile" = ["memoria", "tuned"]\n'
    configs = experiment(text).configs
    assert [each.system.engine for each in configs] == ["reference", "reference"]
    assert [each.system.handoff for each in configs] == ["arguments", "claim_check"]


def test_celery_settings_are_added_to_the_profiles_one_by_one() -> None:
    config = only(BASE + "[system.celery]\nworker_prefetch_multiplier = 9\nworker_max_tasks_per_child = 7\n")
    expected = {**PROFILES["tuned"].get("celery", {}), "worker_prefetch_multiplier": 9, "worker_max_tasks_per_child": 7}
    assert config.system.celery == expected


def test_one_cell_changes_nothing_in_another_or_in_the_profiles() -> None:
    before = msgspec.json.encode(PROFILES)
    text = BASE + '[factors]\n"system.celery.worker_prefetch_multiplier" = [1, 2, 3]\n'
    configs = experiment(text).configs
    assert [each.system.celery["worker_prefetch_multiplier"] for each in configs] == [1, 2, 3]
    assert msgspec.json.encode(PROFILES) == before


def test_a_factor_may_be_a_whole_table() -> None:
    text = HEAD + '[factors]\n"swarm.arrivals" = [{kind = "saturate"}, {kind = "poisson", rate_per_s = 5.0}]\n'
    assert [each.swarm.arrivals for each in experiment(text).configs] == [Saturate(), Poisson(rate_per_s=5.0)]


def test_faults_are_decoded_by_kind() -> None:
    assert only(BASE + '[[faults]]\nkind = "kill_worker_child"\nat_s = 4\n').faults == (KillWorkerChild(at_s=4.0),)


# --set


def test_an_override_goes_over_the_config() -> None:
    assert only(BASE + "[swarm]\nagents = 5\n", "swarm.agents=9").swarm.agents == 9


def test_an_override_goes_over_the_profile_that_another_one_sets() -> None:
    config = only(BASE, "system.engine=re", "system.profile=tuned").system
    assert (config.engine, config.profile) == ("re", "tuned")


def test_an_override_of_a_factor_is_its_only_level() -> None:
    text = BASE + '[factors]\n"swarm.batch_size" = [10, 100]\n"swarm.agents" = [1, 2]\n'
    made = experiment(text, "swarm.batch_size=50")
    assert levels(made) == [(50, 1), (50, 2)]
    assert {each.swarm.batch_size for each in made.configs} == {50}


def test_an_override_within_a_zip_leaves_no_cell_twice() -> None:
    text = BASE + '[[factors.zip]]\n"swarm.batch_size" = [10, 10, 99]\n"system.engine" = ["re", "hyperscan", "re"]\n'
    assert levels(experiment(text, "system.engine=re")) == [(10, "re"), (99, "re")]


def test_an_override_of_a_table_replaces_it() -> None:
    assert only(BASE, 'swarm.arrivals={kind = "saturate", window_batches = 3}').swarm.arrivals == Saturate(
        window_batches=3
    )


def test_the_last_override_of_a_key_counts() -> None:
    assert only(BASE, "swarm.agents=3", "swarm.agents=4").swarm.agents == 4


@pytest.mark.parametrize(
    ("written", "expected"),
    [("re", "re"), ('"re"', "re"), ("'re'", "re"), (" re ", "re")],
)
def test_a_bare_word_is_a_string(written: str, expected: str) -> None:
    assert only(BASE, f"system.engine={written}").system.engine == expected


def test_a_url_needs_no_quotes() -> None:
    url = "redis://10.0.0.1:6379/0?timeout=1"
    assert only(BASE, f"deploy.redis_url={url}").deploy.redis_url == url


def test_an_override_of_replicates_replaces_the_adaptive_keys_and_the_other_way_round() -> None:
    adaptive = BASE.replace("[swarm", "min_replicates = 3\nmax_replicates = 9\nci_half_width = 0.1\n[swarm")
    assert experiment(adaptive, "experiment.replicates=2").replication == Replication(least=2, most=2)
    fixed = BASE.replace("[swarm", "replicates = 2\n[swarm")
    three = ("experiment.min_replicates=3", "experiment.max_replicates=9", "experiment.ci_half_width=0.1")
    assert experiment(fixed, *three).replication == Replication(least=3, most=9, ci_half_width=0.1)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("swarm.agents", ["--set takes KEY=VALUE"]),
        ("=3", ["--set takes KEY=VALUE"]),
        ("swarm.agents=", ["--set takes KEY=VALUE"]),
        ("swarm.agnts=3", ["unknown key swarm.agnts", "swarm.agents"]),
        ("agents=3", ["unknown key agents", "[swarm]", "swarm.agents"]),
        ("factors.zip=3", ["unknown key factors.zip"]),
        ("swarm.agents=0", ["swarm.agents must be", "got 0", "--set"]),
        ("swarm.timeout_s=nan", ["swarm.timeout_s must be", "got nan", "--set"]),
        ("swarm.timeout_s=inf", ["swarm.timeout_s must be", "got inf", "--set"]),
        ("swarm.agents=many", ["swarm.agents must be an integer", 'got "many"', "--set"]),
        ("swarm.arrivals.rate_per_s=-3", ["swarm.arrivals.rate_per_s must be > 0", "-3.0", "--set"]),
        ("swarm.records.paths=[a.log]", ["--set swarm.records.paths must be a TOML value", "quotes"]),
        ("swarm.agents=3\nswarm.batch_size=4", ["swarm.agents"]),
        ("swarm.arrivals={kind = 'nope'}", ["swarm.arrivals.kind must be", '"nope"', "--set"]),
        ("swarm.arrivals.kind=drain", ["unknown key swarm.arrivals.rate_per_s", 'not of "drain"']),
    ],
)
def test_a_wrong_override_is_refused(override: str, words: list[str]) -> None:
    message = refusal(BASE, override)
    for word in words:
        assert word in message


def test_an_override_inside_a_factors_table_is_refused_for_it_would_be_lost() -> None:
    text = HEAD + '[factors]\n"swarm.arrivals" = [{kind = "poisson", rate_per_s = 5.0}]\n'
    assert "must not be inside a factor" in refusal(text, "swarm.arrivals.rate_per_s=3")


# Paths


def test_paths_of_a_config_start_from_its_folder_and_those_of_set_from_the_working_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("of-config", "of-shell"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.log").write_text("line\n")
    monkeypatch.chdir(tmp_path / "of-shell")
    text = BASE + '[swarm.records]\nsource = "files"\npaths = ["a.log"]\n'
    folder = tmp_path / "of-config"
    assert only(text, folder=folder).swarm.records.paths == (str(tmp_path / "of-config" / "a.log"),)
    override = 'swarm.records.paths=["a.log"]'
    assert only(text, override, folder=folder).swarm.records.paths == (str(tmp_path / "of-shell" / "a.log"),)


def test_paths_in_factors_start_from_the_configs_folder(tmp_path: Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text("line\n")
    text = BASE + '[swarm.records]\nsource = "files"\n[factors]\n"swarm.records.paths" = [["a.log"], ["b.log"]]\n'
    assert [each.swarm.records.paths for each in experiment(text, folder=tmp_path).configs] == [
        (str(tmp_path / "a.log"),),
        (str(tmp_path / "b.log"),),
    ]


def test_builtin_rules_are_no_path(tmp_path: Path) -> None:
    assert only(BASE, folder=tmp_path).system.rules == ("builtin",)
    assert only(BASE + '[system]\nrules = ["builtin"]\n', folder=tmp_path).system.rules == ("builtin",)


def test_mended_rules_load_in_the_same_process(tmp_path: Path) -> None:
    text = BASE + '[system]\nrules = ["mine.txt"]\n'
    assert "system.rules must load" in refusal(text, folder=tmp_path)
    (tmp_path / "mine.txt").write_text("needle\n")
    assert only(text, folder=tmp_path).system.rules == (str(tmp_path / "mine.txt"),)


# What can't be run


@pytest.mark.parametrize(
    ("publisher", "handoff", "journal", "coalesce"),
    list(itertools.product(["celery", "pipelined"], ["arguments", "claim_check"], [True, False], [1, 8])),
)
def test_journal_and_coalescing_need_the_claim_check_and_every_publisher_takes_both_hand_offs(
    publisher: str, handoff: str, journal: bool, coalesce: int
) -> None:
    text = (
        BASE + f'[system]\npublisher = "{publisher}"\nhandoff = "{handoff}"\n'
        f"journal = {str(journal).lower()}\ncoalesce = {coalesce}\n"
    )
    if handoff == "claim_check" or (not journal and coalesce == 1):
        assert only(text).system.publisher == publisher
    else:
        message = refusal(text)
        assert ("system.journal must be false" if journal else "system.coalesce must be 1") in message
        assert "x.toml, [system]" in message


@pytest.mark.parametrize(
    ("addition", "words"),
    [
        ("[swarm]\nprocesses = 21", ["swarm.processes must be at most the 20 connections, got 21", "x.toml, [swarm]"]),
        ('[system]\nengine = "hyperscam"', ["system.engine must be", '"re"', 'nearest is "hyperscan"']),
        ('[system]\nrules = ["nowhere.toml"]', ["system.rules must load", "nowhere.toml"]),
        ("[system]\nrules = []", ["system.rules must load"]),
        ("[system.celery]\nworker_prefetch_multiplyer = 4", ["system.celery.worker_prefetch_multiplier"]),
        ('[swarm.records]\nsource = "files"', ["swarm.records.paths must name a file"]),
        (
            '[swarm.records]\nsource = "files"\npaths = ["nowhere.log"]',
            ["swarm.records.paths must name files", "nowhere.log"],
        ),
        ('[swarm.records]\npaths = ["a.log"]', ["swarm.records.paths must be empty", 'source = "files"']),
        ("[swarm.records]\nmix = { web = 0.0 }", ["swarm.records.mix must have a share above 0"]),
        ("[placement]\nswarm = [1, 1]", ["placement.swarm must name each CPU once"]),
        ("[placement]\nswarm = []", ["placement.swarm must be a list (not empty)"]),
        ("[placement]\nworkers = [1]\n[system]\nworker_cores = 2", ["system.worker_cores must be at most the 1 CPUs"]),
        ('[deploy]\nkind = "remote"', ['deploy.kind must be "attach" or "local"', '"remote"']),
        (
            '[probes]\nnames = ["queu"]',
            ["probes.names must be of queue, processes", 'got "queu"', "the nearest is queue"],
        ),
        ('[probes]\nnames = ["zzz"]', ["install a package with caudal.probes"]),
        ('[probes]\nnames = ["queue", "queue"]', ["probes.names must name each probe once"]),
        ('[deploy]\nredis_server = "nowhere"', ["deploy.redis_server must be a program"]),
        ('[deploy]\nredis_url = "localhost"', ["deploy.redis_url must be", "redis://"]),
        (
            '[deploy]\nredis_url = "redis://a"\nredis_server = "b"',
            ["deploy.redis_server must be left out where deploy.redis_url"],
        ),
        ('[[faults]]\nkind = "kill_worker_node"\nat_s = 12.0', ["faults[0].at_s must be < 12", "[[faults]]"]),
        ('[[faults]]\nkind = "kill_worker_node"\nat_s = -1.0', ["faults[0].at_s must be a number >= 0", "-1.0"]),
        ('[[faults]]\nkind = "kill_worker_nod"\nat_s = 1.0', ["faults[0].kind must be", "kill_worker_node"]),
        ("[[faults]]\nat_s = 1.0", ["faults[0].kind is missing"]),
        ("[factors]\n'swarm.batchsize' = [1]", ["unknown key swarm.batchsize", "swarm.batch_size", "[factors]"]),
        ("[factors]\n'sistem.engine' = ['re']", ["unknown key sistem.engine", "system.engine"]),
        ("[factors]\n'faults.at_s' = [1.0]", ["unknown key faults.at_s"]),
        ("[factors]\n'swarm.agents' = [1, 0]", ["swarm.agents must be", "got 0", "[factors]"]),
        ("[factors]\n'swarm.timeout_s' = [1, 1.0]", ["swarm.timeout_s must differ", "1.0 twice"]),
        ("[factors]\n'swarm.timeout_s' = [1.0, nan]", ["swarm.timeout_s must be", "nan", "[factors]"]),
        (
            "[factors]\n'swarm.arrivals.rate_per_s' = [1.0, -1.0]",
            ["swarm.arrivals.rate_per_s must be > 0", "cell swarm.arrivals.rate_per_s = -1.0"],
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(addition: str, words: list[str]) -> None:
    message = refusal(BASE + addition + "\n")
    for word in words:
        assert word in message, message


def test_an_impossible_cell_among_possible_ones_is_named() -> None:
    text = BASE + '[factors]\n"system.profile" = ["tuned", "memoria"]\n"system.coalesce" = [1, 4]\n'
    message = refusal(text)
    assert "cell system.profile = memoria, system.coalesce = 4" in message


def test_a_profiles_value_is_blamed_on_the_profile() -> None:
    assert 'profile "tuned"' in refusal(BASE + '[system]\nhandoff = "arguments"\n')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["experiment.name is missing"]),
        ('[swarm.arrivals]\nkind = "drain"', ["experiment.name is missing"]),
        (HEAD, ["[swarm.arrivals] is missing"]),
        (HEAD + "[swarm.arrivals]\nrate_per_s = 3.0", ["swarm.arrivals.kind is missing"]),
        (HEAD + '[swarm.arrivals]\nkind = "poisson"', ["swarm.arrivals.rate_per_s is missing"]),
    ],
)
def test_what_must_be_given_and_is_not_is_asked_for(text: str, words: Sequence[str]) -> None:
    message = refusal(text)
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", ["", "a b", "../up", ".hidden", "a/b", "a\\nb", "x" * 101])
def test_a_name_that_is_no_folders_is_refused(name: str) -> None:
    assert "experiment.name must be" in refusal(BASE.replace('"x"', f'"{name}"'))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("replicates = 3\nmin_replicates = 2", ["experiment.replicates must be left out"]),
        ("min_replicates = 2", ["go together", "max_replicates and ci_half_width"]),
        ("min_replicates = 2\nmax_replicates = 5", ["experiment.ci_half_width must be given too"]),
        (
            "min_replicates = 6\nmax_replicates = 5\nci_half_width = 0.1",
            ["experiment.min_replicates must be <= max_replicates = 5, got 6"],
        ),
        ("ci_half_width = 1.0\nmin_replicates = 2\nmax_replicates = 3", ["experiment.ci_half_width must be"]),
    ],
)
def test_replicates_are_given_in_one_way(keys: str, words: list[str]) -> None:
    message = refusal(BASE.replace("[swarm", f"{keys}\n[swarm"))
    for word in words:
        assert word in message


# The way back


def test_a_resolved_config_comes_back_from_json_as_it_was() -> None:
    text = BASE + (
        '[placement]\nworkers = [0, 1]\n[[faults]]\nkind = "kill_worker_node"\nat_s = 1.5\ncount = 2\n'
        "[objectives]\np99_response_s = 0.5\n"
        '[factors]\n"system.profile" = ["memoria", "tuned"]\n"system.worker_cores" = [1, "all"]\n'
    )
    for config in experiment(text).configs:
        assert msgspec.json.decode(msgspec.json.encode(config), type=TrialConfig) == config


def test_a_message_that_is_taken_must_fit_into_what_may_be_in_flight() -> None:
    with pytest.raises(ConfigError, match="must be at least limits"):
        only(BASE, "system.limits.inflight_bytes=1000000")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[system]\nworker_pool = "solo"\nworker_concurrency = 2\n', ["must be at most 1", '"solo"', "worker_nodes"]),
        ('[system]\nworker_pool = "gevent"\nworker_concurrency = 1025\n', ["must be at most 1024", "got 1025"]),
        (
            '[system]\nworker_pool = "threads"\n[[faults]]\nkind = "kill_worker_child"\nat_s = 1\n',
            ["faults[0].kind", "no children", "kill_worker_node"],
        ),
        (
            '[deploy]\nredis_url = "redis://h/0"\n[[faults]]\nkind = "kill_broker"\nat_s = 1\n',
            ["faults[0].kind", "running server", "leave redis_url out"],
        ),
    ],
)
def test_a_fault_or_a_pool_is_not_asked_for_what_is_not_there(more: str, words: list[str]) -> None:
    message = refusal(BASE + more)
    for word in words:
        assert word in message


@pytest.mark.parametrize("pool", ["threads", "gevent", "prefork"])
def test_a_pool_may_run_many_tasks_at_once(pool: str) -> None:
    assert only(BASE + f'[system]\nworker_pool = "{pool}"\nworker_concurrency = 1000\n').system.worker_pool == pool
