"""A fork server: waits with an interpreter loaded, and forks an instance for each order.

It knows no function, no credentials and no tenant: what it holds is in every instance's memory.
"""

import importlib
import os
import signal

from . import instance, packets, python_runtime
from . import syscalls as sys_


def serve(sock, features, preload, path):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert python_runtime  # loaded now, so that instances need not
    _preload(preload, path)
    own_pids = sys_.pidfd_open(os.getpid()) if features["pid"] else -1
    packets.send(sock, {"ready": True})
    while True:
        order, fds = packets.receive(sock)
        if order is None:
            return
        if features["pid"]:
            sys_.unshare(sys_.CLONE_NEWPID)
        if not os.fork():
            sock.close()
            instance.become(order, fds, features)
        if features["pid"]:
            sys_.setns(own_pids, sys_.CLONE_NEWPID)
        for fd in fds:
            os.close(fd)


def _preload(modules, path):
    import gc
    import sys

    sys.path.extend(path)
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    gc.collect()
    gc.freeze()
