"""Which target a config names: one line a kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from experiments.deploy.attach import AttachedTarget
from experiments.deploy.local import LocalDeployment
from experiments.deploy.placement import Placement
from experiments.deploy.target import Target
from experiments.design.trial_config import TrialConfig

Build = Callable[[TrialConfig, Placement, Path], Target]


def _local(config: TrialConfig, placement: Placement, folder: Path) -> Target:
    return LocalDeployment(
        config.system,
        placement,
        folder,
        redis_server=config.deploy.redis_server,
        redis_url=config.deploy.redis_url,
        broker_delay_s=config.deploy.broker_delay_s,
    )


def _attach(config: TrialConfig, _placement: Placement, _folder: Path) -> Target:
    deploy = config.deploy
    assert deploy.listen is not None, "checks.running says so first"
    assert deploy.redis_url is not None, "checks.running says so first"
    return AttachedTarget(config.system, deploy.listen, deploy.redis_url)


TARGETS: Final[dict[str, Build]] = {"local": _local, "attach": _attach}


def build(config: TrialConfig, placement: Placement, folder: Path) -> Target:
    """The target of a trial; nothing is started yet. `folder` is for its logs."""
    return TARGETS[config.deploy.kind](config, placement, folder)
