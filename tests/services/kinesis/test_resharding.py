"""Splitting and merging, against a small model: what is put is read once, in order, on the way from parents to children."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.node import Account
from tests.services.kinesis.shards import LARGEST, iterator, put, refusal, shard_ids

FIRST = "shardId-000000000000"


@dataclass
class Shard:
    """What the model knows of one."""

    id: str
    start: int
    end: int
    parents: list[str]
    payloads: list[bytes] = field(default_factory=list)
    is_open: bool = True


class Resharding(RuleBasedStateMachine):
    """Puts, splits, merges and rescales a stream; every shard always holds exactly what its keys brought, in order."""

    accounts: list[Account]  # in a list: hypothesis looks into whatever stands on the class itself
    names = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        (self.aws,) = self.accounts
        self.name = f"model-{next(self.names)}"
        self.aws.kinesis.create_stream(StreamName=self.name, ShardCount=2)
        self.shards = [Shard(FIRST, 0, LARGEST // 2, []), Shard("shardId-000000000001", LARGEST // 2 + 1, LARGEST, [])]
        self.payloads = itertools.count()
        self.numbers: dict[str, list[str]] = {}

    def open_shards(self) -> list[Shard]:
        return sorted((shard for shard in self.shards if shard.is_open), key=lambda shard: shard.start)

    def opened(self, start: int, end: int, parents: list[str]) -> None:
        self.shards.append(Shard(f"shardId-{len(self.shards):012d}", start, end, parents))

    @rule(keys=st.lists(st.integers(0, LARGEST), min_size=1, max_size=5))
    def put(self, keys: list[int]) -> None:
        records = [{"Data": b"%d" % next(self.payloads), "PartitionKey": "k", "ExplicitHashKey": str(key)} for key in keys]
        answers = self.aws.kinesis.put_records(StreamName=self.name, Records=records)["Records"]
        for key, record, answer in zip(keys, records, answers, strict=True):
            (shard,) = [shard for shard in self.open_shards() if shard.start <= key <= shard.end]
            assert answer["ShardId"] == shard.id
            shard.payloads.append(record["Data"])  # type: ignore[arg-type]
            self.numbers.setdefault(shard.id, []).append(answer["SequenceNumber"])

    @precondition(lambda self: len(self.open_shards()) < 6)
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        shard = data.draw(st.sampled_from([shard for shard in self.open_shards() if shard.end - shard.start > 4]))
        at = data.draw(st.integers(shard.start + 2, shard.end - 1))
        self.aws.kinesis.split_shard(StreamName=self.name, ShardToSplit=shard.id, NewStartingHashKey=str(at))
        shard.is_open = False
        self.opened(shard.start, at - 1, [shard.id])
        self.opened(at, shard.end, [shard.id])

    @precondition(lambda self: len(self.open_shards()) > 1)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        one, other = data.draw(st.sampled_from(list(itertools.pairwise(self.open_shards()))))
        self.aws.kinesis.merge_shards(StreamName=self.name, ShardToMerge=one.id, AdjacentShardToMerge=other.id)
        one.is_open = other.is_open = False
        self.opened(one.start, other.end, [one.id, other.id])

    @invariant()
    def shards_are_what_the_model_says(self) -> None:
        listed = self.aws.kinesis.list_shards(StreamName=self.name)["Shards"]
        assert [shard["ShardId"] for shard in listed] == [shard.id for shard in self.shards]
        for shown, shard in zip(listed, self.shards, strict=True):
            assert shown["HashKeyRange"] == {"StartingHashKey": str(shard.start), "EndingHashKey": str(shard.end)}
            assert [shown[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in shown] == shard.parents
            assert ("EndingSequenceNumber" in shown["SequenceNumberRange"]) is not shard.is_open

    @invariant()
    def every_shard_gives_its_records_in_order_and_then_its_children(self) -> None:
        for shard in self.shards:
            answer = self.aws.kinesis.get_records(ShardIterator=iterator(self.aws, self.name, shard.id))
            assert [record["Data"] for record in answer["Records"]] == shard.payloads
            assert ("NextShardIterator" in answer) is shard.is_open
            children = [child.id for child in self.shards if shard.id in child.parents]
            assert [child["ShardId"] for child in answer.get("ChildShards", [])] == children

    @invariant()
    def sequence_numbers_grow_from_parents_to_children(self) -> None:
        for shard in self.shards:
            own = self.numbers.get(shard.id, [])
            inherited = [number for parent in shard.parents for number in self.numbers.get(parent, [])]
            assert own == sorted(set(own), key=int)
            assert not own or not inherited or max(map(int, inherited)) < int(own[0])


def test_resharding_loses_and_repeats_nothing(aws: Account) -> None:
    Resharding.accounts = [aws]
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Resharding, settings=settings(max_examples=8, stateful_step_count=10, deadline=None, suppress_health_check=checks, database=None)
    )


def test_the_number_of_shards_changes_evenly_by_at_most_twice_or_half(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=2)
    put(aws, "s", b"before")
    for target in (3, 5, 4, 2, 1):
        answer = aws.kinesis.update_shard_count(StreamName="s", TargetShardCount=target, ScalingType="UNIFORM_SCALING")
        assert answer["TargetShardCount"] == target
        shards = aws.kinesis.list_shards(StreamName="s", ShardFilter={"Type": "AT_LATEST"})["Shards"]
        starts = sorted(int(shard["HashKeyRange"]["StartingHashKey"]) for shard in shards)
        assert starts == [i * (2**128 // target) for i in range(target)]
    for target in (1, 3):
        with pytest.raises(ClientError) as error:
            aws.kinesis.update_shard_count(StreamName="s", TargetShardCount=target, ScalingType="UNIFORM_SCALING")
        assert refusal(error)[0] == "InvalidArgumentException"


def test_what_cannot_be_split_or_merged_is_refused(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="s", ShardCount=3)
    third = 2**128 // 3
    with pytest.raises(ClientError) as error:
        aws.kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey="1")
    assert refusal(error) == (
        "InvalidArgumentException",
        f"NewStartingHashKey 1 used in SplitShard() on shard {FIRST} in stream s under account {aws.id} is not both greater than one plus"
        f" the shard's StartingHashKey 0 and less than the shard's EndingHashKey {third - 1}.",
    )
    with pytest.raises(ClientError) as error:
        aws.kinesis.merge_shards(StreamName="s", ShardToMerge=FIRST, AdjacentShardToMerge="shardId-000000000002")
    assert refusal(error) == (
        "InvalidArgumentException",
        f"Shards {FIRST} and shardId-000000000002 in stream s under account {aws.id} are not an adjacent pair of shards eligible for merging",
    )
    with pytest.raises(ClientError) as error:
        aws.kinesis.split_shard(StreamName="s", ShardToSplit="shardId-000000000009", NewStartingHashKey="10")
    assert refusal(error) == ("ResourceNotFoundException", f"Could not find shard shardId-000000000009 in stream s under account {aws.id}.")


def test_shards_are_listed_as_they_were_at_a_time(turned: Account) -> None:
    turned.kinesis.create_stream(StreamName="s", ShardCount=1)
    turned.node.advance(60)
    created = turned.kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamCreationTimestamp"].timestamp()
    turned.kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey="100")

    def listed(kind: str, **asked: object) -> list[str]:
        return [shard_id[-1] for shard_id in shard_ids(turned, "s", ShardFilter={"Type": kind, **asked})]

    assert listed("AT_LATEST") == ["1", "2"]
    assert listed("AT_TRIM_HORIZON") == ["0"]
    assert listed("FROM_TRIM_HORIZON") == ["0", "1", "2"]
    assert listed("AT_TIMESTAMP", Timestamp=created + 30) == ["0"]
    assert listed("FROM_TIMESTAMP", Timestamp=created + 3600) == ["1", "2"]
    assert listed("AFTER_SHARD_ID", ShardId=FIRST) == ["1", "2"]
    turned.node.advance(25 * 3600)
    assert listed("FROM_TRIM_HORIZON") == ["1", "2"]  # the parent is expired
