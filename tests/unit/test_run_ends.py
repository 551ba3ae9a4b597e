"""How `caudal run` ends where it can't go on: what happened, what is kept, and the command that goes on."""

import errno
from pathlib import Path
from typing import Any

import pytest

from experiments.cli.main import COULD_NOT_MEASURE, INTERRUPTED, main
from experiments.running import run as runner
from tests.unit.test_attempts import CONFIG


@pytest.mark.parametrize(
    ("trouble", "code", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), COULD_NOT_MEASURE, "the disk of elsewhere is full"),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
    ],
)
def test_what_is_kept_and_the_command_that_goes_on_are_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    trouble: BaseException,
    code: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("again.toml").write_text(CONFIG.format(attempts=1))
    Path("elsewhere/again/x.partial").mkdir(parents=True)

    def run(*_: Any, **__: Any) -> None:
        raise trouble

    monkeypatch.setattr(runner, "run", run)
    with pytest.raises(SystemExit) as ended:
        main(["run", "again.toml", "--set", "swarm.agents=2", "--out", "elsewhere"])
    assert ended.value.code == code
    assert capsys.readouterr().err == (
        f"caudal: {says}; what is done is kept in elsewhere/again/x.partial; "
        "caudal run again.toml --set swarm.agents=2 --out elsewhere --resume goes on\n"
    )
