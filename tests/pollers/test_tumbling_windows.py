"""Tumbling windows carry a state from batch to batch, and end with a last invocation."""

from __future__ import annotations

from tests.pollers.stage import START_MS, ScriptedReader, Stage, ids
from tule.pollers.contract import Batch, Handled, Outcome, Window

WINDOW_MS = 60_000
FIRST_MS = START_MS // WINDOW_MS * WINDOW_MS


def counting(batch: Batch) -> Outcome:
    assert batch.window is not None
    return Handled({"count": batch.window.state.get("count", 0) + len(batch.records)})


def windows(stage: Stage) -> list[Window]:
    return [batch.window for batch in stage.reader.batches if batch.window is not None]


async def test_the_state_of_a_batch_is_given_to_the_next(stage: Stage) -> None:
    stage.start(ScriptedReader(counting), tumbling_ms=WINDOW_MS, batch_size=2)
    await stage.stream.put("a", "b", "c")
    await stage.settle()
    first, second = windows(stage)
    assert (first.start_ms, first.end_ms, first.state, first.is_final) == (FIRST_MS, FIRST_MS + WINDOW_MS, {}, False)
    assert second.state == {"count": 2}


async def test_when_the_window_is_over_it_is_invoked_once_more_without_records(stage: Stage) -> None:
    stage.start(ScriptedReader(counting), tumbling_ms=WINDOW_MS)
    await stage.stream.put("a", "b")
    await stage.advance(61)
    last = stage.reader.batches[-1]
    assert (ids(last.records), last.window) == ([], Window(FIRST_MS, FIRST_MS + WINDOW_MS, {"count": 2}, is_final=True))
    count = len(stage.reader.batches)
    await stage.advance(600)
    assert len(stage.reader.batches) == count


async def test_a_batch_holds_records_of_one_window_only_and_each_window_ends_before_the_next(stage: Stage) -> None:
    first = await stage.stream.put("a", "b")
    stage.clock.move(WINDOW_MS)
    second = await stage.stream.put("c")
    stage.start(ScriptedReader(counting), tumbling_ms=WINDOW_MS)
    await stage.settle()
    assert stage.reader.seen == [first, [], second]
    assert [(window.start_ms, window.state) for window in windows(stage)] == [
        (FIRST_MS, {}),
        (FIRST_MS, {"count": 2}),
        (FIRST_MS + WINDOW_MS, {}),
    ]


async def test_the_state_outlives_a_crash(stage: Stage) -> None:
    stage.start(ScriptedReader(counting), tumbling_ms=WINDOW_MS)
    await stage.stream.put("a", "b")
    await stage.settle()
    await stage.crash()
    await stage.stream.put("c")
    stage.start(ScriptedReader(counting), tumbling_ms=WINDOW_MS)
    await stage.settle()
    assert [window.state for window in windows(stage)] == [{"count": 2}]
    await stage.advance(61)
    assert windows(stage)[-1] == Window(FIRST_MS, FIRST_MS + WINDOW_MS, {"count": 3}, is_final=True)


async def test_a_state_that_grows_too_large_ends_the_window_early(stage: Stage) -> None:
    stage.start(ScriptedReader(lambda batch: Handled({"text": "x" * 1_100_000})), tumbling_ms=WINDOW_MS)
    await stage.stream.put("a")
    await stage.settle()
    assert [(window.is_final, window.is_terminated_early) for window in windows(stage)] == [(False, False), (True, True)]


async def test_the_end_of_a_shard_ends_its_window(stage: Stage) -> None:
    stage.start(ScriptedReader(counting), tumbling_ms=WINDOW_MS)
    await stage.stream.put("a")
    await stage.stream.close("s0")
    await stage.settle()
    assert [window.is_final for window in windows(stage)] == [False, True]
