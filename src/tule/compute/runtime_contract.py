"""The contract between the supervisor and a runtime family (Python over a socket pair; everything else over the Runtime API).

The supervisor owns instances: sandbox, limits, time-outs, logs, freezing, killing.  A `Runtime` says how an instance of its
family is launched, and gives a `Link` through which one started instance is initialised and invoked.  A Link never has to watch
for the death of its process or for time-outs: the supervisor races both against every call and cancels it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tule.compute.compute import FunctionSpec
from tule.compute.instance_api import InstanceApi


@dataclass(slots=True, frozen=True)
class Mount:
    """A host directory or file shown read-only at `target` inside (at sandbox levels 3 and 4 the host path is used as it is)."""

    source: Path
    target: str


@dataclass(slots=True, frozen=True)
class Interpreter:
    """A language interpreter on this host.  `exact` is False when a near version stands in for the one that was named."""

    version: str  # 3.12, 20
    executable: Path
    prefixes: tuple[Path, ...] = ()  # directories outside /usr, /lib*, /bin that it needs, shown read-only at the same path
    exact: bool = True
    warning: str = ""  # said in the function's log when not exact


@dataclass(slots=True, frozen=True)
class Limits:
    memory_mb: int = 128
    tmp_mb: int = 512
    processes: int = 1024  # AWS: processes and threads of an execution environment
    open_files: int = 1024


@dataclass(slots=True, frozen=True)
class SpawnRequest:
    """A program to execute in a sandbox.

    `argv[0]` is a path inside (see `Mount`; /usr, /bin, /lib* and /etc's harmless part are always there, /var/task and /opt come
    with the function).  `fds` are descriptors of the node that the program finds under the numbers given as keys (3 and up);
    they are duplicated, the caller still closes its own.  stdin is /dev/null; stdout and stderr go to the function's log.
    With `control=True` the program finds one end of a socket pair as descriptor 3 (named in TULE_CONTROL_FD) and the Link gets
    the other as `Spawned.control`: for workers that are parked before their function is known.
    `wrapper` is a program of the function's own that gets the command as its arguments (see `wrappers.py`), once its code is there.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: str = "/var/task"
    mounts: tuple[Mount, ...] = ()
    fds: Mapping[int, int] = field(default_factory=dict[int, int])
    limits: Limits = field(default_factory=Limits)
    control: bool = False
    wrapper: str = ""


@dataclass(slots=True, frozen=True)
class ZygoteRequest:
    """A fork of the Python zygote of this interpreter, which speaks `inside/python_runtime.py`'s frames over its control socket.

    With `wrapper`, that program is executed in the fork, with the command that starts the same runtime anew as its arguments.
    """

    interpreter: Interpreter
    sdk_path: Path | None = None
    wrapper: str = ""


Launch = SpawnRequest | ZygoteRequest


@dataclass(slots=True)
class Spawned:
    """One started sandbox, as a Link sees it."""

    id: str
    level: int  # 1 and 2 have namespaces: paths are /var/task, /opt; at 3 and 4 `task_root` and `opt_root` are host paths
    task_root: str
    opt_root: str
    environment: Mapping[str, str]  # what the function's process has or, when parked, must be given late
    control: socket.socket | None
    api: InstanceApi  # the HTTP server on AWS_LAMBDA_RUNTIME_API


@dataclass(slots=True, frozen=True)
class Request:
    """One invocation for the runtime.  AWS: Runtime API, GET /runtime/invocation/next, headers."""

    payload: bytes
    request_id: str
    deadline_ms: int  # wall clock, Unix milliseconds
    function_arn: str
    client_context: str | None = None  # JSON text
    cognito_identity: str | None = None  # JSON text
    trace: str | None = None
    tenant: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])  # variables that changed since, such as renewed credentials


@dataclass(slots=True, frozen=True)
class Outcome:
    """The runtime's answer.  With `error`, `payload` is the error document."""

    payload: bytes
    error: Literal["Unhandled", "Handled"] | None = None
    memory_kb: int = 0  # the most that the runtime's process ever had in memory, if it says so


class InitFailed(Exception):
    """The runtime could not load the function; `document` is the error document (errorType, errorMessage, stackTrace)."""

    def __init__(self, error_type: str, document: bytes) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.document = document


class ResponseTooLarge(Exception):
    """The answer is above 6 MB (`size` bytes); the instance survives."""

    def __init__(self, size: int) -> None:
        super().__init__(str(size))
        self.size = size


class Answer(Protocol):
    """Where an answer goes that a runtime gives piece by piece."""

    def begin(self, content_type: str) -> None:
        """Once, before anything is written."""
        ...

    async def write(self, chunk: bytes) -> None:
        """Waits while whoever reads is slow.  Raises ResponseTooLarge."""
        ...


class Link(Protocol):
    """The way to one instance.  All methods run on the loop; each may be cancelled, after which only `close` is called.

    `renews` says whether `Request.environment` reaches the function: an instance that cannot be given fresh credentials is
    ended before its own run out.
    """

    renews: bool

    async def initialize(self) -> None:
        """Let the function's code be loaded (extensions registered); return when it waits for its first event.  Raises InitFailed."""
        ...

    async def invoke(self, request: Request, answer: Answer) -> Outcome:
        """A streamed answer goes to `answer`, and the outcome's payload is empty then or, after a late error, its document.

        Raises ResponseTooLarge, InitFailed (reported late); a connection lost waits for the supervisor's cancellation.
        """
        ...

    @property
    def settled(self) -> bool:
        """The runtime has asked for its next event, so that nothing of an invocation goes on."""
        ...

    async def settle(self) -> None:
        """Wait for that."""
        ...

    def close(self) -> None:
        """Give back sockets and tasks; the process is already being ended by the supervisor."""
        ...


class Runtime(Protocol):
    """One runtime family."""

    @property
    def parkable(self) -> bool:
        """Instances can be started ahead: launched without a function, given one later (needs `control` or a zygote)."""
        ...

    def launch(self, runtime: str, function: FunctionSpec | None) -> Launch:
        """How to start an instance for the runtime named so; with `function=None`, a parked one.  Raises FunctionUnavailable."""
        ...

    def environment(self, function: FunctionSpec) -> Mapping[str, str]:
        """Variables of the family, such as AWS_EXECUTION_ENV, LANG, PATH, PYTHONPATH or NODE_PATH."""
        ...

    def connect(self, function: FunctionSpec, spawned: Spawned, loop: asyncio.AbstractEventLoop) -> Link: ...


class Runtimes(Protocol):
    """Which family runs a runtime's name (`runtimes.py`)."""

    def family(self, runtime: str) -> Runtime:
        """Raises FunctionUnavailable for a name that nothing here runs."""
        ...

    def prefixes(self) -> Sequence[Path]:
        """Directories outside /usr that the programs of SpawnRequests need, shown read-only at the same path."""
        ...

    def warning(self, runtime: str, packages: Sequence[Path] = ()) -> str:
        """What to say of a runtime whose version is not installed and for which another stands in; else empty.

        `packages` are the directories of code and layers, of which it may depend what stands in.
        """
        ...

    def describe(self) -> Mapping[str, object]: ...
