"""`caudal selftest` as people run it."""

import pytest

from .conftest import Shell


def test_checks_without_a_scene_take_seconds_and_pass(shell: Shell) -> None:
    ended = shell.run("selftest", "--only", "recursion", "--only", "cpu")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "SELF-TEST PASSED" in ended.stdout
    assert "theory 1.5, measured" in ended.stdout


@pytest.mark.long
def test_the_whole_of_it_passes_and_leaves_nothing(shell: Shell) -> None:
    ended = shell.run("selftest", "--quick", timeout_s=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
