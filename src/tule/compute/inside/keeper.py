"""Without a process namespace: a process above the runtime to which orphans come, so that all of an instance can be ended.

SIGTERM ends everything beneath it; when the runtime ends, so does everything else, and the keeper ends the way that the runtime did.
"""

import os
import signal
import sys

from . import processes
from . import syscalls as sys_


def become(order, fds, features, program):
    """Never returns; `program` is what the process beneath becomes."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        sys_.prctl(sys_.PR_SET_CHILD_SUBREAPER, 1)
        sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGTERM)
    runtime = os.fork()
    if runtime == 0:
        program(order, fds, features)
    signal.signal(signal.SIGTERM, _end)
    for fd in fds:
        os.close(fd)
    while True:
        pid, status = os.wait()
        if pid == runtime:
            processes.kill_descendants(os.getpid())
            _end_like(status)


def _end(number, frame):
    processes.kill_descendants(os.getpid())
    os._exit(0)


def _end_like(status):
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
