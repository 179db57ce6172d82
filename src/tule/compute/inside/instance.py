"""The runtime's process: builds the sandbox around itself, hands its listeners to the node, gives up its privileges, runs."""

import errno
import fcntl
import os
import signal
import socket
import struct
import sys

from . import packets, privileges, python_runtime, redirect
from . import syscalls as sys_

HOST_NAME = "169.254.100.6"
LAST_DESCRIPTOR = 0xFFFFFFFF
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 1, 64


def become(order, fds, features):
    """Never returns."""
    given = dict(zip(order["fds"], fds))
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        standard_streams(given["log"])
        join_groups(given)
        _isolate(order, features)
        agent = socket.socket(fileno=given["agent"])
        _introduce(agent, order, features)
        if order["late"]:
            _wait_for_code(agent, order)
        if "argv" in order:
            execute(order, given, features)
        else:
            _close_but({0, 1, 2, given["control"]})
            privileges.drop_for_code(order, features)
            python_runtime.run(socket.socket(fileno=given["control"]))
    except BaseException as error:
        sys.stderr.write("the sandbox could not be built: %r\n" % error)
        sys.stderr.flush()
    finally:
        os._exit(1)


def standard_streams(log):
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(null)


def join_groups(given):
    for name, fd in given.items():
        if name.startswith("group:"):
            os.write(fd, b"0")


def _isolate(order, features):
    flags = 0
    for name, flag in (("mount", sys_.CLONE_NEWNS), ("net", sys_.CLONE_NEWNET), ("ipc", sys_.CLONE_NEWIPC), ("uts", sys_.CLONE_NEWUTS)):
        if features[name]:
            flags |= flag
    if flags:
        sys_.unshare(flags)
    if features["mount"]:
        sys_.mount("proc", "/proc", "proc", sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC)
        sys_.mount("tmp", "/tmp", "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, _tmp_options(order["tmp_mb"]))
        sys_.set_read_only("/")
    if features["uts"]:
        sys_.sethostname(HOST_NAME)
    if features["net"]:
        _bring_up_loopback()
        _open_low_ports()


def resize_tmp(size_mb):
    sys_.mount("tmp", "/tmp", "tmpfs", sys_.MS_REMOUNT | sys_.MS_NOSUID | sys_.MS_NODEV, _tmp_options(size_mb))


def _tmp_options(size_mb):
    return "mode=1777,size=%dm" % size_mb


def _bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def _open_low_ports():
    fd = os.open("/proc/sys/net/ipv4/ip_unprivileged_port_start", os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, b"0")
    os.close(fd)


def _introduce(agent, order, features):
    """The node gets the listeners that were opened in here."""
    listeners = [_listener(spec) for spec in order["listeners"]]
    if features["net"]:
        _lead_out(order)
    packets.send(agent, {"ready": True}, [each.fileno() for each in listeners])
    for each in listeners:
        each.close()


def _lead_out(order):
    """The way to other addresses.  A kernel without nftables has none: then connections to them fail."""
    for spec in order["listeners"]:
        if spec["redirect"]:
            try:
                redirect.redirect_tcp(spec["port"])
            except OSError as error:
                sys.stderr.write("no way out of the instance: %s\n" % error)


def _wait_for_code(agent, order):
    message, _ = packets.receive(agent)
    if message is None:
        os._exit(0)
    order["env"].update(message["env"])


def _listener(spec):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if spec["kind"] == "tcp" else socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for level, name, value in spec["options"]:
        sock.setsockopt(level, name, value)
    sock.bind((spec["address"], spec["port"]))
    if spec["kind"] == "tcp":
        sock.listen(128)
    sock.setblocking(False)
    return sock


def execute(order, given, features):
    """Descriptors named `fd:N` become N in the program."""
    high = {int(name[3:]): fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for name, fd in given.items() if name.startswith("fd:")}
    for number, fd in high.items():
        os.dup2(fd, number)
    _close_but({0, 1, 2} | set(high))
    privileges.drop_for_code(order, features)
    try:
        os.chdir(order["cwd"])
        os.execve(order["argv"][0], order["argv"], order["env"])
    except OSError as error:
        sys.stderr.write("fork/exec %s: %s\n" % (order["argv"][0], os.strerror(error.errno).lower()))
        sys.stderr.flush()
        os._exit(126 if isinstance(error, PermissionError) else 127)


def _close_but(kept):
    try:
        _close_between(sorted(kept))
    except OSError:
        _close_one_by_one(kept)


def _close_between(kept):
    """In a few calls, however many the zygote holds."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "no close_range")
    for before, after in zip(kept, kept[1:] + [LAST_DESCRIPTOR + 1]):
        if before + 1 < after:
            sys_.close_range(before + 1, after - 1)


def _close_one_by_one(kept):
    directory = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(directory):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                continue
