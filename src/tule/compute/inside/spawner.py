"""The spawner: one light process that starts zygotes and hands out function code as detached mounts.

It lives in the host's file system (at level 2 inside a user namespace of its own) and takes orders over a socket:
`zygote` starts a fork server in a skeleton root; `trees` answers with one descriptor for each list of directories.
"""

import json
import os
import signal
import sys

from . import first_process, packets, skeleton
from . import syscalls as sys_


def serve(sock, features):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if features["user"]:
        _enter_user_namespace()
        _enter_process_namespace()
    if features["mount"]:
        sys_.unshare(sys_.CLONE_NEWNS)
        sys_.mount("none", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
    while True:
        order, fds = packets.receive(sock)
        if order is None:
            return
        if order["op"] == "zygote":
            _start_zygote(order, fds, features)
        elif order["op"] == "trees":
            _answer_trees(sock, order)
        for fd in fds:
            os.close(fd)


def _enter_user_namespace():
    """Root inside is the node's own user outside, and nobody else."""
    uid, gid = os.getuid(), os.getgid()
    sys_.unshare(sys_.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid), ("gid_map", "0 %d 1" % gid)):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


def _enter_process_namespace():
    """Zygotes return from their instances' process namespaces to their own, and may do so only if it is ours."""
    sys_.unshare(sys_.CLONE_NEWPID)
    first_process.fork()


def _start_zygote(order, fds, features):
    if os.fork():
        return
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
        if features["mount"]:
            with os.fdopen(fds[1], "rb", closefd=False) as files:
                skeleton.enter(order["root"], order["binds"], json.loads(files.read()))
        os.set_inheritable(fds[0], True)
        os.execve(order["argv"][0], order["argv"] + [str(fds[0])], order["env"])
    except OSError as error:
        sys.stderr.write("zygote of %s: %s\n" % (order["argv"][0], error))
    finally:
        os._exit(127)


def _answer_trees(sock, order):
    """Each entry is a list of directories, the lowest first; several are laid over one another."""
    trees = []
    try:
        for lower in order["trees"]:
            trees.append(sys_.clone_tree(lower[0]) if len(lower) == 1 else sys_.overlay(lower[::-1]))
        packets.send(sock, {"id": order["id"]}, trees)
    except OSError as error:
        packets.send(sock, {"id": order["id"], "error": str(error)})
    finally:
        for fd in trees:
            os.close(fd)
