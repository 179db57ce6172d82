"""The contract of compute: run this function on this payload, in a sandbox, and say how it went.

An instance is one sandboxed process group that serves one invocation at a time, is reused while warm, frozen between
invocations, and reaped when idle.  `invoke` takes an idle instance of the same `FunctionSpec.key`, or starts one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

InitializationType = Literal["on-demand", "provisioned-concurrency", "snap-start"]
LogFormat = Literal["Text", "JSON"]
HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response"
"""Content type of a streamed answer that begins with its metadata: JSON (statusCode, headers, cookies), eight NUL bytes, the body."""


@dataclass(slots=True, frozen=True)
class FunctionSpec:
    """All that an instance is made of.  Two specs with the same `key` share instances, so `key` names the function, its
    version and the revision of its configuration and code.

    `code` is a directory with the unpacked package (mounted read-only at /var/task), `layers` are directories laid over
    one another at /opt in order.  `environment` are the user's variables; the documented AWS_* and _HANDLER ones are added
    by compute.  `log_group` is for AWS_LAMBDA_LOG_GROUP_NAME.  `log_format` and the two levels are those of LoggingConfig
    (ApplicationLogLevel, SystemLogLevel; empty where it names none, which with JSON means INFO).
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
    log_format: LogFormat = "Text"
    application_log_level: str = ""  # TRACE, DEBUG, INFO, WARN, ERROR, FATAL
    system_log_level: str = ""  # DEBUG, INFO, WARN
    tenant: str = ""  # whose instances these are, where each tenant of the function has its own; part of `key`
    snap_start: bool = False  # AWS_LAMBDA_INITIALIZATION_TYPE says so; instances start as those on demand do


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
    `lines` every line of this invocation with START, END and REPORT.  Of an answer that was streamed, `payload` is empty.
    `initialization` says on what kind of instance it ran.
    """

    payload: bytes
    error: Literal["Unhandled", "Handled"] | None
    log_stream: str
    lines: tuple[LogLine, ...]
    duration_ms: float
    billed_ms: int
    init_ms: float | None
    max_memory_mb: int
    initialization: InitializationType = "on-demand"


class InvocationStream(Protocol):
    """An invocation whose answer is read while it is written.

        stream = await compute.invoke_streaming(...)
        async for chunk in stream:
            ...
        invocation = await stream.end()

    It exists once the answer has begun, or ended without one: `content_type` is known then.  A function that does not stream
    gives its whole answer as one chunk.  When it fails, no more chunks come, and `end()` has `error` and the error document as
    `payload`: also in the middle of an answer (a runtime's error trailers, time-out, exit, more than 200 MB).
    AWS: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
    """

    @property
    def content_type(self) -> str:
        """What the runtime said: `application/octet-stream`, HTTP_INTEGRATION, another, or `application/json` of a whole answer."""
        ...

    @property
    def streamed(self) -> bool:
        """False when the function answered with a whole answer, or failed before any."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def end(self) -> Invocation:
        """How it went; waits for that, so read the chunks first (or `discard`)."""
        ...

    def discard(self) -> None:
        """Nobody reads any more: what is still written is thrown away, and the function runs to its end, as on AWS."""
        ...


@dataclass(slots=True, frozen=True)
class Provisioned:
    """How many instances are initialised; and the error document of the last one that could not be, while some are missing."""

    available: int
    failure: bytes | None = None


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

    async def invoke_streaming(
        self,
        function: FunctionSpec,
        payload: bytes,
        *,
        request_id: str,
        credentials: Callable[[], Credentials] | None = None,
        client_context: str | None = None,
        cognito_identity: str | None = None,
        trace: str | None = None,
    ) -> InvocationStream:
        """Like `invoke`, but returns when the answer begins.  Raises FunctionUnavailable."""
        ...

    async def provision(self, function: FunctionSpec, count: int, *, credentials: Callable[[], Credentials] | None = None) -> Provisioned:
        """Keep `count` initialised instances of this spec's key for as long as the node runs; one that ends is replaced.

        Returns when they are ready, or one of them could not be initialised (`failure`); raises FunctionUnavailable.  Called
        again, it changes the number; 0, or `retire`, gives them up.  `invoke` takes them first and goes on demand beyond.
        """
        ...

    def provisioned(self, key: str) -> Provisioned:
        """How it stands at the moment."""
        ...

    def on_late_lines(self, take: Callable[[FunctionSpec, str, tuple[LogLine, ...]], None]) -> None:
        """Give `take` (function, log stream, lines) what instances write when no invocation carries it: while provisioned ones
        are initialised, when extensions outlast the answer, and when an instance ends."""
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
