"""One invocation: a cold start with its second try, the event, and everything that the log and the answer say about it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tule.compute import failures, reports
from tule.compute.answers import AnswerStream, WholeAnswer
from tule.compute.compute import Credentials, FunctionSpec, InitializationType, Invocation
from tule.compute.failures import Failure
from tule.compute.instances import Instance
from tule.compute.race import Race
from tule.compute.runtime_contract import InitFailed, Outcome, Request, ResponseTooLarge
from tule.core.clock import Clock, iso8601

INIT_LIMIT_S = 10.0  # AWS: the Init phase is limited to 10 seconds
INIT_AHEAD_LIMIT_S = 130.0  # AWS: for provisioned concurrency to 130, or the function's time-out if that is longer


@dataclass(slots=True, frozen=True)
class Caller:
    """What is invoked, with what, for whom."""

    function: FunctionSpec
    request: Request
    credentials: Callable[[], Credentials] | None
    clock: Clock
    initialization: InitializationType = "on-demand"


class ColdStart:
    """Starts an instance.  What fails while it is initialised is tried once more, on the function's own time."""

    def __init__(
        self, caller: Caller, begin: Callable[[str], Awaitable[Instance]], end: Callable[[Instance], None], log_stream: str, warning: str
    ) -> None:
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
        first = await self._started()
        failure = await self._initialize(first, INIT_LIMIT_S)
        init_ms = _ms_since(began)
        if failure is None:
            first.init_ms = init_ms
            return first
        first.sandbox.log.add(reports.init_report(init_ms, "init", failure))
        return await self._again(first)

    async def ahead(self) -> tuple[Instance, Failure | None]:
        """Before there is an invocation, and so without a second try; one that failed has been ended.  Raises FunctionUnavailable."""
        began = time.perf_counter()
        instance = await self._started()
        failure = await self._initialize(instance, max(INIT_AHEAD_LIMIT_S, self._caller.function.timeout_s))
        instance.init_ms = _ms_since(began)
        if failure is not None:
            instance.sandbox.log.add(reports.init_report(instance.init_ms, "init", failure))
        instance.sandbox.log.drain()
        return instance, failure

    async def _started(self) -> Instance:
        function = self._caller.function
        instance = await self._begin(self._log_stream)
        instance.sandbox.log.add(reports.init_start(function.runtime, function.region))
        for warning in filter(None, (self._warning, *function.warnings)):
            instance.sandbox.log.add(f"[WARNING] {warning}\n")
        return instance

    async def _again(self, first: Instance) -> Instance | None:
        caller, function = self._caller, self._caller.function
        first.sandbox.log.drain()
        lines = first.sandbox.log.take()
        self._end(first)
        began = time.perf_counter()
        second = await self._begin(self._log_stream)
        second.sandbox.log.prepend(lines)
        failure = await self._initialize(second, function.timeout_s)
        self.spent_s = time.perf_counter() - began
        if failure is None:
            return second
        log = second.sandbox.log
        log.drain()
        log.add(reports.init_report(self.spent_s * 1000, "invoke", failure))
        log.add(reports.start(caller.request.request_id, function.version))
        self.failed = _conclude(caller, second, self.spent_s * 1000, None, failure)
        self._end(second)
        return None

    async def _initialize(self, instance: Instance, limit_s: float) -> Failure | None:
        try:
            async with Race(instance.sandbox.ended, limit_s) as race:
                try:
                    await instance.link.initialize()
                except InitFailed as failed:
                    return failures.reported(failed.error_type, _with_request(failed.document, self._caller.request.request_id))
        except BaseException:
            self._end(instance)
            raise
        return _loss(race, self._caller, instance)


async def run(caller: Caller, instance: Instance, cold: ColdStart | None, answer: WholeAnswer | AnswerStream) -> tuple[Invocation, bool]:
    """The event goes in.  Returns the invocation, and whether the instance may serve again."""
    function, request = caller.function, caller.request
    instance.wake()
    log = instance.sandbox.log
    log.add(reports.start(request.request_id, function.version))
    spent_s = cold.spent_s if cold else 0.0
    left_s = function.timeout_s - spent_s
    variables = instance.renewed(caller.credentials, caller.clock.now_ms())
    request = dataclasses.replace(request, deadline_ms=int((time.time() + left_s) * 1000), environment=variables)
    began = time.perf_counter()
    outcome: Outcome | None = None
    failure: Failure | None = None
    alive = True
    async with Race(instance.sandbox.ended, left_s) as race:
        try:
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
    init_ms, instance.init_ms = instance.init_ms, None
    return _conclude(caller, instance, duration_ms, init_ms, failure, outcome), alive


def _conclude(
    caller: Caller, instance: Instance, duration_ms: float, init_ms: float | None, failure: Failure | None, outcome: Outcome | None = None
) -> Invocation:
    function, log = caller.function, instance.sandbox.log
    used_mb = _used_mb(instance, outcome, failure)
    if failure is not None and failure.status == "timeout":
        log.add(failure.log)
    log.add(reports.end(caller.request.request_id))
    log.add(reports.report(caller.request.request_id, duration_ms, function.memory_mb, used_mb, init_ms, failure))
    if failure is not None and failure.status == "error" and failure.log:
        log.add(failure.log)
    payload, error = (failure.document, "Unhandled") if failure else (outcome.payload, outcome.error) if outcome else (b"null", None)
    billed = reports.billed_ms(duration_ms, None if instance.provisioned else init_ms)
    kind = instance.initialization
    return Invocation(payload, error, instance.log_stream, log.take(), duration_ms, billed, init_ms, used_mb, kind)


def _loss(race: Race, caller: Caller, instance: Instance) -> Failure | None:
    """Why the race was cut short."""
    request_id = caller.request.request_id
    if race.lost is None:
        return None
    if race.lost == "time":
        instance.sandbox.kill()
        return failures.timed_out(request_id, caller.function.timeout_s, iso8601(caller.clock.now_ms()))
    return failures.exited(request_id, instance.sandbox.ended.result(), instance.ran_out_of_memory())


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
