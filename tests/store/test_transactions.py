"""What every store promises of transactions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.stores import opened
from tule.store.errors import StoreClosed
from tule.store.store import Store, Tx

PUT = "INSERT INTO things (key, number) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET number = excluded.number"
GET = "SELECT number FROM things WHERE key = ?"


def _get(tx: Tx, key: str) -> int | None:
    row = tx.one(GET, key)
    return None if row is None else row[0]


async def test_what_is_written_is_read(store: Store) -> None:
    assert await store.write(lambda tx: tx.execute(PUT, "a", 1)) == 1
    assert await store.read(lambda tx: _get(tx, "a")) == 1


async def test_what_a_closure_raises_reaches_the_caller_and_takes_its_changes_back(store: Store) -> None:
    def fail(tx: Tx) -> None:
        tx.execute(PUT, "a", 1)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await store.write(fail)
    assert await store.read(lambda tx: _get(tx, "a")) is None


async def test_a_failing_closure_takes_nobody_elses_changes_back(store: Store) -> None:
    def fail(tx: Tx) -> None:
        tx.execute(PUT, "bad", 1)
        raise LookupError

    def put(key: str) -> asyncio.Future[int]:
        return asyncio.ensure_future(store.write(lambda tx: tx.execute(PUT, key, 1)))

    waiting = [put("a"), asyncio.ensure_future(store.write(fail)), put("b")]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [int, LookupError, int]
    assert await store.read(lambda tx: [key for (key,) in tx.all("SELECT key FROM things ORDER BY key")]) == ["a", "b"]


async def test_a_wrong_statement_fails_alone(store: Store) -> None:
    wrong = asyncio.ensure_future(store.write(lambda tx: tx.execute("INSERT INTO nowhere VALUES (1)")))
    right = asyncio.ensure_future(store.write(lambda tx: tx.execute(PUT, "a", 1)))
    results = await asyncio.gather(wrong, right, return_exceptions=True)
    assert isinstance(results[0], Exception)
    assert await store.read(lambda tx: _get(tx, "a")) == 1


async def test_increments_from_many_tasks_are_all_counted(store: Store) -> None:
    await store.write(lambda tx: tx.execute(PUT, "n", 0))

    def increment(tx: Tx) -> None:
        tx.execute(PUT, "n", (_get(tx, "n") or 0) + 1)

    await asyncio.gather(*(store.write(increment) for _ in range(40)))
    assert await store.read(lambda tx: _get(tx, "n")) == 40


async def test_a_read_sees_one_snapshot(store: Store) -> None:
    await store.write(lambda tx: tx.many(PUT, [("a", 0), ("b", 0)]))

    def move(tx: Tx) -> None:
        tx.execute(PUT, "a", (_get(tx, "a") or 0) + 1)
        tx.execute(PUT, "b", (_get(tx, "b") or 0) - 1)

    writes = [asyncio.ensure_future(store.write(move)) for _ in range(20)]
    while not all(write.done() for write in writes):
        assert sum(await store.read(lambda tx: [_get(tx, "a") or 0, _get(tx, "b") or 0])) == 0
        await asyncio.sleep(0)
    await asyncio.gather(*writes)


async def test_a_read_may_not_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        await store.read(lambda tx: tx.execute(PUT, "a", 1))
    assert await store.write(lambda tx: tx.execute(PUT, "a", 2)) == 1


async def test_execute_counts_the_rows_that_it_touched(store: Store) -> None:
    await store.write(lambda tx: tx.many(PUT, [("a", 1), ("b", 1)]))
    counts = await store.write(
        lambda tx: (
            tx.execute("UPDATE things SET number = 2"),
            tx.execute("UPDATE things SET number = 3 WHERE key = 'c'"),
            tx.execute("INSERT INTO things (key, number) VALUES ('a', 9) ON CONFLICT DO NOTHING"),
            tx.execute("DELETE FROM things WHERE key = 'a'"),
        )
    )
    assert counts == (2, 0, 0, 1)


async def test_returning_gives_the_changed_rows(store: Store) -> None:
    rows = await store.write(
        lambda tx: (tx.execute(PUT, "a", 1), tx.all("UPDATE things SET number = number + 1 RETURNING key, number"), tx.one(GET, "a"))
    )
    assert rows == (1, [("a", 2)], (2,))


async def test_values_come_back_as_they_went_in(store: Store) -> None:
    body = bytes(range(256))
    put = "INSERT INTO things (key, number, body) VALUES (?, ?, ?)"
    await store.write(lambda tx: tx.many(put, [("é?'%s$1 \U0001f600", 2**63 - 1, body), ("", -(2**63), None)]))
    rows = await store.read(lambda tx: tx.all("SELECT key, number, body FROM things ORDER BY number"))
    assert rows == [("", -(2**63), None), ("é?'%s$1 \U0001f600", 2**63 - 1, body)]


async def test_computed_values_are_plain_numbers_on_both(store: Store) -> None:
    await store.write(lambda tx: tx.many(PUT, [("a", 1), ("b", 2)]))
    row = await store.read(
        lambda tx: tx.one("SELECT count(*), sum(number), avg(number), min(number) = 1, '?%' || ?, greatest(1, 2, ?) FROM things", "x", True)
    )
    assert row == (2, 3, 1.5, 1, "?%x", 2)
    assert [type(value) for value in row or ()] == [int, int, float, int, str, int]


async def test_text_sorts_by_its_bytes(store: Store) -> None:
    keys = ["a", "B", "é", "z", "Z", "a-b", "a.b", "ab", "\U0001f600", "\uffff", "_", " "]
    await store.write(lambda tx: tx.many(PUT, [(key, 0) for key in keys]))
    rows = await store.read(lambda tx: tx.all("SELECT key FROM things ORDER BY key"))
    assert [key for (key,) in rows] == sorted(keys, key=str.encode)


async def test_like_minds_the_case(store: Store) -> None:
    await store.write(lambda tx: tx.many(PUT, [("Ab", 0), ("ab", 0), ("a%b", 0)]))
    found = await store.read(lambda tx: tx.all("SELECT key FROM things WHERE key LIKE ? ESCAPE '!' ORDER BY key", "a!%%"))
    assert found == [("a%b",)]
    assert await store.read(lambda tx: tx.all("SELECT key FROM things WHERE key LIKE 'A%'")) == [("Ab",)]


async def test_a_wrong_type_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)(INTEGER|bigint)"):
        await store.write(lambda tx: tx.execute(PUT, "a", "many"))


async def test_subscribers_are_woken_once_committed_and_not_before(store: Store) -> None:
    woken: list[str] = []
    store.subscribe("queue:a", lambda: woken.append("a"))
    stop = store.subscribe("queue:*", lambda: woken.append("*"))

    def fail(tx: Tx) -> None:
        tx.wake("queue:a")
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fail)
    assert woken == []
    await store.write(lambda tx: tx.wake("queue:a"))
    assert woken == ["a", "*"]
    stop()
    await store.write(lambda tx: tx.wake("queue:b"))
    assert woken == ["a", "*"]


async def test_actions_run_after_the_commit_and_before_the_answer(store: Store) -> None:
    seen: list[str] = []
    await store.write(lambda tx: tx.after_commit(lambda: seen.append("action")))
    assert seen == ["action"]


async def test_wipe_forgets_rows_and_keeps_tables(store: Store) -> None:
    await store.write(lambda tx: tx.execute(PUT, "a", 1))
    await store.wipe()
    assert await store.read(lambda tx: tx.all("SELECT * FROM things")) == []
    assert await store.write(lambda tx: tx.execute(PUT, "a", 1)) == 1


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreClosed):
        await store.write(lambda tx: None)
    with pytest.raises(StoreClosed):
        await store.read(lambda tx: None)


async def test_writes_that_wait_are_finished_by_close(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        writes = [asyncio.ensure_future(store.write(lambda tx, n=n: tx.execute(PUT, str(n), n))) for n in range(100)]
        await asyncio.sleep(0)
        await store.close()
        assert await asyncio.gather(*writes) == [1] * 100
