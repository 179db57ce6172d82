"""Random transactions against a dictionary: every store must do as the model does."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.postgres import fresh_database
from tests.stores import KINDS, opened
from tule.store.documents import Documents
from tule.store.store import Tx

THINGS = Documents("test.thing")
keys = st.sampled_from(["a", "b", "ab", "é", "z/1", "z/2"])
bodies = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=2).filter(
    lambda body: all(not isinstance(value, int) or abs(value) < 2**53 for value in body.values())
)
changes = st.one_of(
    st.tuples(st.just("create"), keys, bodies),
    st.tuples(st.just("put"), keys, bodies),
    st.tuples(st.just("delete"), keys, st.just({})),
    st.tuples(st.just("fail"), keys, st.just({})),
)


class Failure(Exception):
    pass


def apply(tx: Tx, change: tuple[str, str, dict[str, Any]]) -> bool:
    what, key, body = change
    match what:
        case "create":
            return THINGS.create(tx, "1", "r", key, body)
        case "put":
            THINGS.put(tx, "1", "r", key, body)
            THINGS.alias(tx, "1", "r", key, f"alias-{key}")
            return True
        case "delete":
            return THINGS.delete(tx, "1", "r", key)
        case _:
            raise Failure


class Model:
    def __init__(self) -> None:
        self.bodies: dict[str, dict[str, Any]] = {}
        self.aliases: set[str] = set()

    def run(self, changes: list[tuple[str, str, dict[str, Any]]]) -> list[bool] | None:
        """What each change answers; None when the transaction fails."""
        if any(what == "fail" for what, _, _ in changes):
            return None
        return [self._apply(*change) for change in changes]

    def _apply(self, what: str, key: str, body: dict[str, Any]) -> bool:
        was_there = key in self.bodies
        if what == "put" or (what == "create" and not was_there):
            self.bodies[key] = body
        if what == "put":
            self.aliases.add(key)
        if what == "delete":
            self.bodies.pop(key, None)
            self.aliases.discard(key)
        return {"put": True, "create": not was_there, "delete": was_there}[what]


def machine(kind: str) -> type[RuleBasedStateMachine]:
    url = fresh_database() if kind == "postgresql" else ""

    class Transactions(RuleBasedStateMachine):
        @initialize()
        def open(self) -> None:
            self.runner = asyncio.Runner()
            self.directory = tempfile.TemporaryDirectory()
            self.model = Model()
            self._open()
            self.runner.run(self.store.wipe())

        def _open(self) -> None:
            self.context = opened(kind, Path(self.directory.name), url=url)
            self.store = self.runner.run(self.context.__aenter__())

        @rule(changes=st.lists(changes, min_size=1, max_size=4))
        def write(self, changes: list[tuple[str, str, dict[str, Any]]]) -> None:
            async def run() -> list[bool] | None:
                try:
                    return await self.store.write(lambda tx: [apply(tx, change) for change in changes])
                except Failure:
                    return None

            assert self.runner.run(run()) == self.model.run(changes)

        @rule(batch=st.lists(st.lists(changes, min_size=1, max_size=2), min_size=2, max_size=5))
        def write_together(self, batch: list[list[tuple[str, str, dict[str, Any]]]]) -> None:
            """At the same time, on keys of their own, so that the order does not matter."""
            own = [[(what, f"{n}{key}", body) for what, key, body in changes] for n, changes in enumerate(batch)]

            async def run() -> list[Any]:
                writes = [self.store.write(lambda tx, changes=changes: [apply(tx, change) for change in changes]) for changes in own]
                return await asyncio.gather(*writes, return_exceptions=True)

            results = [None if isinstance(result, Failure) else result for result in self.runner.run(run())]
            assert results == [self.model.run(changes) for changes in own]

        @rule()
        def open_again(self) -> None:
            self.runner.run(self.context.__aexit__(None, None, None))
            self._open()

        @invariant()
        def all_is_as_the_model_says(self) -> None:
            if not hasattr(self, "store"):
                return
            page = self.runner.run(self.store.read(lambda tx: THINGS.page(tx, "1", "r")))
            assert page == sorted(self.model.bodies.items(), key=lambda item: item[0].encode())
            for key in ("a", "z/1", "0a"):
                found = self.runner.run(self.store.read(lambda tx, key=key: THINGS.by_alias(tx, f"alias-{key}")))
                assert (found is not None) == (key in self.model.aliases)

        def teardown(self) -> None:
            if hasattr(self, "store"):
                self.runner.run(self.context.__aexit__(None, None, None))
                self.directory.cleanup()
                self.runner.close()

    return Transactions


@pytest.mark.parametrize("kind", KINDS)
def test_random_transactions_do_as_the_model_does(kind: str) -> None:
    examples = 15 if kind == "postgresql" else 25
    thorough = settings(max_examples=examples, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    run_state_machine_as_test(machine(kind), settings=thorough)
