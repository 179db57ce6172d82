"""The first process of an instance: builds the sandbox around itself, forks the runtime, lets the code in, then reaps.

It keeps its privileges only until the function's code is mounted.  Whatever is orphaned inside becomes its child, and when
the runtime ends it says how and ends too, which takes everything inside with it.  Until then it takes orders from the node:
`code` mounts the function, `execute` starts a further program, `freeze`, `thaw` and `kill` reach every process inside.
"""

import os
import select
import signal
import socket
import struct
import sys

from . import packets, privileges, processes, redirect
from . import syscalls as sys_

HOST_NAME = "169.254.100.6"
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 1, 64


def become(order, fds, features):
    """Never returns."""
    try:
        _First(order, fds, features).live()
    except BaseException as error:
        sys.stderr.write("instance: %r\n" % error)
    finally:
        os._exit(1)


class _First:
    def __init__(self, order, fds, features):
        self.order = order
        self.features = features
        self.fds = dict(zip(order["fds"], fds))
        self.agent = socket.socket(fileno=self.fds.pop("agent"))
        self.runtime = 0
        self.status = None
        self.code_in = False

    def live(self):
        children = self._watch_children()
        self._join_groups()
        self._isolate()
        listeners = [_listener(spec) for spec in self.order["listeners"]]
        self._lead_out()
        if not self.order.get("late"):
            self._start_runtime()
        self._introduce(listeners)
        if not self.order.get("late"):
            self._close_given()
        self._serve(children)

    def _watch_children(self):
        """A descriptor that becomes readable when a child has ended."""
        readable, writable = os.pipe()
        os.set_blocking(readable, False)
        os.set_blocking(writable, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        return readable

    def _join_groups(self):
        for name in [name for name in self.fds if name.startswith("group:")]:
            fd = self.fds.pop(name)
            os.write(fd, b"0")
            os.close(fd)

    def _isolate(self):
        flags = 0
        for name, flag in (("mount", sys_.CLONE_NEWNS), ("net", sys_.CLONE_NEWNET), ("ipc", sys_.CLONE_NEWIPC), ("uts", sys_.CLONE_NEWUTS)):
            if self.features[name]:
                flags |= flag
        if flags:
            sys_.unshare(flags)
        if self.features["mount"]:
            sys_.mount("proc", "/proc", "proc", sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC)
            sys_.mount("tmp", "/tmp", "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, "mode=1777,size=%dm" % self.order["tmp_mb"])
        if self.features["uts"]:
            sys_.sethostname(HOST_NAME)
        if self.features["net"]:
            _bring_up_loopback()
            _open_low_ports()
        if not self.features["pid"]:
            processes.become_subreaper()

    def _lead_out(self):
        """The way to other addresses.  A kernel without nftables has none: then connections to them fail."""
        for spec in self.order["listeners"]:
            if spec["redirect"] and self.features["net"]:
                try:
                    redirect.redirect_tcp(spec["port"])
                except OSError as error:
                    sys.stderr.write("no way out of the instance: %s\n" % error)

    def _introduce(self, listeners):
        pidfd = [sys_.pidfd_open(os.getpid())] if self.features["pidfd"] else []
        packets.send(self.agent, {"pid": os.getpid()}, pidfd + [each.fileno() for each in listeners])
        for each in listeners:
            each.close()
        for fd in pidfd:
            os.close(fd)

    def _start_runtime(self):
        self.runtime = processes.start(self.order, self.fds, self.features, [self.agent.fileno()])

    def _close_given(self):
        for fd in self.fds.values():
            os.close(fd)
        self.fds = {}

    def _serve(self, children):
        poll = select.poll()
        poll.register(self.agent, select.POLLIN)
        poll.register(children, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == children:
                    os.read(children, 4096)
                    self._reap()
                else:
                    self._obey()

    def _reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.runtime:
                packets.send(self.agent, {"status": status})
                self._end()

    def _obey(self):
        order, fds = packets.receive(self.agent)
        if order is None or order["op"] == "kill":
            self._end()
        elif order["op"] == "code":
            self._let_code_in(order, fds)
        elif order["op"] == "freeze":
            processes.signal_all(signal.SIGSTOP, self.features)
        elif order["op"] == "thaw":
            processes.signal_all(signal.SIGCONT, self.features)
        for fd in fds:
            os.close(fd)

    def _let_code_in(self, order, fds):
        for target, fd in zip(order["targets"], fds):
            os.makedirs(target, 0o755, exist_ok=True)
            sys_.attach_tree(fd, target)
        if self.features["mount"]:
            sys_.set_read_only("/")
        if self.features["mount"] and order["tmp_mb"] != self.order["tmp_mb"]:
            flags = sys_.MS_REMOUNT | sys_.MS_NOSUID | sys_.MS_NODEV
            sys_.mount("tmp", "/tmp", "tmpfs", flags, "mode=1777,size=%dm" % order["tmp_mb"])
        if self.order.get("late"):
            self.order["env"].update(order["env"])
            self._start_runtime()
            self._close_given()
        privileges.drop_for_reaper(self.order, self.features)
        packets.send(self.agent, {"mounted": True})

    def _end(self):
        if not self.features["pid"]:
            processes.kill_descendants()
        os._exit(0)


def _bring_up_loopback():
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def _open_low_ports():
    fd = os.open("/proc/sys/net/ipv4/ip_unprivileged_port_start", os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, b"0")
    os.close(fd)


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
