"""A fork server: waits with an interpreter loaded, and forks an instance for each order.

It knows no function, no credentials and no tenant: what it holds is in every instance's memory.  Its orders:
`fork` starts an instance (answered by `started`, later by `ended` with the wait status), `code` mounts the function's code in it
(answered by `mounted`), `join` starts another program beside the runtime (answered like `fork`), and `socket` answers with a
socket of the instance's network.
"""

import functools
import gc
import importlib
import os
import platform
import select
import signal
import socket
import sys

from . import companion, first_process, instance, keeper, packets, sdk_clients, seccomp
from . import syscalls as sys_


def serve(sock, features, preload, path):
    sys.path.extend(path)
    seccomp.program(platform.machine())
    _Zygote(sock, features).live(preload)


class _Zygote(object):
    def __init__(self, sock, features):
        self.sock = sock
        self.features = features
        self.instances = {}  # process id of a runtime -> id of its instance
        self.postponed = []  # orders that wait for what is loaded ahead
        self.pidfds = {}  # id of an instance -> its runtime
        if features["pid"]:
            first_process.prepare()
            self.own_pids = sys_.pidfd_open(os.getpid())
            self.own_mounts = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            self.own_network = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def live(self, preload):
        """An invocation that waits does not wait for what is loaded ahead; instances that will be parked do, and have it."""
        ended = _watch_children()
        packets.send(self.sock, {"ready": True})
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        poll.register(ended, select.POLLIN)
        ahead = [functools.partial(_load, name) for name in preload] + ([lambda: ahead.extend(sdk_clients.steps())] if preload else [])
        while True:
            for fd, _ in poll.poll(0 if ahead else None):
                if fd == ended:
                    os.read(ended, 4096)
                    self._reap()
                elif not self._obey(bool(ahead)):
                    return
            if ahead:
                ahead.pop(0)()
                if not ahead:
                    self._loaded()

    def _loaded(self):
        gc.collect()
        gc.freeze()
        for order, fds in self.postponed:
            self._fork(order, fds)
            _close(fds)
        self.postponed = []

    def _obey(self, loading):
        order, fds = packets.receive(self.sock)
        if order is None:
            return False
        if order["op"] == "fork" and order["patient"] and loading:
            self.postponed.append((order, fds))
            return True
        if order["op"] == "fork":
            self._fork(order, fds)
        elif order["op"] == "code":
            self._let_code_in(order, fds)
        elif order["op"] == "join":
            self._join(order, fds)
        elif order["op"] == "socket":
            self._open_socket(order, fds)
        _close(fds)
        return True

    def _fork(self, order, fds):
        try:
            first, pid = self._fork_into_namespace(order, fds)
        except OSError as error:  # the host is out of processes or namespaces
            os.write(fds[order["fds"].index("log")], b"no process for the instance: %s\n" % str(error).encode())
            packets.send(self.sock, {"ended": order["id"], "status": 1 << 8})
            return
        self.instances[pid] = order["id"]
        handed = [sys_.pidfd_open(each) for each in (first or pid, pid)] if self.features["pidfd"] else []
        if self.features["mount"]:
            self.pidfds[order["id"]] = sys_.pidfd_open(pid)
        packets.send(self.sock, {"started": order["id"], "pid": pid}, handed)
        for fd in handed:
            os.close(fd)

    def _fork_into_namespace(self, order, fds):
        """Process ids of the first process (0 without a namespace) and of the runtime."""
        first = 0
        try:
            if self.features["pid"]:
                sys_.unshare(sys_.CLONE_NEWPID)
                first = first_process.start()
            pid = os.fork()
            if pid == 0:
                if self.features["pid"]:
                    instance.become(order, fds, self.features)
                keeper.become(order, fds, self.features, instance.become)
            return first, pid
        except OSError:
            if first:
                os.kill(first, signal.SIGKILL)
            raise
        finally:
            if self.features["pid"]:
                sys_.setns(self.own_pids, sys_.CLONE_NEWPID)

    def _join(self, order, fds):
        """A program beside the runtime, in the same name spaces; the runtime's is the first descriptor, where there are any."""
        try:
            pid = self._fork_beside(order, fds)
        except OSError as error:
            packets.send(self.sock, {"ended": order["id"], "status": 1 << 8, "error": str(error)})
            return
        self.instances[pid] = order["id"]
        handed = [sys_.pidfd_open(pid)] if self.features["pidfd"] else []
        packets.send(self.sock, {"started": order["id"], "pid": pid}, handed)
        _close(handed)

    def _fork_beside(self, order, fds):
        if self.features["pid"]:
            sys_.setns(fds[0], sys_.CLONE_NEWPID)
        try:
            pid = os.fork()
            if pid == 0:
                if self.features["pid"]:
                    companion.become(order, fds, self.features)
                keeper.become(order, fds, self.features, companion.become)
            return pid
        finally:
            if self.features["pid"]:
                sys_.setns(self.own_pids, sys_.CLONE_NEWPID)

    def _open_socket(self, order, fds):
        """A name space of the network is a matter of where the socket is made, not of where it is used."""
        answer, made = {"socket": order["id"]}, []
        try:
            sys_.setns(fds[0], sys_.CLONE_NEWNET)
            try:
                made.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            finally:
                sys_.setns(self.own_network, sys_.CLONE_NEWNET)
        except OSError as error:
            answer["error"] = str(error)
        packets.send(self.sock, answer, [each.fileno() for each in made])
        for each in made:
            each.close()

    def _let_code_in(self, order, fds):
        """Mount in the instance's name space, as it has no right to mount itself."""
        answer = {"mounted": order["id"]}
        try:
            for target in order["targets"]:
                os.makedirs(target, 0o755, exist_ok=True)
            pidfd = self.pidfds.pop(order["id"])  # only for this: what is kept here is copied into every instance and closed there
            try:
                sys_.setns(pidfd, sys_.CLONE_NEWNS)
            finally:
                os.close(pidfd)
            try:
                for target, fd in zip(order["targets"], fds):
                    sys_.attach_tree(fd, target)
                if order["tmp_mb"]:
                    instance.resize_tmp(order["tmp_mb"])
            finally:
                sys_.setns(self.own_mounts, sys_.CLONE_NEWNS)
        except (OSError, KeyError) as error:
            answer["error"] = str(error)
        packets.send(self.sock, answer)

    def _reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.instances:
                name = self.instances.pop(pid)
                if name in self.pidfds:
                    os.close(self.pidfds.pop(name))
                packets.send(self.sock, {"ended": name, "status": status})


def _load(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return


def _close(fds):
    for fd in fds:
        os.close(fd)


def _watch_children():
    """A descriptor that becomes readable when a child has ended."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, _nothing)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _nothing(number, frame):
    return None
