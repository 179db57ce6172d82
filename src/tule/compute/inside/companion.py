"""A program that runs beside the runtime of an instance, in the same name spaces and groups and with no more rights: an extension."""

import os
import signal
import sys

from . import instance
from . import syscalls as sys_


def become(order, fds, features):
    """Never returns."""
    given = dict(zip(order["fds"], fds))
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        instance.standard_streams(given["log"])
        instance.join_groups(given)
        _enter(given, features)
        instance.execute(order, given, features)
    except BaseException as error:
        sys.stderr.write("the extension could not be started: %r\n" % error)
        sys.stderr.flush()
    finally:
        os._exit(1)


def _enter(given, features):
    """The process name space has been entered by being forked into it."""
    flags = 0
    for name, flag in (("mount", sys_.CLONE_NEWNS), ("net", sys_.CLONE_NEWNET), ("ipc", sys_.CLONE_NEWIPC), ("uts", sys_.CLONE_NEWUTS)):
        if features[name]:
            flags |= flag
    if flags:
        sys_.setns(given["runtime"], flags)
