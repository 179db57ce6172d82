"""How fast functions scale and how often they and the API are called: what is refused, and with which words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Operation
from tule.services.lambda_.caller_rates import limited
from tule.services.lambda_.concurrency import Concurrency, Share, Slot
from tule.services.lambda_.names import FunctionRef

REF = FunctionRef("123456789012", "us-east-1", "fun")
OTHER = REF._replace(name="other")


class Hands:
    """Holds the clock of a `Concurrency` and what it gave."""

    def __init__(self, limit: int) -> None:
        self.now = 100.0
        self.concurrency = Concurrency(limit, lambda: self.now)
        self.slots: list[Slot] = []

    def begin(self, share: Share, ref: FunctionRef = REF, *, waits: bool = False, times: int = 1) -> None:
        for _ in range(times):
            self.slots.append(self.concurrency.enter(ref, share, waits=waits))

    def end_all(self) -> None:
        while self.slots:
            self.concurrency.leave(self.slots.pop())

    def refusal(self, share: Share, *, waits: bool = False) -> ServiceError:
        with pytest.raises(ServiceError) as error:
            self.begin(share, waits=waits)
        return error.value


def test_a_function_scales_by_a_thousand_environments_every_ten_seconds() -> None:
    hands, share = Hands(5000), Share("v1")
    hands.begin(share, times=1000)
    refused = hands.refusal(share)
    assert (refused.status, refused.code, refused.message) == (429, "TooManyRequestsException", "Rate Exceeded.")
    assert refused.fields == {"Type": "User", "Reason": "ConcurrentInvocationLimitExceeded"}
    hands.now += 1
    hands.begin(share, times=100)
    hands.refusal(share)
    hands.now += 10
    hands.begin(share, times=1000)
    hands.refusal(share)


def test_each_function_scales_for_itself() -> None:
    hands = Hands(5000)
    hands.begin(Share("v1"), times=1000)
    hands.begin(Share("w1"), OTHER, times=1000)


def test_environments_that_are_there_need_not_be_made() -> None:
    hands, share = Hands(5000), Share("v1")
    for _ in range(3):
        hands.begin(share, times=1000)
        hands.end_all()
    hands.now += 600
    hands.begin(share, times=1000)
    hands.refusal(share)


def test_a_function_of_a_small_account_scales_at_once_to_all_of_it() -> None:
    hands, share = Hands(1000), Share("v1")
    for _ in range(3):
        hands.begin(share, times=1000)
        hands.end_all()


def test_requests_that_come_too_fast_are_told_when_to_come_again() -> None:
    hands, share = Hands(1), Share("v1")
    for _ in range(10):
        hands.begin(share, waits=True)
        hands.end_all()
    refused = hands.refusal(share, waits=True)
    assert (refused.fields["Reason"], refused.headers) == ("FunctionInvocationRateLimitExceeded", {"Retry-After": "1"})
    hands.begin(share)  # of asynchronous ones any number
    hands.now += 1
    hands.end_all()
    hands.begin(share, waits=True)
    refused = hands.refusal(share, waits=True)
    assert (refused.fields["Reason"], refused.headers) == ("ConcurrentInvocationLimitExceeded", {})


def test_what_comes_too_fast_for_provisioned_instances_runs_on_demand() -> None:
    hands, share = Hands(10), Share("v1", provisioned=1, provisioned_in_all=1, kept_from_all=1)
    kinds: list[str] = []
    for _ in range(11):
        hands.begin(share, waits=True)
        kinds.append(hands.slots[-1][0])
        hands.end_all()
    assert kinds == ["provisioned"] * 10 + ["shared"]


class Caller:
    """Calls an operation that does nothing, from outside."""

    def __init__(self, *, throttling: bool = True) -> None:
        self.now_ms = 0
        self._node = SimpleNamespace(config=SimpleNamespace(throttled=throttling), memory={})
        names = ("ListFunctions", "CreateAlias", "GetFunction", "Invoke")
        self._operations = limited(
            {name: Operation(name, lambda call, tx, params: {"done": True}, is_coroutine=False, is_read=True) for name in names}
        )

    def call(self, name: str, times: int = 1, **about: Any) -> None:
        told = {"node": self._node, "operation": name, "account": "1", "region": "r", "now_ms": self.now_ms, "headers": {"host": "h"}, **about}
        for _ in range(times):
            assert self._operations[name].run(cast(Call, SimpleNamespace(**told)), None, {}) == {"done": True}


def test_the_api_answers_fifteen_calls_a_second() -> None:
    caller = Caller()
    caller.call("ListFunctions", 8)
    caller.call("CreateAlias", 7)
    with pytest.raises(ServiceError) as error:
        caller.call("ListFunctions")
    refused = error.value
    assert (refused.code, refused.message, refused.status) == ("TooManyRequestsException", "Rate exceeded", 429)
    assert refused.fields == {"Type": "User", "Reason": "CallerRateLimitExceeded"}
    caller.call("GetFunction", 100)
    caller.call("Invoke", 200)
    caller.call("ListFunctions", account="2")
    caller.now_ms = 1000
    caller.call("ListFunctions", 15)


def test_the_api_is_not_limited_where_nothing_is_throttled() -> None:
    Caller(throttling=False).call("ListFunctions", 50)
    Caller().call("ListFunctions", 50, headers={})
