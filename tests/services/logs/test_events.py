"""Log events through boto3: order, limits, pages, filters and retention."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.logs.test_groups import refused

MINUTE_MS = 60_000
DAY_MS = 86_400_000


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture
def stream(aws: Account) -> dict[str, str]:
    return new_stream(aws)


def new_stream(account: Account, group: str = "g", name: str = "s") -> dict[str, str]:
    try:
        account.logs.create_log_group(logGroupName=group)
    except account.logs.exceptions.ResourceAlreadyExistsException:
        pass
    account.logs.create_log_stream(logGroupName=group, logStreamName=name)
    return {"logGroupName": group, "logStreamName": name}


def put(account: Account, stream: dict[str, str], *events: tuple[int, str]) -> dict[str, Any]:
    return account.logs.put_log_events(**stream, logEvents=[{"timestamp": at, "message": text} for at, text in events])


def messages(page: dict[str, Any]) -> list[str]:
    return [event["message"] for event in page["events"]]


def test_events_come_back_in_the_order_of_their_times(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    put(aws, stream, (start, "b"), (start, "c"))
    put(aws, stream, (start - 5, "a"))
    page = aws.logs.get_log_events(**stream)
    assert messages(page) == ["a", "b", "c"]
    assert page["events"][0]["timestamp"] == start - 5
    assert start - 1000 <= page["events"][0]["ingestionTime"] <= now_ms() + 1000


def test_at_the_end_the_forward_token_comes_back_unchanged(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    put(aws, stream, *((start + i, str(i)) for i in range(5)))
    first = aws.logs.get_log_events(**stream, startFromHead=True, limit=3)
    second = aws.logs.get_log_events(**stream, nextToken=first["nextForwardToken"], limit=3)
    end = aws.logs.get_log_events(**stream, nextToken=second["nextForwardToken"], limit=3)
    assert [messages(first), messages(second), messages(end)] == [["0", "1", "2"], ["3", "4"], []]
    assert end["nextForwardToken"] == second["nextForwardToken"]
    put(aws, stream, (start + 9, "later"))
    assert messages(aws.logs.get_log_events(**stream, nextToken=end["nextForwardToken"])) == ["later"]


def test_without_a_direction_the_newest_page_comes_first_and_the_backward_token_leads_to_older_ones(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    put(aws, stream, *((start + i, str(i)) for i in range(5)))
    newest = aws.logs.get_log_events(**stream, limit=2)
    older = aws.logs.get_log_events(**stream, limit=2, nextToken=newest["nextBackwardToken"])
    oldest = aws.logs.get_log_events(**stream, limit=2, nextToken=older["nextBackwardToken"])
    beyond = aws.logs.get_log_events(**stream, limit=2, nextToken=oldest["nextBackwardToken"])
    assert [messages(page) for page in (newest, older, oldest, beyond)] == [["3", "4"], ["1", "2"], ["0"], []]
    assert beyond["nextBackwardToken"] == oldest["nextBackwardToken"]


def test_a_stream_that_was_empty_is_followed_by_its_first_token(aws: Account, stream: dict[str, str]) -> None:
    empty = aws.logs.get_log_events(**stream)
    put(aws, stream, (now_ms() - MINUTE_MS, "first"))
    assert messages(aws.logs.get_log_events(**stream, nextToken=empty["nextForwardToken"])) == ["first"]


def test_times_bound_a_page_below_inclusively_and_above_exclusively(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    put(aws, stream, *((start + i, str(i)) for i in range(5)))
    assert messages(aws.logs.get_log_events(**stream, startTime=start + 1, endTime=start + 3)) == ["1", "2"]


def test_a_token_that_nobody_gave_is_refused(aws: Account, stream: dict[str, str]) -> None:
    with pytest.raises(ClientError) as error:
        aws.logs.get_log_events(**stream, nextToken="f/123")
    assert refused(error) == ("InvalidParameterException", "The specified nextToken is invalid.")


def test_a_batch_out_of_order_is_refused(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    with pytest.raises(ClientError) as error:
        put(aws, stream, (start, "b"), (start - 1, "a"))
    assert refused(error) == ("InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order.")


def test_a_batch_over_more_than_a_day_is_refused(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    with pytest.raises(ClientError) as error:
        put(aws, stream, (start - DAY_MS - 1, "a"), (start, "b"))
    assert refused(error)[0] == "InvalidParameterException"


def test_a_batch_over_a_megabyte_is_refused(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    with pytest.raises(ClientError) as error:
        put(aws, stream, *((start, "x" * 200_000) for _ in range(6)))
    assert refused(error) == ("InvalidParameterException", "Upload too large: 1200156 bytes exceeds limit of 1048576")


def test_events_out_of_time_are_rejected_and_the_others_kept(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    answer = put(aws, stream, (start, "now"), (start + 3 * 3_600_000, "too new"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    assert len(answer["nextSequenceToken"]) == 56
    answer = put(aws, stream, (start - 15 * DAY_MS, "too old"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert messages(aws.logs.get_log_events(**stream)) == ["now"]


def test_a_stream_or_group_that_is_not_there_takes_no_events(aws: Account, stream: dict[str, str]) -> None:
    with pytest.raises(ClientError) as error:
        put(aws, {**stream, "logStreamName": "other"}, (now_ms(), "x"))
    assert refused(error) == ("ResourceNotFoundException", "The specified log stream does not exist.")
    with pytest.raises(ClientError) as error:
        put(aws, {**stream, "logGroupName": "other"}, (now_ms(), "x"))
    assert refused(error) == ("ResourceNotFoundException", "The specified log group does not exist.")


def test_a_limit_beyond_ten_thousand_is_refused_in_aws_words(aws: Account, stream: dict[str, str]) -> None:
    with pytest.raises(ClientError) as error:
        aws.logs.get_log_events(**stream, limit=10001)
    assert refused(error) == (
        "InvalidParameterException",
        "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
    )


def test_streams_are_described_with_the_times_of_their_events(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    put(aws, stream, (start, "a"), (start + 10, "b"))
    described = aws.logs.describe_log_streams(logGroupName="g")["logStreams"][0]
    assert (described["firstEventTimestamp"], described["lastEventTimestamp"]) == (start, start + 10)
    assert described["arn"] == f"arn:aws:logs:us-east-1:{aws.id}:log-group:g:log-stream:s"
    assert described["storedBytes"] == 0
    assert aws.logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 2 * 27


def test_streams_come_by_name_or_by_their_last_event(aws: Account) -> None:
    start = now_ms()
    for offset, name in ((3, "a"), (1, "b"), (2, "c")):
        put(aws, new_stream(aws, name=name), (start + offset, name))

    def order(**asked: Any) -> list[str]:
        pages = aws.logs.get_paginator("describe_log_streams").paginate(logGroupName="g", PaginationConfig={"PageSize": 2}, **asked)
        return [found["logStreamName"] for page in pages for found in page["logStreams"]]

    assert order() == ["a", "b", "c"]
    assert order(descending=True) == ["c", "b", "a"]
    assert order(orderBy="LastEventTime") == ["b", "c", "a"]
    assert order(orderBy="LastEventTime", descending=True) == ["a", "c", "b"]
    assert order(logStreamNamePrefix="b") == ["b"]


def test_a_deleted_stream_takes_its_events_along(aws: Account, stream: dict[str, str]) -> None:
    put(aws, stream, (now_ms(), "gone"))
    aws.logs.delete_log_stream(**stream)
    new_stream(aws)
    assert messages(aws.logs.get_log_events(**stream)) == []


def test_filtering_interleaves_streams_and_names_them(aws: Account) -> None:
    start = now_ms()
    one, two = new_stream(aws, name="one"), new_stream(aws, name="two")
    put(aws, one, (start, "ERROR first"), (start + 2, "ERROR third"))
    put(aws, two, (start + 1, "ERROR second"), (start + 3, "fine"))
    page = aws.logs.filter_log_events(logGroupName="g", filterPattern="ERROR")
    assert [(event["logStreamName"], event["message"]) for event in page["events"]] == [
        ("one", "ERROR first"),
        ("two", "ERROR second"),
        ("one", "ERROR third"),
    ]
    assert len({event["eventId"] for event in page["events"]}) == 3
    assert all(len(event["eventId"]) == 56 for event in page["events"])
    assert "nextToken" not in page


def test_filtered_events_come_in_pages(aws: Account) -> None:
    start = now_ms()
    for name in ("one", "two"):
        put(aws, new_stream(aws, name=name), *((start + i, f"{name} {i}") for i in range(5)))
    pages = list(aws.logs.get_paginator("filter_log_events").paginate(logGroupName="g", PaginationConfig={"PageSize": 3}))
    assert [len(page["events"]) for page in pages] == [3, 3, 3, 1]
    assert sorted(message for page in pages for message in messages(page)) == sorted(f"{n} {i}" for n in ("one", "two") for i in range(5))


def test_filtering_looks_only_at_the_streams_and_times_asked_for(aws: Account) -> None:
    start = now_ms()
    for name in ("web-1", "web-2", "db-1"):
        put(aws, new_stream(aws, name=name), (start, name), (start + 10, f"{name} later"))

    def found(**asked: Any) -> list[str]:
        return sorted(messages(aws.logs.filter_log_events(logGroupName="g", **asked)))

    assert found(logStreamNames=["db-1"]) == ["db-1", "db-1 later"]
    assert found(logStreamNamePrefix="web-", filterPattern="later") == ["web-1 later", "web-2 later"]
    assert found(startTime=start + 1) == ["db-1 later", "web-1 later", "web-2 later"]
    assert found(endTime=start) == ["db-1", "web-1", "web-2"]


def test_a_broken_pattern_is_refused(aws: Account, stream: dict[str, str]) -> None:
    with pytest.raises(ClientError) as error:
        aws.logs.filter_log_events(logGroupName="g", filterPattern="{ $.a = ")
    assert refused(error) == ("InvalidParameterException", "Invalid filter pattern")


def test_events_expire_with_their_groups_retention(turned: Account) -> None:
    stream = new_stream(turned)
    turned.logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    put(turned, stream, (turned.node.get("/_tule/clock")["now_ms"], "short-lived"))
    assert messages(turned.logs.get_log_events(**stream)) == ["short-lived"]
    turned.node.advance(25 * 3600)
    assert messages(turned.logs.get_log_events(**stream)) == []
    assert messages(turned.logs.filter_log_events(logGroupName="g")) == []
    answer = put(turned, stream, (turned.node.get("/_tule/clock")["now_ms"] - 2 * DAY_MS, "expired already"))
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}


def tail_messages(session: Iterator[dict[str, Any]]) -> Iterator[str]:
    for event in session:
        for result in event.get("sessionUpdate", {}).get("sessionResults", []):
            yield result["message"]


def test_a_live_tail_tells_what_arrives_and_matches(aws: Account, stream: dict[str, str]) -> None:
    arn = f"arn:aws:logs:us-east-1:{aws.id}:log-group:g"
    stream_of_events = aws.logs.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="ERROR")["responseStream"]
    with contextlib.closing(stream_of_events):
        session = iter(stream_of_events)
        assert next(session)["sessionStart"]["logEventFilterPattern"] == "ERROR"
        put(aws, stream, (now_ms(), "fine"), (now_ms() + 1, "ERROR one"))
        put(aws, stream, (now_ms() + 2, "ERROR two"))
        told = tail_messages(session)
        assert [next(told), next(told)] == ["ERROR one", "ERROR two"]


def test_a_tail_that_the_client_left_is_forgotten_and_others_go_on(aws: Account, stream: dict[str, str]) -> None:
    arn = f"arn:aws:logs:us-east-1:{aws.id}:log-group:g"
    left = aws.logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]
    assert "sessionStart" in next(iter(left))
    left.close()
    with contextlib.closing(aws.logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]) as stays:
        session = iter(stays)
        next(session)
        put(aws, stream, (now_ms(), "still here"))
        assert next(tail_messages(session)) == "still here"


def test_a_role_needs_permission_on_the_stream_that_it_writes(aws: Account, stream: dict[str, str]) -> None:
    aws.iam.create_user(UserName="writer")
    key = aws.iam.create_access_key(UserName="writer")["AccessKey"]
    mine = f"arn:aws:logs:us-east-1:{aws.id}:log-group:g:*"
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": mine}]}
    aws.iam.put_user_policy(UserName="writer", PolicyName="p", PolicyDocument=json.dumps(document))
    writer = aws.client("logs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    events = [{"timestamp": now_ms(), "message": "mine"}]
    writer.put_log_events(**stream, logEvents=events)
    with pytest.raises(ClientError) as error:
        writer.put_log_events(**new_stream(aws, "other"), logEvents=events)
    assert refused(error)[0] == "AccessDeniedException"
    assert f"arn:aws:logs:us-east-1:{aws.id}:log-group:other:log-stream:s" in refused(error)[1]
    with pytest.raises(ClientError) as error:
        writer.get_log_events(**stream)
    assert refused(error)[0] == "AccessDeniedException"


def test_a_large_group_is_searched_to_its_end(aws: Account, stream: dict[str, str]) -> None:
    start = now_ms()
    for batch in range(3):
        put(aws, stream, *((start + batch, f"line {batch} {i} " + "x" * 150) for i in range(5000)))
    pages = aws.logs.get_paginator("filter_log_events").paginate(logGroupName="g", filterPattern='"line 2 4999"')
    assert [event["message"][:11] for page in pages for event in page["events"]] == ["line 2 4999"]
