"""One invocation: a cold start with its second try, the event, and everything that the log and the answer say about it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tule.compute import failures, platform_events, reports
from tule.compute.answers import AnswerStream, WholeAnswer
from tule.compute.compute import Credentials, FunctionSpec, InitializationType, Invocation
from tule.compute.failures import Failure
from tule.compute.instances import Instance
from tule.compute.platform_events import Phase
from tule.compute.race import Race
from tule.compute.runtime_contract import InitFailed, Outcome, Request, ResponseTooLarge
from tule.compute.sandboxes import Sandboxes
from tule.core.clock import Clock, iso8601

INIT_LIMIT_S = 10.0  # AWS: the Init phase is limited to 10 seconds
INIT_AHEAD_LIMIT_S = 130.0  # AWS: for provisioned concurrency to 130, or the function's time-out if that is longer
QUIET_GRACE_S = 0.02  # what is done so soon after the answer does not delay it by much, and its log is whole

Start = Callable[[str], Awaitable[tuple[Instance, Sandboxes]]]


@dataclass(slots=True, frozen=True)
class Caller:
    """What is invoked, with what, for whom."""

    function: FunctionSpec
    request: Request
    credentials: Callable[[], Credentials] | None
    clock: Clock
    initialization: InitializationType = "on-demand"
    own_trace: str = ""  # for the function to find when its caller has none: on AWS there always is one


class ColdStart:
    """Starts an instance.  What fails while it is initialised is tried once more, on the function's own time."""

    def __init__(self, caller: Caller, begin: Start, end: Callable[[Instance], None], log_stream: str, warning: str) -> None:
        """`begin` starts an instance with this log stream; `warning` goes into the log, when the runtime is not quite the one named."""
        self.spent_s = 0.0  # of the function's time, when the second try succeeded
        self.failed: Invocation | None = None
        self._caller = caller
        self._begin = begin
        self._end = end
        self._log_stream = log_stream
        self._warning = warning

    async def instance(self) -> Instance | None:
        """None when it `failed`.  Raises FunctionUnavailable."""
        began = time.perf_counter()
        first, sandboxes = await self._started()
        failure = await self._initialize(first, sandboxes, INIT_LIMIT_S, "init", began)
        if failure is None:
            first.init_ms = _ms_since(began)
            return first
        return await self._again(first)

    async def ahead(self) -> tuple[Instance, Failure | None]:
        """Before there is an invocation, and so without a second try.  Raises FunctionUnavailable."""
        began = time.perf_counter()
        instance, sandboxes = await self._started()
        failure = await self._initialize(instance, sandboxes, max(INIT_AHEAD_LIMIT_S, self._caller.function.timeout_s), "init", began)
        instance.init_ms = _ms_since(began)
        instance.sandbox.log.drain()
        return instance, failure

    async def _started(self) -> tuple[Instance, Sandboxes]:
        function = self._caller.function
        instance, sandboxes = await self._begin(self._log_stream)
        instance.platform.tell(platform_events.init_start(function, self._caller.initialization))
        for warning in filter(None, (self._warning, *function.warnings)):
            instance.platform.warn(warning)
        return instance, sandboxes

    async def _again(self, first: Instance) -> Instance | None:
        caller, function = self._caller, self._caller.function
        first.sandbox.log.drain()
        lines = first.sandbox.log.take()
        self._end(first)
        began = time.perf_counter()
        second, sandboxes = await self._begin(self._log_stream)
        second.sandbox.log.prepend(lines)
        failure = await self._initialize(second, sandboxes, function.timeout_s, "invoke", began)
        self.spent_s = time.perf_counter() - began
        if failure is None:
            return second
        second.sandbox.log.drain()
        request = caller.request
        second.platform.tell(platform_events.start(request.request_id, function.version, request.trace))
        self.failed = _conclude(caller, second, self.spent_s * 1000, None, failure)
        self._end(second)
        return None

    async def _initialize(self, instance: Instance, sandboxes: Sandboxes, limit_s: float, phase: Phase, began: float) -> Failure | None:
        caller, failure = self._caller, None
        kind, platform = caller.initialization, instance.platform
        try:
            async with Race(instance.sandbox.ended, limit_s) as race:
                try:
                    await instance.initialize(sandboxes)
                    platform.tell(platform_events.init_runtime_done(kind, phase, None))
                    await instance.initialized()
                except InitFailed as failed:
                    failure = failures.reported(failed.error_type, _with_request(failed.document, caller.request.request_id))
        except BaseException:
            self._end(instance)
            raise
        failure = failure or _loss(race, caller, instance)
        if failure is not None:
            platform.tell(platform_events.init_runtime_done(kind, phase, failure))
        platform.tell(platform_events.init_report(kind, phase, _ms_since(began), failure))
        return failure


