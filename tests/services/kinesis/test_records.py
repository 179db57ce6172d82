"""Records: put, ordered, read back by every kind of iterator."""

from __future__ import annotations

import hashlib
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import cbor2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.kinesis.shards import LARGEST, iterator, put, read, refusal, shard_ids

FIRST = "shardId-000000000000"


@pytest.fixture
def stream(aws: Account) -> str:
    aws.kinesis.create_stream(StreamName="s", ShardCount=1)
    return "s"


def test_records_come_back_in_their_order_with_all_they_had(aws: Account, stream: str) -> None:
    payloads = [b"", b"a" * 1000, b"test", "ünicödé 统一码 💣💻🔥".encode()]
    numbers = [aws.kinesis.put_record(StreamName=stream, Data=data, PartitionKey='1"ü')["SequenceNumber"] for data in payloads]
    answer = aws.kinesis.get_records(ShardIterator=iterator(aws, stream, FIRST))
    assert [record["Data"] for record in answer["Records"]] == payloads
    assert [record["SequenceNumber"] for record in answer["Records"]] == numbers
    assert {record["PartitionKey"] for record in answer["Records"]} == {'1"ü'}
    assert set(answer["Records"][0]) == {"SequenceNumber", "ApproximateArrivalTimestamp", "Data", "PartitionKey"}
    assert answer["MillisBehindLatest"] == 0


def test_sequence_numbers_look_like_those_of_aws_and_grow(aws: Account, stream: str) -> None:
    numbers = [record["SequenceNumber"] for record in put(aws, stream, *[b"x"] * 20)]
    assert all(len(number) == 56 and number.startswith("49") for number in numbers)
    assert numbers == sorted(set(numbers))
    shard = aws.kinesis.list_shards(StreamName=stream)["Shards"][0]
    assert shard["SequenceNumberRange"]["StartingSequenceNumber"] < numbers[0]


def test_a_partition_key_goes_to_the_shard_of_its_md5_unless_a_hash_key_is_named(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="four", ShardCount=4)
    for key in ("a", "b", "c", "ключ"):
        expected = int(hashlib.md5(key.encode()).hexdigest(), 16) * 4 // 2**128
        assert aws.kinesis.put_record(StreamName="four", Data=b"x", PartitionKey=key)["ShardId"] == f"shardId-{expected:012d}"
    for hash_key, shard in ((0, 0), (2**126 - 1, 0), (2**126, 1), (LARGEST, 3)):
        answer = aws.kinesis.put_record(StreamName="four", Data=b"x", PartitionKey="a", ExplicitHashKey=str(hash_key))
        assert answer["ShardId"] == f"shardId-{shard:012d}"
    with pytest.raises(ClientError) as error:
        aws.kinesis.put_record(StreamName="four", Data=b"x", PartitionKey="a", ExplicitHashKey=str(2**128))
    assert refusal(error) == (
        "InvalidArgumentException",
        f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {2**128}",
    )


