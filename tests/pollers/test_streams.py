"""Streams are read in order, shard by shard, at least once, and what fails is tried again or given up as the source says."""

from __future__ import annotations

import asyncio

from tests.pollers.stage import ScriptedReader, Stage, ids
from tule.pollers.contract import Batch, Failed, Handled, NotNow, Outcome, PartlyHandled


def fails(batch: Batch) -> Outcome:
    return Failed({"request_id": "r"})


def failing_on(*poison: str) -> ScriptedReader:
    return ScriptedReader(lambda batch: Failed() if set(ids(batch.records)) & set(poison) else Handled())


async def test_records_are_handed_over_in_order_and_in_batches(stage: Stage) -> None:
    put = await stage.stream.put(*"abcdefghijkl")
    stage.start(batch_size=5)
    await stage.settle()
    assert stage.reader.seen == [put[:5], put[5:10], put[10:]]
    assert (await stage.checkpoints())["s0"].sequence == put[-1]


async def test_what_comes_later_is_handed_over_when_it_comes(stage: Stage) -> None:
    stage.start()
    await stage.settle()
    put = await stage.stream.put("a")
    await stage.settle()
    assert stage.reader.seen == [put]


async def test_nothing_is_read_while_nothing_comes(stage: Stage) -> None:
    stage.start()
    await stage.settle()
    reads = stage.stream.reads
    await asyncio.sleep(0.05)
    assert stage.stream.reads == reads


async def test_a_restart_goes_on_behind_the_checkpoint(stage: Stage) -> None:
    first = await stage.stream.put("a", "b")
    stage.start()
    await stage.settle()
    await stage.stop()
    second = await stage.stream.put("c")
    stage.start()
    await stage.settle()
    assert stage.reader.seen == [first, second]


async def test_what_was_in_hand_at_a_crash_is_handed_over_again(stage: Stage) -> None:
    put = await stage.stream.put("a", "b")
    stage.reader.hold = asyncio.Event()
    stage.start()
    await stage.reader.holds(1)
    await stage.crash()
    stage.start(ScriptedReader())
    await stage.settle()
    assert stage.reader.seen == [put]


async def test_a_batching_window_gathers_until_it_is_over(stage: Stage) -> None:
    stage.start(window_ms=5_000)
    await stage.settle()
    first = await stage.stream.put("a")
    await stage.advance(3)
    second = await stage.stream.put("b")
    await stage.advance(1)
    assert stage.reader.seen == []
    await stage.advance(1)
    assert stage.reader.seen == [first + second]


async def test_a_full_batch_does_not_wait_for_its_window(stage: Stage) -> None:
    stage.start(window_ms=5_000, batch_size=2)
    put = await stage.stream.put("a", "b", "c")
    await stage.settle()
    assert stage.reader.seen == [put[:2]]


async def test_a_failing_batch_blocks_what_comes_behind_it(stage: Stage) -> None:
    stage.reader.answer = fails
    first = await stage.stream.put("a")
    stage.start(batch_size=1)
    await stage.stream.put("b")
    await stage.advance(600)
    assert len(stage.reader.seen) > 3
    assert {tuple(batch) for batch in stage.reader.seen} == {tuple(first)}
    assert stage.reader.given_up == []


async def test_after_its_retries_a_batch_is_given_up_and_told_of(stage: Stage) -> None:
    stage.reader.answer = fails
    put = await stage.stream.put("a", "b")
    stage.start(max_retries=2)
    await stage.advance(60)
    assert stage.reader.seen == [put, put, put]
    (given_up,) = stage.reader.given_up
    assert (given_up.condition, given_up.attempts, ids(given_up.batch.records)) == ("RetryAttemptsExhausted", 3, put)
    assert given_up.told == {"request_id": "r"}
    assert (await stage.checkpoints())["s0"].sequence == put[-1]


async def test_throttling_uses_up_no_attempts(stage: Stage) -> None:
    answers: list[Outcome] = [*[NotNow("throttled")] * 5, Failed(), Handled()]
    stage.reader.answer = lambda batch: answers.pop(0)
    await stage.stream.put("a")
    stage.start(max_retries=1)
    await stage.advance(120)
    assert [batch.attempt for batch in stage.reader.batches] == [1, 1, 1, 1, 1, 1, 2]
    assert stage.reader.given_up == []


async def test_bisection_finds_the_record_that_fails_without_using_up_attempts(stage: Stage) -> None:
    put = await stage.stream.put("a", "b", "c", "d")
    stage.start(failing_on(put[2]), bisect=True, max_retries=0)
    await stage.settle()
    assert stage.reader.seen == [put, put[:2], put[2:], [put[2]], [put[3]]]
    assert [ids(told.batch.records) for told in stage.reader.given_up] == [[put[2]]]


async def test_what_is_reported_as_failed_is_tried_again_from_the_lowest_on(stage: Stage) -> None:
    put = await stage.stream.put("a", "b", "c", "d")
    answers: list[Outcome] = [PartlyHandled(frozenset({put[3], put[1]})), PartlyHandled(frozenset({put[3]})), Handled()]
    stage.reader.answer = lambda batch: answers.pop(0)
    stage.start()
    await stage.advance(60)
    assert stage.reader.seen == [put, put[1:], put[3:]]