@dataclass(slots=True)
class Ran:
    """`invocation` is for the caller; `alive` says whether the instance may serve again, once `rest` is done, if there is any:
    extensions that still work, and then REPORT."""

    invocation: Invocation
    alive: bool
    rest: asyncio.Task[bool] | None = None


async def run(
    caller: Caller,
    instance: Instance,
    cold: ColdStart | None,
    answer: WholeAnswer | AnswerStream,
    late: Callable[[Instance], None],
) -> Ran:
    """The event goes in, and the answer comes out.  `late` takes the lines of what outlasts the answer."""
    function, request = caller.function, caller.request
    instance.wake()
    log, platform = instance.sandbox.log, instance.platform
    platform.tell(platform_events.start(request.request_id, function.version, request.trace))
    spent_s = cold.spent_s if cold else 0.0
    left_s = function.timeout_s - spent_s
    variables = instance.renewed(caller.credentials, caller.clock.now_ms())
    deadline_ms, trace = int((time.time() + left_s) * 1000), request.trace or caller.own_trace or None
    request = dataclasses.replace(request, deadline_ms=deadline_ms, environment=variables, trace=trace)
    began = time.perf_counter()
    outcome: Outcome | None = None
    failure: Failure | None = None
    alive = True
    async with Race(instance.sandbox.ended, left_s) as race:
        try:
            if instance.extensions:
                instance.extensions.invoke(request)
            outcome = await instance.link.invoke(request, answer)
        except ResponseTooLarge:
            failure = failures.response_too_large()
        except InitFailed as failed:
            failure, alive = failures.reported(failed.error_type, _with_request(failed.document, request.request_id)), False
    duration_ms = _ms_since(began) + spent_s * 1000
    if race.lost is not None:
        outcome, failure, alive = None, _loss(race, caller, instance), False
    elif failure is None and answer.size > answer.limit:
        failure = failures.response_too_large(answer.limit)
    elif outcome is not None and outcome.error is None and answer.begun:
        outcome = dataclasses.replace(outcome, payload=answer.payload())
    if race.lost == "time":
        duration_ms = function.timeout_s * 1000
    log.drain()
    produced = answer.size or len(outcome.payload if outcome else b"")
    failed = outcome is not None and outcome.error is not None
    platform.tell(platform_events.runtime_done(request.request_id, caller.request.trace, duration_ms, produced, failure, failed))
    init_ms, instance.init_ms = instance.init_ms, None
    if alive and not instance.quiet:
        async with Race(instance.sandbox.ended, min(QUIET_GRACE_S, left_s - (time.perf_counter() - began))):
            await instance.become_quiet()
        if not instance.extensions.quiet:
            rest = _Rest(caller, instance, init_ms, failure, outcome, began, spent_s, late)
            return Ran(rest.so_far(), True, asyncio.get_running_loop().create_task(rest.finish()))
        duration_ms = _ms_since(began) + spent_s * 1000
        log.drain()
    return Ran(_conclude(caller, instance, duration_ms, init_ms, failure, outcome), alive)


