"""Open files: a connection is one, and a process may have so many."""

import resource
import sys
from typing import Final

#: Open files beside the connections.
OTHER_FILES: Final = 100


def refusal(connections: int, or_give: str = "swarm.processes or swarm.agents_per_connection") -> str | None:
    """Why no process here can have so many connections, and what to do; None if one can."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard == resource.RLIM_INFINITY or wanted <= hard:
        return None
    return (
        f"{connections} connections need {wanted} open files in one process, and {hard} are allowed (ulimit -Hn):"
        f" raise that, or lower swarm.agents, or give {or_give}"
    )


def allow(connections: int) -> None:
    """Raises this process's limit to what so many connections need. Raises: SystemExit, saying how to mend it."""
    if (wrong := refusal(connections)) is not None:
        sys.exit(wrong)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, connections + OTHER_FILES), hard))
