"""`python -m experiments.deploy.launch PARENT_PID CPUS COMMAND...`: becomes COMMAND, placed, and never outlives its parent.

Runs in the new process between fork and exec, where Popen's preexec_fn would be unsafe beside threads: a process group
of its own (a Ctrl-C in the terminal is the runner's to handle), a CPU set, and the kernel's promise to kill it when the
runner dies, however that happens.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Places this process and executes the command."""
    parent, cpus, *command = sys.argv[1:]
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            sys.exit("the runner is gone")
        if cpus:
            os.sched_setaffinity(0, [int(cpu) for cpu in cpus.split(",")])
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