@dataclass(slots=True, frozen=True)
class _Rest:
    """What extensions do after the answer has gone out.  AWS: functions have answered before their extensions are done since 2021."""

    caller: Caller
    instance: Instance
    init_ms: float | None
    failure: Failure | None
    outcome: Outcome | None
    began: float
    spent_s: float
    late: Callable[[Instance], None]

    def so_far(self) -> Invocation:
        duration_ms = _ms_since(self.began) + self.spent_s * 1000
        return _invocation(self.instance, duration_ms, self.init_ms, self.failure, self.outcome)

    async def finish(self) -> bool:
        """Whether the instance may serve again."""
        caller, instance = self.caller, self.instance
        left_s = caller.function.timeout_s - self.spent_s - (time.perf_counter() - self.began)
        async with Race(instance.sandbox.ended, left_s) as race:
            await instance.become_quiet()
        failure = self.failure if race.lost is None else _loss(race, caller, instance)
        duration_ms = _ms_since(self.began) + self.spent_s * 1000
        instance.sandbox.log.drain()
        _tell_end(caller, instance, duration_ms, self.init_ms, failure, self.outcome)
        self.late(instance)
        return race.lost is None


def _conclude(
    caller: Caller, instance: Instance, duration_ms: float, init_ms: float | None, failure: Failure | None, outcome: Outcome | None = None
) -> Invocation:
    _tell_end(caller, instance, duration_ms, init_ms, failure, outcome)
    return _invocation(instance, duration_ms, init_ms, failure, outcome)


def _tell_end(
    caller: Caller, instance: Instance, duration_ms: float, init_ms: float | None, failure: Failure | None, outcome: Outcome | None
) -> None:
    function, request, platform = caller.function, caller.request, instance.platform
    if failure is not None and failure.status == "timeout":
        platform.tell(platform_events.fault(failure.log))
    platform.tell(platform_events.end(request.request_id))
    used_mb = _used_mb(instance, outcome, failure)
    failed = outcome is not None and outcome.error is not None
    billed = _billed_ms(instance, duration_ms, init_ms)
    platform.tell(
        platform_events.report(request.request_id, request.trace, duration_ms, billed, function.memory_mb, used_mb, init_ms, failure, failed)
    )
    if failure is not None and failure.status == "error" and failure.log:
        platform.tell(platform_events.fault(failure.log))


def _invocation(instance: Instance, duration_ms: float, init_ms: float | None, failure: Failure | None, outcome: Outcome | None) -> Invocation:
    payload, error = (failure.document, "Unhandled") if failure else (outcome.payload, outcome.error) if outcome else (b"null", None)
    billed, used_mb = _billed_ms(instance, duration_ms, init_ms), _used_mb(instance, outcome, failure)
    kind, lines = instance.initialization, instance.sandbox.log.take()
    return Invocation(payload, error, instance.log_stream, lines, duration_ms, billed, init_ms, used_mb, kind)


def _billed_ms(instance: Instance, duration_ms: float, init_ms: float | None) -> int:
    """What was initialised before the invocation is not billed with it."""
    return reports.billed_ms(duration_ms, None if instance.provisioned else init_ms)


def _loss(race: Race, caller: Caller, instance: Instance) -> Failure | None:
    """Why the race was cut short."""
    request_id = caller.request.request_id
    if race.lost is None:
        return None
    if race.lost == "time":
        instance.cut_short()
        return failures.timed_out(request_id, caller.function.timeout_s, iso8601(caller.clock.now_ms()))
    return instance.why_ended(request_id)


def _used_mb(instance: Instance, outcome: Outcome | None, failure: Failure | None) -> int:
    limit = instance.function.memory_mb
    if failure is not None and failure.error_type == "Runtime.OutOfMemory":
        return limit
    group = instance.sandbox.group
    kilobytes = outcome.memory_kb if outcome and outcome.memory_kb else (group.peak_bytes() >> 10 if group else 0)
    return min(max(kilobytes >> 10, 1), limit)


def _with_request(document: bytes, request_id: str) -> bytes:
    """What failed before any request was known is told to the one that waits for it."""
    told = document.replace(b'"requestId": ""', f'"requestId": "{request_id}"'.encode(), 1)
    return told.replace(b'"RequestId:  Error: ', f'"RequestId: {request_id} Error: '.encode(), 1)


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
