"""Where a Redis is: what an option and a config take for a URL, and that neither tells a password again."""

import msgspec
import pytest
from click.testing import CliRunner

from experiments.cli.up import up
from experiments.design.config import load
from experiments.design.errors import ConfigError
from experiments.design.trial_config import RedisUrl

GOOD = [
    "redis://127.0.0.1:6379/0", "redis://:secret@h:6379/0", "rediss://user:p%40ss@h/1", "unix:///run/redis.sock",
    "redis://[::1]:6379/0",
]  # fmt: skip
BAD = ["redis://:secret@h:abc/0", "secret", "http://secret@h:1/0", "redis://", "redis://:secret@h:abc"]


@pytest.mark.parametrize("url", GOOD)
def test_a_url_is_taken(url: str) -> None:
    assert msgspec.convert(url, RedisUrl) == url


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_url_is_refused_in_a_line_without_its_password(url: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(url, RedisUrl)
    found = CliRunner().invoke(up, ["--redis", url])
    assert found.exit_code == 2
    assert "redis://HOST:PORT/DATABASE" in found.output
    assert "secret" not in found.output


def test_a_config_with_a_wrong_url_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigError, match=r"deploy\.redis_url must be") as refused:
        load("quickstart", ('deploy.redis_url="redis://:secret@h:abc/0"',))
    assert "secret" not in str(refused.value)


def test_a_redis_that_does_not_answer_is_named_without_its_password() -> None:
    found = CliRunner().invoke(up, ["--redis", "redis://:secret@127.0.0.1:1/0", "--listen", "127.0.0.1:0"])
    assert "no Redis answers at 127.0.0.1:1" in str(found.exception)
    assert "secret" not in str(found.exception)
