"""`caudal completion`: the lines that teach a shell to complete this command."""

import click
from click.shell_completion import get_completion_class

from experiments.cli.main import caudal

#: A completed `KEY=` is not finished: no space behind it. (fish does so by itself.)
_NO_SPACE = {
    "bash": ("    return 0\n", '    [[ "${COMPREPLY[0]}" == *= ]] && compopt -o nospace 2>/dev/null\n    return 0\n'),
    "zsh": ("compadd -U", "compadd -S '' -U"),
}


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what teaches SHELL to complete commands, options, configs, profiles, engines and the keys of --set.

    \b
    For this shell alone, and for all later ones:
      bash   eval "$(caudal completion bash)"    and the same in ~/.bashrc
      zsh    eval "$(caudal completion zsh)"     and in ~/.zshrc, after compinit
      fish   caudal completion fish | source     and in ~/.config/fish/config.fish
    """
    known = get_completion_class(shell)
    assert known is not None
    before, after = _NO_SPACE.get(shell, ("", ""))
    source = known(caudal, {}, "caudal", "_CAUDAL_COMPLETE").source()
    print(source.replace(before, after) if before else source)
