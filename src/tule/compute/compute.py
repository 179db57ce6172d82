"""The contract of compute: run this function on this payload, in a sandbox, and say how it went.

An instance is one sandboxed process group that serves one invocation at a time, is reused while warm, frozen between
invocations, and reaped when idle.  `invoke` takes an idle instance of the same `FunctionSpec.key`, or starts one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol


@dataclass(slots=True, frozen=True)
class FunctionSpec:
    """All that an instance is made of.  Two specs with the same `key` share instances, so `key` names the function, its
    version and the revision of its configuration and code.

    `code` is a directory with the unpacked package (mounted read-only at /var/task), `layers` are directories laid over
    one another at /opt in order.  `environment` are the user's variables; the documented AWS_* and _HANDLER ones are added
    by compute.  `log_group` and `log_stream_prefix` are for AWS_LAMBDA_LOG_GROUP_NAME and ..._STREAM_NAME.
    """

    key: str
    arn: str
    name: str
    version: str
    account: str
    region: str
    runtime: str  # python3.12, nodejs22.x, provided.al2023
    handler: str
    code: Path
    layers: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    memory_mb: int = 128
    timeout_s: float = 3
    tmp_mb: int = 512
    log_group: str = ""
    architecture: str = "x86_64"
    warnings: tuple[str, ...] = ()  # what the log says after INIT_START


@dataclass(slots=True, frozen=True)
class Credentials:
    """The role session that an instance's AWS calls are signed with; renewed by compute through `credentials` before it expires."""

    access_key: str
    secret_key: str
    session_token: str
    expires_ms: int


@dataclass(slots=True, frozen=True)
class LogLine:
    at_ms: int
    text: str


@dataclass(slots=True, frozen=True)
class Invocation:
    """How an invocation went.

    `payload` is the handler's answer (JSON bytes) or, when `error` is set, AWS's error document
    (`{"errorMessage":..., "errorType":..., "stackTrace":[...]}`).  `error` is what X-Amz-Function-Error says:
    `Unhandled` (Lambda answers so for everything but custom runtimes' `Handled`).  `log_stream` is the instance's stream;
    `lines` every line of this invocation with START, END and REPORT.
    """

    payload: bytes
    error: Literal["Unhandled", "Handled"] | None
    log_stream: str
    lines: tuple[LogLine, ...]
    duration_ms: float
    billed_ms: int
    init_ms: float | None
    max_memory_mb: int


class FunctionUnavailable(Exception):
    """No instance can be had: the code cannot be mounted, the runtime is not installed, the sandbox is below the minimum."""


class Compute(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None:
        """End every instance and zygote that this node started."""
        ...

    async def invoke(
        self,
        function: FunctionSpec,
        payload: bytes,
        *,
        request_id: str,
        credentials: Callable[[], Credentials] | None = None,
        client_context: str | None = None,
        cognito_identity: str | None = None,
        trace: str | None = None,
    ) -> Invocation:
        """Raises FunctionUnavailable.  What the function itself does wrong is an Invocation with `error`."""
        ...

    def retire(self, key_prefix: str) -> None:
        """Instances whose key begins so are ended once idle (code or configuration changed, function deleted)."""
        ...

    def prepare(self, runtime: str) -> None:
        """There is a function of this runtime: start what its first invocation would have to wait for.  Returns at once."""
        ...

    async def look(self) -> None:
        """Find out what this host allows; `describe` knows it then.  About a tenth of a second, once."""
        ...

    def warning(self, runtime: str, packages: Sequence[Path] = ()) -> str:
        """What to say on a function whose runtime's version is not installed and for which another stands in; else empty.

        `packages` are the directories of code and layers, of which it may depend what stands in.
        """
        ...

    def describe(self) -> Mapping[str, object]:
        """For health and `tule doctor`: sandbox level and features (None until known, see `look`), runtimes, instances."""
        ...
