"""Control groups of instances: memory, number of processes, freezing.  Version 1, version 2, or both at once; or none.

An instance's /tmp is in memory and is charged to its group, but on AWS it is not part of the function's memory.  So the hard
limit is memory plus /tmp, and a watch at the function's memory looks at what is really the processes' own: above the limit
they are out of memory, else the watch moves up.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
WATCH_STEP = 4 << 20
MEMORY_FOR_OURSELVES = 8 << 20  # the first process, page tables
IN_MODIFY, IN_CLOEXEC, IN_NONBLOCK = 2, os.O_CLOEXEC, os.O_NONBLOCK


@dataclass(slots=True, frozen=True)
class Hierarchies:
    """The directories in which this node makes its groups; None where it cannot."""

    memory: Path | None = None
    memory_v2: bool = False
    pids: Path | None = None
    freezer: Path | None = None
    freezer_v2: bool = False

    def parents(self) -> set[Path]:
        return {path for path in (self.memory, self.pids, self.freezer) if path is not None}

    def describe(self) -> dict[str, str]:
        version = {"memory": self.memory_v2, "freezer": self.freezer_v2}
        return {name: f"v{1 + version.get(name, self.memory_v2)}" for name in ("memory", "pids", "freezer") if getattr(self, name)}


def find() -> Hierarchies:
    """Look for hierarchies that can be written to, and make this node's own directory in each."""
    if not MOUNT.is_dir():
        return Hierarchies()
    own = _own_groups()
    unified = _unified_parent(own)
    controllers = (unified / "cgroup.controllers").read_text().split() if unified else []
    memory = unified if unified and "memory" in controllers else _v1_parent("memory", own)
    pids = unified if unified and "pids" in controllers else _v1_parent("pids", own)
    freezes = unified is not None and _has_freeze(unified)
    return Hierarchies(memory, memory is not None and memory == unified, pids, unified if freezes else _v1_parent("freezer", own), freezes)


def _own_groups() -> dict[str, str]:
    """Controller -> path of this process's group; version 2 has the empty name."""
    groups: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            groups[name] = path
    return groups


def _unified_parent(own: dict[str, str]) -> Path | None:
    mount = MOUNT if (MOUNT / "cgroup.controllers").exists() else MOUNT / "unified"
    if not (mount / "cgroup.controllers").exists() or "" not in own:
        return None
    mine = mount / own[""].lstrip("/")
    found: Path | None = None
    for base in dict.fromkeys((mine.parent if mine != mount else mine, mine, mount)):
        made = _directory(base)
        if made is None:
            continue
        wanted = [name for name in ("memory", "pids") if name in (made / "cgroup.controllers").read_text().split()]
        with suppress(OSError):
            (made / "cgroup.subtree_control").write_text(" ".join("+" + name for name in wanted))
        if "memory" in wanted:
            return made
        if found is None:
            found = made
        else:
            made.rmdir()
    return found


def _v1_parent(controller: str, own: dict[str, str]) -> Path | None:
    mount = MOUNT / controller
    if controller not in own or not (mount / "cgroup.procs").exists():
        return None
    for base in (mount / own[controller].lstrip("/"), mount):
        made = _directory(base)
        if made is not None:
            return made
    return None


def _has_freeze(parent: Path) -> bool:
    trial = parent / "trial"
    try:
        trial.mkdir()
        return (trial / "cgroup.freeze").exists()
    except OSError:
        return False
    finally:
        with suppress(OSError):
            trial.rmdir()


def _directory(base: Path) -> Path | None:
    path = base / f"tule-{os.getpid()}"
    try:
        path.mkdir(exist_ok=True)
        _sweep(base)
    except OSError:
        return None
    return path


def _sweep(base: Path) -> None:
    """Groups that a killed node left behind."""
    for old in base.glob("tule-*"):
        pid = re.fullmatch(r"tule-(\d+)", old.name)
        if pid and not Path("/proc", pid[1]).exists():
            remove_tree(old)


def remove_tree(parent: Path) -> None:
    with suppress(OSError):
        for child in [each for each in parent.iterdir() if each.is_dir()]:
            for name, text in (("freezer.state", "THAWED"), ("cgroup.kill", "1"), ("cgroup.freeze", "0")):
                if (child / name).exists():
                    with suppress(OSError):
                        (child / name).write_text(text)
            child.rmdir()
        parent.rmdir()


