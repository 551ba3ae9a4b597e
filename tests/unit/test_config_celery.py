"""`[system.celery]`: any setting that Celery knows, of a type that it takes, but for those that are Caudal's own."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from celery.app.defaults import NAMESPACES, flatten

from experiments.design.config import decode
from experiments.design.errors import ConfigError
from experiments.design.trial_config import TrialConfig
from system.broker.app import KNOWN_SETTINGS
from system.settings import PROFILES

BASE = '[experiment]\nname = "x"\n[swarm.arrivals]\nkind = "poisson"\nrate_per_s = 10.0\n'


def only(text: str, *overrides: str) -> TrialConfig:
    (config,) = decode(text, source="x.toml", folder=Path(), overrides=overrides).configs
    return config


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ('worker_prefetch_multiplier = "four"', 'must be of Celery\'s type int, got "four"'),
        ("worker_prefetch_multiplier = true", "must be of Celery's type int, got true"),
        ("task_acks_late = 1", "must be of Celery's type bool, got 1"),
        ('task_time_limit = "20"', "must be of Celery's type int or float"),
        ("broker_transport_options = 4", "must be of Celery's type dict, got 4"),
        ("broker_transport_options = { visibility_timout = 4 }", "broker_transport_options.visibility_timeout"),
        ('broker_transport_options = { visibility_timeout = "4" }', "must be of Celery's type int or float"),
        ('broker_transport_options = { global_keyprefix = "a" }', "global_keyprefix can't be set here"),
        ('worker_pool = "solo"', "set system.worker_pool"),
        ("worker_concurrency = 4", "set system.worker_concurrency"),
    ],
)
def test_a_celery_setting_that_would_end_a_worker_or_change_nothing_is_refused(setting: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        only(BASE + f"[system.celery]\n{setting}\n")


def test_the_celery_settings_of_every_profile_and_their_own_defaults_are_of_the_types_they_are_held_to() -> None:
    for name, option in flatten(NAMESPACES):
        if option.default is not None:
            taken = KNOWN_SETTINGS[name]
            default = list(option.default) if isinstance(option.default, tuple | set) else option.default
            default = default.total_seconds() if isinstance(default, timedelta) else default
            assert isinstance(default, taken), name
    for profile in PROFILES:
        assert only(BASE + f'[system]\nprofile = "{profile}"\n').system.profile == profile


@pytest.mark.parametrize("name", ["broker_url", "accept_content", "task_default_queue", "result_backend"])
def test_the_celery_settings_that_the_hand_off_relies_on_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} can't be set here"):
        only(BASE, f'system.celery.{name}="x"')
