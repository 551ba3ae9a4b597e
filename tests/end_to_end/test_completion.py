"""Shells complete our command: asked the way that each shell asks, and checked for what it must offer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def offered(*words: str) -> list[str]:
    """What is offered in the place of the last word, as bash's function asks for it."""
    asked = {"_CAUDAL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("caudal", *words))}
    environment = {**ENVIRONMENT, **asked, "COMP_CWORD": str(len(words))}
    done = subprocess.run(["caudal"], env=environment, capture_output=True, text=True, timeout=60, check=True)
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("comp",), ["completion"]),
        (("run", "quick"), ["quickstart"]),
        (("run", "x", "--set", "swarm.batch"), ["swarm.batch_size="]),
        (("run", "x", "--set", "system.prof"), ["system.profile="]),
        (("up", "--set", "jour"), ["journal="]),
        (("worker", "--profile", "me"), ["memoria"]),
        (("scan", "--engine", "hyper"), ["hyperscan"]),
        (("plan", "x", "--set", "system.journal=t"), ["system.journal=true"]),
        (("plan", "x", "--set", "system.engine=re"), ["system.engine=re", "system.engine=re2"]),
        (("health", "g"), ["gateway"]),
    ],
)
def test_what_is_begun_is_completed(words: tuple[str, ...], wanted: list[str]) -> None:
    found = offered(*words)
    assert set(wanted) <= set(found), found
    assert all(one.startswith(words[-1]) for one in found)


def shell(name: str, script: str) -> str:
    done = subprocess.run([name, "-c", script], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bash_completes() -> None:
    script = (
        'eval "$(caudal completion bash)"; COMP_WORDS=(caudal run quick); COMP_CWORD=2; _caudal_completion caudal; '
    )
    assert "quickstart" in shell("bash", script + 'echo "${COMPREPLY[@]}"; complete -p caudal')


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish isn't installed")
def test_fish_completes() -> None:
    said = shell("fish", "caudal completion fish | source; complete -C 'caudal run x --set swarm.batch'")
    assert "swarm.batch_size=" in said


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh isn't installed")
def test_zsh_takes_the_script() -> None:
    said = shell("zsh", 'autoload -U compinit; compinit -D; eval "$(caudal completion zsh)"; echo $_comps[caudal]')
    assert "_caudal_completion" in said
