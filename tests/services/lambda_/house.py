"""A node in the test's own process, with instances that do what the test says: for what depends on how functions go."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.postgres import node_database
from tests.services.lambda_.functions import ECHO, TRUST_LAMBDA, WRITE_LOGS, zipped
from tule.access.principal import root
from tule.app import App, build
from tule.backbone.clockwork import advance
from tule.compute.compute import Credentials, FunctionSpec, Invocation, LogLine, Provisioned
from tule.core.clock import Clock
from tule.core.config import Config
from tule.services.lambda_.running import functions

ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass(slots=True)
class Run:
    spec: FunctionSpec
    payload: Any
    request_id: str
    credentials: Credentials | None
    client_context: str | None
    trace: str | None = None


def succeed(run: Run) -> Any:
    return run.payload


def fail(run: Run) -> Any:
    raise RuntimeError("boom")


@dataclass(slots=True)
class ScriptedCompute:
    """`behave` is what every function does; it returns the answer or raises.  `hold`, when set, keeps invocations running."""

    clock: Clock
    behave: Callable[[Run], Any] = succeed
    hold: asyncio.Event | None = None
    lines: tuple[str, ...] = ("START\n", "END\n")
    runs: list[Run] = field(default_factory=list[Run])
    retired: list[str] = field(default_factory=list[str])
    prepared: list[str] = field(default_factory=list[str])
    kept: dict[str, int] = field(default_factory=dict[str, int])  # provisioned instances by key
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

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
        run = Run(function, json.loads(payload), request_id, credentials() if credentials else None, client_context, trace)
        self.runs.append(run)
        self.started.set()
        if self.hold is not None:
            await self.hold.wait()
        lines = tuple(LogLine(self.clock.now_ms(), text) for text in self.lines)
        try:
            answered = self.behave(run)
            answer, error = json.dumps(await answered if inspect.isawaitable(answered) else answered).encode(), None
        except RuntimeError as raised:
            answer, error = json.dumps({"errorMessage": str(raised), "errorType": "RuntimeError"}).encode(), "Unhandled"
        return Invocation(answer, error, f"2026/01/01/[{function.version}]{'0' * 32}", lines, 1.0, 1, None, 30)

    async def invoke_streaming(self, function: FunctionSpec, payload: bytes, **settings: Any) -> ScriptedStream:
        return ScriptedStream(await self.invoke(function, payload, **settings))

    async def provision(self, function: FunctionSpec, count: int, *, credentials: Callable[[], Credentials] | None = None) -> Provisioned:
        self.kept[function.key] = count
        return self.provisioned(function.key)

    def provisioned(self, key: str) -> Provisioned:
        return Provisioned(self.kept.get(key, 0))

    def on_late_lines(self, take: Callable[[FunctionSpec, str, tuple[LogLine, ...]], None]) -> None: ...

    def retire(self, key_prefix: str) -> None:
        self.retired.append(key_prefix)
        self.kept = {key: count for key, count in self.kept.items() if not key.startswith(key_prefix)}

    def prepare(self, runtime: str) -> None:
        self.prepared.append(runtime)

    async def look(self) -> None: ...

    def warning(self, runtime: str, packages: Sequence[Path] = ()) -> str:
        return "Python 3.11 stands in for it." if runtime == "python3.14" else ""

    def describe(self) -> Mapping[str, object]:
        return {"sandbox": {"level": 4}}


class ScriptedStream:
    """A whole answer, as one chunk."""

    content_type = "application/json"
    streamed = False

    def __init__(self, done: Invocation) -> None:
        self._done = done

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        if self._done.error is None:
            yield self._done.payload

    async def end(self) -> Invocation:
        return self._done

    def discard(self) -> None: ...


class House:
    """A running node with scripted instances; `call` is the account's root calling any service."""

    def __init__(self, app: App, compute: ScriptedCompute) -> None:
        self.app = app
        self.node = app.node
        self.compute = compute

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return await self.node.dispatcher.invoke(service, operation, params, principal=root(ACCOUNT), region=REGION)

    async def lam(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.call("lambda", operation, **params)

    async def function(self, name: str = "fun", *, logs: bool = True, actions: Sequence[str] = (), **settings: Any) -> None:
        """`actions` is what its role may do besides writing logs."""
        trust = json.dumps(TRUST_LAMBDA)
        made = await self.call("iam", "CreateRole", RoleName=f"{name}-role", AssumeRolePolicyDocument=trust)
        if logs:
            document = json.dumps(WRITE_LOGS)
            await self.call("iam", "PutRolePolicy", RoleName=f"{name}-role", PolicyName="logs", PolicyDocument=document)
        if actions:
            allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
            await self.call("iam", "PutRolePolicy", RoleName=f"{name}-role", PolicyName="actions", PolicyDocument=json.dumps(allowed))
        given = {"Runtime": "python3.12", "Handler": "index.handler", "Code": {"ZipFile": zipped(index=ECHO)}} | settings
        await self.lam("CreateFunction", FunctionName=name, Role=made["Role"]["Arn"], **given)

    async def invoke(self, payload: Any = None, name: str = "fun", **params: Any) -> dict[str, Any]:
        return await self.lam("Invoke", FunctionName=name, Payload=json.dumps(payload).encode(), **params)

    async def event(self, payload: Any = None, name: str = "fun") -> None:
        assert (await self.invoke(payload, name, InvocationType="Event"))["StatusCode"] == 202

    async def settle(self) -> None:
        """Until all that is due has run."""
        await self.node.jobs.settle()

    async def advance(self, seconds: float) -> None:
        await advance(self.node.jobs, self.node.clock, int(seconds * 1000))

    async def logged(self, group: str = "/aws/lambda/fun") -> list[str]:
        await functions(self.node).shipper.flush()
        messages: list[str] = []
        token: dict[str, str] = {}
        while True:
            found = await self.call("logs", "FilterLogEvents", logGroupName=group, **token)
            messages += [event["message"] for event in found["events"]]
            if "nextToken" not in found:
                return messages
            token = {"nextToken": found["nextToken"]}


@asynccontextmanager
async def opened(data: Path, kind: str = "sqlite") -> AsyncGenerator[House]:
    url = node_database() if kind == "postgresql" else ""
    app = await build(Config(data=str(data), port=0, store=url, chaos=kind == "chaos"))
    compute = ScriptedCompute(app.node.clock)
    await app.node.compute.stop()
    app.node.compute = compute
    await app.start()
    await app.loaded()
    try:
        yield House(app, compute)
    finally:
        await app.stop()