def test_every_kind_of_iterator_begins_where_it_says(aws: Account, stream: str) -> None:
    numbers = [record["SequenceNumber"] for record in put(aws, stream, b"1", b"2", b"3")]
    assert read(aws, stream, FIRST) == [b"1", b"2", b"3"]
    assert read(aws, stream, FIRST, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == [b"2", b"3"]
    assert read(aws, stream, FIRST, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == [b"3"]
    start = aws.kinesis.list_shards(StreamName=stream)["Shards"][0]["SequenceNumberRange"]["StartingSequenceNumber"]
    assert read(aws, stream, FIRST, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=start) == [b"1", b"2", b"3"]
    latest = iterator(aws, stream, FIRST, "LATEST")
    put(aws, stream, b"4")
    assert [record["Data"] for record in aws.kinesis.get_records(ShardIterator=latest)["Records"]] == [b"4"]
    assert read(aws, stream, FIRST, "AT_TIMESTAMP", Timestamp=0) == [b"1", b"2", b"3", b"4"]


def test_a_time_finds_the_first_record_that_came_then_or_later(turned: Account) -> None:
    turned.kinesis.create_stream(StreamName="t", ShardCount=2)
    times: list[float] = []
    for minute in range(9):
        for shard in range(2):
            put(turned, "t", b"%d" % minute, ExplicitHashKey=str(shard * 2**127))
        arrived = turned.kinesis.get_records(ShardIterator=iterator(turned, "t", FIRST))["Records"][-1]["ApproximateArrivalTimestamp"]
        times.append(arrived.timestamp())
        turned.node.advance(60)
    for minute in range(9):
        expected = [b"%d" % later for later in range(minute, 9)]
        assert read(turned, "t", FIRST, "AT_TIMESTAMP", Timestamp=times[minute]) == expected
        assert read(turned, "t", FIRST, "AT_TIMESTAMP", Timestamp=times[minute] + 0.002) == expected[1:]


def test_an_iterator_that_is_not_well_formed_is_refused(aws: Account, stream: str) -> None:
    for asked in (
        {"ShardIteratorType": "AT_SEQUENCE_NUMBER"},
        {"ShardIteratorType": "AT_TIMESTAMP"},
        {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 9e9},
    ):
        with pytest.raises(ClientError) as error:
            aws.kinesis.get_shard_iterator(StreamName=stream, ShardId=FIRST, **asked)
        assert refusal(error)[0] == "InvalidArgumentException"
    with pytest.raises(ClientError) as error:
        iterator(aws, stream, FIRST, "AT_SEQUENCE_NUMBER", StartingSequenceNumber="5")
    said = f"StartingSequenceNumber 5 used in GetShardIterator on shard {FIRST} in stream s under account {aws.id} is invalid."
    assert refusal(error) == ("InvalidArgumentException", said)
    with pytest.raises(ClientError) as error:
        aws.kinesis.get_records(ShardIterator="AAAAAAAAAA")
    assert refusal(error) == ("InvalidArgumentException", "Invalid ShardIterator.")
    with pytest.raises(ClientError) as error:
        iterator(aws, stream, "shardId-000000000007")
    assert refusal(error) == ("ResourceNotFoundException", f"Shard shardId-000000000007 in stream s under account {aws.id} does not exist")


def test_a_sequence_number_of_another_shard_is_no_place_to_begin(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="two", ShardCount=2)
    number = put(aws, "two", b"x", ExplicitHashKey="0")[0]["SequenceNumber"]
    with pytest.raises(ClientError) as error:
        iterator(aws, "two", "shardId-000000000001", "AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)
    assert refusal(error) == (
        "InvalidArgumentException",
        "Invalid StartingSequenceNumber. It encodes shardId-000000000000, while it was used in a call to a shard with shardId-000000000001",
    )


def test_an_iterator_lasts_five_minutes(turned: Account) -> None:
    turned.kinesis.create_stream(StreamName="e", ShardCount=1)
    at = iterator(turned, "e", FIRST)
    turned.node.advance(299)
    at = turned.kinesis.get_records(ShardIterator=at)["NextShardIterator"]
    turned.node.advance(301)
    with pytest.raises(ClientError) as error:
        turned.kinesis.get_records(ShardIterator=at)
    code, message = refusal(error)
    assert code == "ExpiredIteratorException"
    assert message.endswith("which is further in the future than the tolerated delay of 300000 milliseconds.")


def test_records_are_gone_after_their_retention(turned: Account) -> None:
    turned.kinesis.create_stream(StreamName="r", ShardCount=1)
    put(turned, "r", b"old")
    turned.node.advance(23 * 3600)
    put(turned, "r", b"new")
    assert read(turned, "r", FIRST) == [b"old", b"new"]
    turned.node.advance(2 * 3600)
    assert read(turned, "r", FIRST) == [b"new"]
    assert read(turned, "r", FIRST, "AT_TIMESTAMP", Timestamp=0) == [b"new"]


def test_pages_hold_what_was_asked_for_and_no_more_than_ten_megabytes(aws: Account, stream: str) -> None:
    put(aws, stream, *[b"%d" % i for i in range(5)])
    page = aws.kinesis.get_records(ShardIterator=iterator(aws, stream, FIRST), Limit=2)
    assert [record["Data"] for record in page["Records"]] == [b"0", b"1"]
    assert page["MillisBehindLatest"] > 0
    aws.kinesis.create_stream(StreamName="big", ShardCount=1)
    for _ in range(12):
        aws.kinesis.put_record(StreamName="big", Data=b"x" * 1_000_000, PartitionKey="k")
    page = aws.kinesis.get_records(ShardIterator=iterator(aws, "big", FIRST))
    assert len(page["Records"]) == 10
    assert len(aws.kinesis.get_records(ShardIterator=page["NextShardIterator"])["Records"]) == 2


def test_a_record_is_as_large_as_its_stream_says(aws: Account, stream: str) -> None:
    aws.kinesis.put_record(StreamName=stream, Data=b"x" * (2**20 - 1), PartitionKey="k")
    with pytest.raises(ClientError) as error:
        aws.kinesis.put_record(StreamName=stream, Data=b"x" * 2**20, PartitionKey="k")
    assert refusal(error)[0] == "ValidationException"
    arn = aws.kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    aws.kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
    aws.kinesis.put_record(StreamName=stream, Data=b"x" * 2**20, PartitionKey="k")


def test_a_stream_may_be_named_by_its_arn(aws: Account, stream: str) -> None:
    arn = f"arn:aws:kinesis:us-east-1:{aws.id}:stream/{stream}"
    aws.kinesis.put_record(StreamARN=arn, Data=b"x", PartitionKey="k")
    aws.kinesis.put_records(StreamARN=arn, Records=[{"Data": b"y", "PartitionKey": "k"}])
    at = aws.kinesis.get_shard_iterator(StreamARN=arn, ShardId=FIRST, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert [record["Data"] for record in aws.kinesis.get_records(ShardIterator=at, StreamARN=arn)["Records"]] == [b"x", b"y"]


def test_a_number_for_ordering_must_be_one_that_was_given(aws: Account, stream: str) -> None:
    first = aws.kinesis.put_record(StreamName=stream, Data=b"1", PartitionKey="k")["SequenceNumber"]
    second = aws.kinesis.put_record(StreamName=stream, Data=b"2", PartitionKey="k", SequenceNumberForOrdering=first)["SequenceNumber"]
    assert second > first
    with pytest.raises(ClientError) as error:
        aws.kinesis.put_record(StreamName=stream, Data=b"3", PartitionKey="k", SequenceNumberForOrdering="5")
    said = f"ExclusiveMinimumSequenceNumber 5 used in PutRecord on stream s under account {aws.id} is invalid."
    assert refusal(error) == ("InvalidArgumentException", said)


def test_a_dry_run_changes_nothing(aws: Account, stream: str) -> None:
    with pytest.raises(ClientError) as error:
        aws.kinesis.put_record(StreamName=stream, Data=b"1", PartitionKey="k", DryRun=True)
    assert refusal(error)[0] == "DryRunOperationException"
    assert read(aws, stream, FIRST) == []


def test_a_stream_that_is_not_there_is_named_in_the_refusal(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        aws.kinesis.put_record(StreamName="none", Data=b"1", PartitionKey="k")
    assert refusal(error) == ("ResourceNotFoundException", f"Stream none under account {aws.id} not found.")


def _cbor(aws: Account, operation: str, params: dict[str, object]) -> dict[str, object]:
    request = AWSRequest(
        "POST",
        aws.node.url,
        data=cbor2.dumps(params),
        headers={"X-Amz-Target": f"Kinesis_20131202.{operation}", "Content-Type": "application/x-amz-cbor-1.1"},
    )
    SigV4Auth(Credentials(aws.id, "test"), "kinesis", aws.region).add_auth(request)
    with urllib.request.urlopen(urllib.request.Request(aws.node.url, request.data, dict(request.headers.items()))) as answer:
        return cbor2.loads(answer.read(), semantic_decoders={1: lambda value, _: value}) or {}


def test_the_java_sdk_speaks_cbor(aws: Account, stream: str) -> None:
    _cbor(aws, "PutRecords", {"StreamName": stream, "Records": [{"Data": b"\x00\xff", "PartitionKey": "k"}]})
    at = _cbor(aws, "GetShardIterator", {"StreamName": stream, "ShardId": FIRST, "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
    (record,) = _cbor(aws, "GetRecords", {"ShardIterator": at})["Records"]  # type: ignore[misc]
    assert record["Data"] == b"\x00\xff"
    assert record["ApproximateArrivalTimestamp"] > 1_600_000_000_000


def test_aws_distributes_by_itself_when_asked_to(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="auto", StreamModeDetails={"StreamMode": "ON_DEMAND"}, RecordDistributionStrategy="AUTO")
    answer = aws.kinesis.put_records(StreamName="auto", Records=[{"Data": b"x"}] * 100)
    assert len({record["ShardId"] for record in answer["Records"]}) > 1
    assert sum(len(read(aws, "auto", shard)) for shard in shard_ids(aws, "auto")) == 100
    aws.kinesis.create_stream(StreamName="keyed", ShardCount=1)
    with pytest.raises(ClientError) as error:
        aws.kinesis.put_record(StreamName="keyed", Data=b"x")
    said = "1 validation error detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not be null"
    assert refusal(error) == ("ValidationException", said)


def test_writers_at_once_lose_nothing_and_each_keeps_its_order(aws: Account) -> None:
    aws.kinesis.create_stream(StreamName="busy", ShardCount=3)

    def write(writer: int) -> list[tuple[str, str, bytes]]:
        client = aws.client("kinesis")
        done: list[tuple[str, str, bytes]] = []
        for i in range(15):
            payloads = [b"%d-%d-%d" % (writer, i, j) for j in range(1 + i % 4)]
            records = [{"Data": data, "PartitionKey": str(writer)} for data in payloads]
            if i % 5 == 4:  # one that is refused leaves the others alone
                with pytest.raises(ClientError):
                    client.put_records(StreamName="busy", Records=[*records, {"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": str(2**128)}])
                continue
            answers = client.put_records(StreamName="busy", Records=records)["Records"]
            done += [(answer["ShardId"], answer["SequenceNumber"], data) for answer, data in zip(answers, payloads, strict=True)]
        return done

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(write, range(8)))
    for shard in shard_ids(aws, "busy"):
        answer = aws.kinesis.get_records(ShardIterator=iterator(aws, "busy", shard))
        found = [(shard, record["SequenceNumber"], record["Data"]) for record in answer["Records"]]
        assert found == sorted(found)
        assert sorted(found) == sorted(entry for done in written for entry in done if entry[0] == shard)
    for done in written:
        assert [number for _, number, _ in done] == sorted(number for _, number, _ in done)
