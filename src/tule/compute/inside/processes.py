"""Processes inside an instance: starting the runtime, and reaching every process there is."""

import os
import signal
import socket
import sys

from . import privileges
from . import syscalls as sys_


def start(order, fds, features, closed):
    """Fork the runtime: the Python runtime of this interpreter, or a program.  Returns its process id."""
    child = os.fork()
    if child:
        return child
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _standard_streams(fds["log"])
        if "argv" in order:
            _execute(order, fds, features)
        else:
            _run_python(order, fds["control"], features)
    except BaseException as error:
        sys.stderr.write("runtime: %r\n" % error)
        sys.stderr.flush()
        os._exit(1)
    finally:
        os._exit(0)


def _standard_streams(log):
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _run_python(order, control, features):
    from . import python_runtime

    _close_but({0, 1, 2, control})
    privileges.drop_for_code(order, features)
    python_runtime.serve(socket.socket(fileno=control))


def _execute(order, fds, features):
    """Descriptors named `fd:N` become N in the program."""
    wanted = {int(name[3:]): fd for name, fd in fds.items() if name.startswith("fd:")}
    high = {number: _move_up(fd) for number, fd in wanted.items()}
    for number, fd in high.items():
        os.dup2(fd, number)
    _close_but({0, 1, 2, *high})
    privileges.drop_for_code(order, features)
    try:
        os.chdir(order["cwd"])
        os.execve(order["argv"][0], order["argv"], order["env"])
    except OSError as error:
        sys.stderr.write("fork/exec %s: %s\n" % (order["argv"][0], error.strerror.lower()))
        sys.stderr.flush()
        os._exit(126 if isinstance(error, PermissionError) else 127)


def _move_up(fd):
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)


def _close_but(kept):
    directory = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(directory):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                continue


def become_subreaper():
    """Without a process namespace, orphans come to us all the same (Linux)."""
    if sys.platform == "linux":
        sys_.prctl(sys_.PR_SET_CHILD_SUBREAPER, 1)


def signal_all(number, features):
    if features["pid"]:
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            return
    else:
        for pid in _descendants():
            _send(pid, number)


def kill_descendants():
    """Stop them first, so that none can start another behind our back; repeat until none is left."""
    while True:
        pids = _descendants()
        if not pids:
            return
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                _send(pid, number)
        for pid in pids:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                continue


def _send(pid, number):
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _descendants():
    """Children and theirs, by /proc; without it, the children's process groups."""
    found, ahead = [], [os.getpid()]
    while ahead:
        for task in _tasks(ahead.pop()):
            try:
                with open(task + "/children") as file:
                    children = [int(pid) for pid in file.read().split()]
            except OSError:
                continue
            found.extend(children)
            ahead.extend(children)
    return found


def _tasks(pid):
    try:
        return ["/proc/%d/task/%s" % (pid, name) for name in os.listdir("/proc/%d/task" % pid)]
    except OSError:
        return []
