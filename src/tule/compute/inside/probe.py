"""Tries what this host allows, each in a process of its own, and prints the answers as JSON."""

import json
import os
import socket
import sys
import tempfile

from . import landlock, seccomp
from . import syscalls as sys_


def run():
    root = os.geteuid() == 0
    answers = {"root": root, "landlock": 0, "linux": sys.platform == "linux"}
    if answers["linux"]:
        answers["rooted"] = _tried(_namespaces) if root else "not root"
        answers["user"] = _tried(lambda: (_user_namespace(), _namespaces()))
        answers["inner_user"] = _tried(_inner_user_namespace)
        answers["no_new_privs"] = _tried(lambda: sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1))
        answers["seccomp"] = _tried(_seccomp)
        answers["landlock"] = landlock.abi()
        answers["pidfd"] = _tried(lambda: sys_.pidfd_open(os.getpid()))
        answers["overlay"] = _tried(_overlay) if root else _tried(lambda: (_user_namespace(), _overlay()))
    print(json.dumps(answers))


def _tried(attempt):
    """Empty when it worked, else why not."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        reason = ""
        try:
            attempt()
        except (OSError, AttributeError) as error:
            reason = str(error) or type(error).__name__
        os.write(writable, reason.encode())
        os._exit(0)
    os.close(writable)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(readable, "rb") as pipe:
        reason = pipe.read().decode()
    return reason or ("killed by signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "")


def _user_namespace():
    uid, gid = os.getuid(), os.getgid()
    sys_.unshare(sys_.CLONE_NEWUSER)
    _map(uid, gid, 0, 0)


def _map(uid, gid, inside_uid, inside_gid):
    for name, text in (("setgroups", "deny"), ("uid_map", "%d %d 1" % (inside_uid, uid)), ("gid_map", "%d %d 1" % (inside_gid, gid))):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


def _inner_user_namespace():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(1_900_000_000, 1_900_000_000, 1_900_000_000)
        os.setresuid(1_900_000_000, 1_900_000_000, 1_900_000_000)
        sys_.prctl(sys_.PR_SET_DUMPABLE, 1)
    else:
        _user_namespace()
    uid, gid = os.getuid(), os.getgid()
    sys_.unshare(sys_.CLONE_NEWUSER)
    _map(uid, gid, 993, 990)


def _namespaces():
    """All that an instance does on its way into the sandbox."""
    sys_.unshare(sys_.CLONE_NEWNS | sys_.CLONE_NEWPID | sys_.CLONE_NEWNET | sys_.CLONE_NEWIPC | sys_.CLONE_NEWUTS)
    sys_.mount("none", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
    sys_.mount("tmp", "/mnt", "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, "size=1m")
    os.mkdir("/mnt/usr")
    os.mkdir("/mnt/proc")
    sys_.attach_tree(sys_.clone_tree("/usr"), "/mnt/usr")
    pid = os.fork()
    if pid == 0:
        try:
            sys_.mount("proc", "/mnt/proc", "proc", sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM):
                os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError(1, "no process information file system in a namespace")


def _seccomp():
    sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.restrict()
    os.getpid()


def _overlay():
    sys_.unshare(sys_.CLONE_NEWNS)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        os.close(sys_.overlay([first, second]))