async def test_records_that_are_too_old_are_given_up_unhandled(stage: Stage) -> None:
    old = await stage.stream.put("a", "b")
    stage.clock.move(61_000)
    young = await stage.stream.put("c")
    stage.start(max_age_ms=60_000)
    await stage.settle()
    assert stage.reader.seen == [young]
    (given_up,) = stage.reader.given_up
    assert (given_up.condition, given_up.attempts, ids(given_up.batch.records)) == ("RecordAgeExceeded", 0, old)


async def test_a_record_that_ages_while_it_fails_is_given_up(stage: Stage) -> None:
    stage.reader.answer = fails
    await stage.stream.put("a")
    stage.start(max_age_ms=60_000)
    await stage.advance(200)
    (given_up,) = stage.reader.given_up
    assert given_up.condition == "RecordAgeExceeded"
    assert given_up.attempts == len(stage.reader.seen) > 1


async def test_children_are_read_after_their_parents(stage: Stage) -> None:
    stage.reader.hold = asyncio.Event()
    stage.start()
    first = await stage.stream.put("a")
    await stage.stream.close("s0", "s1", "s2")
    second = await stage.stream.put("b", shard="s1")
    third = await stage.stream.put("c", shard="s2")
    await stage.reader.holds(1)
    assert stage.reader.seen == [first]
    stage.reader.hold.set()
    await stage.settle()
    assert stage.reader.seen[0] == first
    assert sorted(stage.reader.seen[1:]) == [second, third]
    assert (await stage.checkpoints())["s0"].is_done


async def test_a_merged_shard_waits_for_both_parents(stage: Stage) -> None:
    stage.stream.add("s1")
    stage.reader.answer = lambda batch: Failed() if batch.shard == "s1" else Handled()
    await stage.stream.put("a", shard="s0")
    await stage.stream.put("b", shard="s1")
    stage.stream.add("s2", "s0", "s1")
    await stage.stream.put("c", shard="s2")
    stage.stream.shards_["s0"].closed = stage.stream.shards_["s1"].closed = True
    stage.start()
    await stage.advance(30)
    assert "s2" not in {batch.shard for batch in stage.reader.batches}
    stage.reader.answer = lambda batch: Handled()
    await stage.advance(60)
    assert stage.reader.batches[-1].shard == "s2"


async def test_what_is_not_wanted_is_passed_over(stage: Stage) -> None:
    await stage.stream.put("a", wanted=False)
    wanted = await stage.stream.put("b")
    passed = await stage.stream.put("c", wanted=False)
    stage.start()
    await stage.settle()
    assert stage.reader.seen == [wanted]
    assert (await stage.checkpoints())["s0"].sequence == passed[-1]


async def test_an_expired_iterator_is_replaced(stage: Stage) -> None:
    stage.start()
    first = await stage.stream.put("a")
    await stage.settle()
    stage.stream.expire_next = True
    second = await stage.stream.put("b")
    await stage.settle()
    assert stage.reader.seen == [first, second]


async def test_lanes_run_side_by_side_and_keep_the_order_of_each_key(stage: Stage) -> None:
    keys = [f"k{n % 7}" for n in range(70)]
    put = await stage.stream.put(*keys)
    stage.reader.hold = asyncio.Event()
    stage.start(batch_size=3, lanes=4)
    await stage.reader.holds(3)
    stage.reader.hold.set()
    await stage.settle()
    handed = [record for batch in stage.reader.batches for record in batch.records]
    assert sorted(ids(handed)) == put
    for key in set(keys):
        mine = [record.id for record in handed if record.key == key]
        assert mine == sorted(mine)
    assert (await stage.checkpoints())["s0"].sequence == put[-1]


async def test_a_lane_that_fails_holds_up_the_checkpoint_but_not_the_others_and_they_need_not_repeat(stage: Stage) -> None:
    put = await stage.stream.put(*[f"k{n}" for n in range(40)])
    stage.start(failing_on(put[0]), batch_size=1, lanes=5)
    await stage.settle()
    handled = {id for batch in stage.reader.seen for id in batch}
    assert len(handled) > 25
    assert (await stage.checkpoints())["s0"].sequence == ""
    await stage.crash()
    stage.start(ScriptedReader(), batch_size=1, lanes=5)
    await stage.settle()
    again = [id for batch in stage.reader.seen for id in batch]
    assert again[0] == put[0] or put[0] in again
    assert sorted(handled | set(again)) == put
    assert set(again) & handled == {put[0]}


async def test_progress_and_its_consequences_are_one(stage: Stage) -> None:
    """A restart after a batch was given up does not hand it over again."""
    stage.reader.answer = fails
    await stage.stream.put("a")
    stage.start(max_retries=0)
    await stage.settle()
    await stage.crash()
    stage.start(ScriptedReader(), max_retries=0)
    await stage.settle()
    assert stage.reader.seen == []
