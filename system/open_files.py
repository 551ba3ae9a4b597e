"""Open files: a connection is one, and on most machines a process has 1,024 of them until it asks for more."""

import resource

#: Open files beside the connections.
OTHER_FILES = 100


def ask_for(connections: int) -> None:
    """Raises this process's limit to what so many connections need, or to what it may have, if that is less."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
