"""The first process of an instance: builds the sandbox around itself, forks the runtime, lets the code in, then reaps.

It keeps its privileges only until the function's code is mounted.  Whatever is orphaned inside becomes its child, and when
the runtime ends it reports how and ends too, which takes everything inside with it.
"""

import os
import signal
import socket
import sys

from . import packets, privileges
from . import syscalls as sys_


def become(order, fds, features):
    """Never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        named = dict(zip(order["fds"], fds))
        agent = socket.socket(fileno=named["agent"])
        _join_groups(named)
        _unshare(order, features)
        listeners = [_listener(spec) for spec in order["listeners"]]
        child = _fork_runtime(order, named, features)
        pidfd = sys_.pidfd_open(os.getpid())
        packets.send(agent, {"pid": os.getpid()}, [pidfd] + [each.fileno() for each in listeners])
        for each in listeners:
            each.close()
        os.close(pidfd)
        for name in named:
            if name != "agent":
                os.close(named[name])
        _let_code_in(agent)
        privileges.drop_for_reaper(order, features)
        _reap(agent, child)
    except BaseException as error:
        sys.stderr.write("instance: %r\n" % error)
    finally:
        os._exit(1)


def _join_groups(named):
    for name in list(named):
        if name.startswith("group:"):
            fd = named.pop(name)
            os.write(fd, b"0")
            os.close(fd)


def _unshare(order, features):
    flags = 0
    for name, flag in (("mount", sys_.CLONE_NEWNS), ("net", sys_.CLONE_NEWNET), ("ipc", sys_.CLONE_NEWIPC), ("uts", sys_.CLONE_NEWUTS)):
        if features[name]:
            flags |= flag
    if flags:
        sys_.unshare(flags)
    if features["mount"]:
        sys_.mount("proc", "/proc", "proc", sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC)
        sys_.mount("tmp", "/tmp", "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, "mode=1777,size=%dm" % order["tmp_mb"])
    if features["uts"]:
        sys_.sethostname("169.254.100.6")
    if features["net"]:
        _bring_up_loopback()
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w") as file:
            file.write("0")


def _bring_up_loopback():
    import fcntl
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 1 | 64))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def _listener(spec):
    kind = socket.SOCK_STREAM if spec["kind"] == "tcp" else socket.SOCK_DGRAM
    sock = socket.socket(socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for option in spec["options"]:
        sock.setsockopt(*option)
    sock.bind((spec["address"], spec["port"]))
    if spec["kind"] == "tcp":
        sock.listen(128)
    sock.setblocking(False)
    return sock


def _fork_runtime(order, named, features):
    child = os.fork()
    if child:
        return child
    try:
        os.close(named["agent"])
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(named["log"], 1)
        os.dup2(named["log"], 2)
        control = named["control"]
        os.set_inheritable(control, False)
        _close_others({0, 1, 2, control})
        privileges.drop_for_code(order, features)
        from . import python_runtime

        python_runtime.serve(socket.socket(fileno=control))
    except BaseException as error:
        sys.stderr.write("runtime: %r\n" % error)
        os._exit(1)
    finally:
        os._exit(0)


def _close_others(kept):
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd not in kept:
            try:
                os.close(fd)
            except OSError:
                continue


def _let_code_in(agent):
    order, fds = packets.receive(agent)
    if order is None:
        os._exit(0)
    for target, fd in zip(order["targets"], fds):
        sys_.attach_tree(fd, target)
        os.close(fd)
    packets.send(agent, {"mounted": True})


def _reap(agent, runtime):
    while True:
        pid, status = os.wait()
        if pid == runtime:
            packets.send(agent, {"status": status})
            return
