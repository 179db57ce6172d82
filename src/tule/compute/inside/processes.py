"""Reaching every process beneath one, by /proc."""

import os
import signal


def signal_tree(roots, number):
    """All of `roots` and their descendants."""
    for pid in list(roots) + [pid for root in roots for pid in descendants(root)]:
        _send(pid, number)


def kill_descendants(root):
    """Stop them first, so that none can start another behind our back; repeat until none is left."""
    while True:
        pids = descendants(root)
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


def descendants(root):
    found, ahead = [], [root]
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


def _send(pid, number):
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
