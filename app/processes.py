"""What a process owes its parent: a telling exit code, and not to outlive it. Its limits.

Linux only.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Callable

REFUSED = 2  # the exit code when there is something to correct before another try
PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None]:
    """For `preexec_fn`: the child gets SIGINT when the calling *thread* ends, however it ends."""
    libc, parent_pid = ctypes.CDLL(None), os.getpid()

    def ask_the_kernel() -> None:  # runs after the change of user, which would undo it
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent_pid:
            os._exit(1)

    return ask_the_kernel


def raise_file_limit() -> None:
    """As many open files as this process, and who it starts, may have: each stream takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