class Group:
    """The groups of one instance."""

    def __init__(self, hierarchies: Hierarchies, name: str) -> None:
        self._hierarchies = hierarchies
        self._paths = [parent / name for parent in hierarchies.parents()]
        self._memory = hierarchies.memory / name if hierarchies.memory else None
        self._freezer = hierarchies.freezer / name if hierarchies.freezer else None
        for path in self._paths:
            path.mkdir()
        if hierarchies.pids:
            self._pids = hierarchies.pids / name
        self._frozen = False
        self._oom_killed, self._peak = False, 0
        self._watch: _Watch | None = None

    @property
    def can_freeze(self) -> bool:
        return self._freezer is not None

    def doors(self) -> Iterator[int]:
        """Descriptors through which a process enters, by writing `0`; the caller closes them."""
        for path in self._paths:
            yield os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)

    def limit_processes(self, count: int) -> None:
        if self._hierarchies.pids:
            _write(self._pids / "pids.max", str(count))

    def limit_memory(self, memory_mb: int, tmp_mb: int, exceeded: Callable[[], None]) -> None:
        """`exceeded` is called on the loop when the processes themselves use more than `memory_mb`."""
        if self._memory is None:
            return
        hard = ((memory_mb + tmp_mb) << 20) + MEMORY_FOR_OURSELVES
        v2 = self._hierarchies.memory_v2
        _write(self._memory / ("memory.max" if v2 else "memory.limit_in_bytes"), str(hard))
        if v2:
            with suppress(OSError):
                _write(self._memory / "memory.swap.max", "0")
        limit = memory_mb << 20
        self._watch = (_HighWatch if v2 else _ThresholdWatch)(self._memory, limit, exceeded)

    def freeze(self) -> None:
        self._set_frozen(True)

    def thaw(self) -> None:
        self._set_frozen(False)

    def _set_frozen(self, frozen: bool) -> None:
        if self._freezer is None or frozen == self._frozen:
            return
        if self._hierarchies.freezer_v2:
            _write(self._freezer / "cgroup.freeze", "1" if frozen else "0")
        else:
            _write(self._freezer / "freezer.state", "FROZEN" if frozen else "THAWED")
        self._frozen = frozen

    def out_of_memory(self) -> bool:
        """The kernel killed a process of this group for memory."""
        self._look()
        return self._oom_killed

    def peak_bytes(self) -> int:
        """The most that was ever in use, files read included."""
        self._look()
        return self._peak

    def _look(self) -> None:
        """What is known stays known when the group is gone."""
        if self._memory is None:
            return
        v2 = self._hierarchies.memory_v2
        with suppress(OSError):
            text = (self._memory / ("memory.events" if v2 else "memory.oom_control")).read_text()
            self._oom_killed = bool(re.search(r"^oom_kill [1-9]", text, re.MULTILINE))
            self._peak = int((self._memory / ("memory.peak" if v2 else "memory.max_usage_in_bytes")).read_text())

    def kill(self) -> None:
        """Frozen processes of version 1 do not die before they are thawed."""
        if self._frozen and not self._hierarchies.freezer_v2:
            self.thaw()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def remove(self) -> bool:
        """False while a process is still dying in it."""
        self._look()
        left: list[Path] = []
        for path in self._paths:
            try:
                path.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                left.append(path)
        self._paths = left
        return not left


class _Watch:
    """Calls `exceeded` once the anonymous memory of a group is above `limit`.

    Arming takes the kernel some milliseconds, in which it does nothing but wait: that is done in a thread.
    """

    stat_name = ""

    def __init__(self, group: Path, limit: int, exceeded: Callable[[], None]) -> None:
        self._group = group
        self._limit = limit
        self._exceeded = exceeded
        self._fd = -1
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._arming = self._loop.create_task(self._arm(limit))

    async def _arm(self, threshold: int) -> None:
        with suppress(OSError):  # the group is gone
            fd = await asyncio.to_thread(self._ask, threshold)
            if self._closed:
                os.close(fd)
                return
            self._fd = fd
            self._loop.add_reader(fd, self._crossed)
            if self._usage() >= threshold:
                self._crossed()

    def _ask(self, threshold: int) -> int:
        """A descriptor that becomes readable when the usage crosses `threshold`."""
        raise NotImplementedError

    def _crossed(self) -> None:
        self._disarm()
        with suppress(OSError):
            own = self._own()
            if own >= self._limit:
                self._exceeded()
            else:
                self._arming = self._loop.create_task(self._arm(self._usage() + max(self._limit - own, WATCH_STEP)))

    def _own(self) -> int:
        found = re.search(rf"^{self.stat_name} (\d+)$", (self._group / "memory.stat").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0

    def _usage(self) -> int:
        raise NotImplementedError

    def _disarm(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def close(self) -> None:
        """An arming on its way finds its group gone, or is closed when it arrives."""
        self._closed = True
        self._disarm()


class _ThresholdWatch(_Watch):
    """Version 1: an event descriptor that is told when usage crosses a threshold."""

    stat_name = "total_rss"

    def _ask(self, threshold: int) -> int:
        fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        usage = -1
        try:
            usage = os.open(self._group / "memory.usage_in_bytes", os.O_RDONLY | os.O_CLOEXEC)
            _write(self._group / "cgroup.event_control", f"{fd} {usage} {threshold}")
        except OSError:
            os.close(fd)
            raise
        finally:
            if usage >= 0:
                os.close(usage)
        return fd

    def _usage(self) -> int:
        return int((self._group / "memory.usage_in_bytes").read_text())


class _HighWatch(_Watch):
    """Version 2: memory.high as the threshold; memory.events changes when it is crossed."""

    stat_name = "anon"

    def _ask(self, threshold: int) -> int:
        libc = ctypes.CDLL(None, use_errno=True)
        fd = libc.inotify_init1(IN_CLOEXEC | IN_NONBLOCK)
        libc.inotify_add_watch(fd, os.fsencode(self._group / "memory.events"), IN_MODIFY)
        try:
            _write(self._group / "memory.high", str(threshold))
        except OSError:
            os.close(fd)
            raise
        return fd

    def _usage(self) -> int:
        return int((self._group / "memory.current").read_text())


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
