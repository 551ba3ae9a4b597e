"""The `[swarm]` table: how many agents, how each one cuts batches, when records arrive and what they say.

Decoded from a config; `loadgen` turns it into a schedule. What no single key can say is
checked in `checks`.
"""

from typing import Annotated, Any, Literal

import msgspec

from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.arrivals.registry import Arrivals
from loadgen.model.fleet import AgentClass, connections
from loadgen.model.kinds import kind_of

#: The wire's chunk id holds the agent's number and a batch's record count in 32 bits each.
Count32 = Annotated[int, msgspec.Meta(ge=1, le=2**32 - 1)]
#: Durations end at a million seconds (eleven days), so that nanoseconds since a trial's start never near 64 bits.
PositiveSeconds = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
ClassName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=100)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


#: Agents of a swarm that doesn't say how many.
DEFAULT_AGENTS = 20


class Mix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kinds of synthetic lines, as shares of their own sum; a share left out is 0."""

    web: Weight = 0.0
    sshd: Weight = 0.0
    app: Weight = 0.0


class Records(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the records say: rendered lines with planted attacks (`synthetic`), or real lines in a circle (`files`)."""

    source: Literal["synthetic", "files"] = "synthetic"
    paths: tuple[str, ...] = ()
    attack_ratio: Ratio = 0.02
    mix: Mix = Mix(web=0.7, sshd=0.2, app=0.1)
    ring_size: Annotated[int, msgspec.Meta(ge=1, le=2**24)] = 16_384


class Disconnects(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each connection is lost every `every_s` on average, for `down_s` on average; agents go on cutting meanwhile."""

    every_s: PositiveSeconds
    down_s: PositiveSeconds


class SwarmClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[swarm.classes]]` table: agents that are alike. What it leaves out is the swarm's."""

    name: ClassName
    agents: Count32
    arrivals: Arrivals | None = None
    batch_size: Count32 | None = None
    timeout_s: PositiveSeconds | None = None
    pause_s: Seconds | None = None


class Swarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The load: agents that flush at `batch_size` records or `timeout_s` after the buffer's first one."""

    agents: Count32 = DEFAULT_AGENTS
    batch_size: Count32 = 100
    timeout_s: PositiveSeconds = 0.5
    pause_s: Seconds = 0.0
    inflight_batches: Count32 = 64
    buffer_batches: Count32 = 10_000
    processes: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    agents_per_connection: Count32 = 1
    arrivals: Arrivals
    records: Records = Records()
    classes: tuple[SwarmClass, ...] = ()
    disconnects: Disconnects | None = None

    def fleet(self) -> tuple[AgentClass, ...]:
        """The agents in classes, one after the other: those of `[[swarm.classes]]`, or all alike."""
        given = self.classes or (SwarmClass(name="all", agents=self.agents),)
        return tuple(
            AgentClass(
                name=one.name,
                agents=one.agents,
                arrivals=self.arrivals if one.arrivals is None else one.arrivals,
                batch_size=self.batch_size if one.batch_size is None else one.batch_size,
                timeout_s=self.timeout_s if one.timeout_s is None else one.timeout_s,
                pause_s=self.pause_s if one.pause_s is None else one.pause_s,
            )
            for one in given
        )

    def scaled(self, factor: float) -> "Swarm":
        """The same with `factor` times the arrivals in every class.

        Raises: ValueError: a class isn't an open loop, or an agent's rate would be beyond what times can express.
        """

        def arrivals(one: Any) -> Any:
            if not isinstance(one, OpenLoopProcess):
                raise ValueError(f"{kind_of(type(one))} has no rate to scale")
            return one.scaled(factor)

        return msgspec.structs.replace(
            self,
            arrivals=arrivals(self.arrivals),
            classes=tuple(
                one if one.arrivals is None else msgspec.structs.replace(one, arrivals=arrivals(one.arrivals))
                for one in self.classes
            ),
        )

    def expected_records(self, horizon_s: float) -> float:
        """The records that all agents are expected to have before the horizon. Only for an open loop."""
        horizon_ns = round(horizon_s * 1e9)
        expected = ((one.agents, one.arrivals) for one in self.fleet())
        return sum(n * one.expected_records(horizon_ns) for n, one in expected if isinstance(one, OpenLoopProcess))

    def connections(self) -> int:
        """How many connections the fleet has."""
        return connections(sum(one.agents for one in self.fleet()), self.agents_per_connection)
