"""`python -m system.worker`: one Celery worker node, its parent and its prefork children, from CAUDAL_SETTINGS.

The ordinary `celery worker`; only the flags follow from the settings.
"""

from system.settings import Process, from_environment

if from_environment().system.worker_pool == "gevent":
    # Before anything takes a socket, a lock or a thread from the standard library: they must be gevent's.
    from gevent import monkey

    monkey.patch_all()

import os

from system.allocator import keep_freed_memory
from system.broker.connect import wait_for_broker
from system.worker import app


def arguments(process: Process, concurrency: int) -> list[str]:
    """The command line after `celery`."""
    words = ["worker", "--pool", process.system.worker_pool, "--concurrency", str(concurrency), "--loglevel", "WARNING"]
    words += ["--hostname", f"node{process.node}@%h"]
    if not process.system.worker_chatter:
        words += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return words


def main() -> None:
    """Runs until SIGTERM (running tasks are finished) or SIGQUIT."""
    keep_freed_memory()
    if app.process.system.worker_pool != "prefork" and app.process.child_cpus:
        os.sched_setaffinity(0, app.process.child_cpus)  # there are no children: the node itself runs the tasks
    if app.process.waits:
        wait_for_broker(app.process.redis_url, f"worker {app.process.node}")
    app.celery.worker_main(arguments(app.process, app.process.concurrency))


if __name__ == "__main__":
    main()
