"""Event streams: our messages are read by botocore, and what others send is decoded or refused."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import botocore.eventstream
import botocore.parsers
import pytest
from botocore.awsrequest import HeadersDict
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.clients import MODELS, botocore_model, plain
from tule.core.errors import ServiceError
from tule.wire.eventstream import Decoder, Message, encode
from tule.wire.http import Response
from tule.wire.malformed import Malformed

_VALUES = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.uuids(),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)),
)
_HEADERS = st.dictionaries(st.text(min_size=1, max_size=20), _VALUES, max_size=6)


@given(_HEADERS, st.binary(max_size=200), st.integers(1, 50))
def test_messages_come_back_however_they_are_cut(headers: dict[str, Any], payload: bytes, step: int) -> None:
    data = encode(headers, payload) * 2
    decoder = Decoder()
    messages: list[Message] = []
    for at in range(0, len(data), step):
        messages += decoder.feed(data[at : at + step])
    assert messages == [Message(headers, payload)] * 2
    assert decoder.pending == 0


@given(_HEADERS, st.binary(max_size=100))
def test_botocore_reads_the_same_message(headers: dict[str, Any], payload: bytes) -> None:
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(encode(headers, payload))
    (message,) = list(buffer)
    assert message.payload == payload
    expected = {
        name: value.bytes if isinstance(value, uuid.UUID) else round(value.timestamp() * 1000) if isinstance(value, datetime) else value
        for name, value in headers.items()
    }
    assert message.headers == expected


@given(st.data())
def test_a_damaged_message_is_refused(data: st.DataObject) -> None:
    message = bytearray(encode({":event-type": "Records", "n": 5}, b"payload"))
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Malformed):
        Decoder().feed(bytes(message) + bytes(64))


async def _events(*events: dict[str, Any], error: ServiceError | None = None) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        yield event
    if error is not None:
        raise error


async def _read(service: str, operation: str, result: dict[str, Any]) -> list[Any]:
    """The events as botocore's client gives them, the initial response left out."""
    response = MODELS.operation(service, operation).serialize(result, "id")
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    model = botocore_model(service).operation_model(operation)
    parser = botocore.parsers.create_parser(model.service_model.resolved_protocol)
    answer = {
        "headers": HeadersDict(response.headers),
        "status_code": response.status,
        "body": _Raw([piece async for piece in _body(response)]),
        "context": {"operation_name": operation},
    }
    stream = next(value for value in parser.parse(answer, model.output_shape).values() if isinstance(value, botocore.eventstream.EventStream))
    return [plain(event) for event in stream]


async def _body(response: Response) -> AsyncIterator[bytes]:
    assert not isinstance(response.body, bytes)
    async for piece in response.body:
        yield piece


class _Raw:
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def stream(self) -> Any:
        return iter(self._pieces)

    def close(self) -> None:
        return None


async def test_s3_select_sends_records_statistics_and_end() -> None:
    events = _events({"Records": {"Payload": b"a,b\n"}}, {"Stats": {"Details": {"BytesScanned": 5}}}, {"Cont": {}}, {"End": {}})
    assert await _read("s3", "SelectObjectContent", {"Payload": events}) == [
        {"Records": {"Payload": b"a,b\n"}},
        {"Stats": {"Details": {"BytesScanned": 5}}},
        {"Cont": {}},
        {"End": {}},
    ]


async def test_lambda_streams_chunks_and_a_completion() -> None:
    events = _events({"PayloadChunk": {"Payload": b"hello"}}, {"InvokeComplete": {"ErrorCode": "Unhandled", "LogResult": "x"}})
    assert await _read("lambda", "InvokeWithResponseStream", {"EventStream": events, "StatusCode": 200}) == [
        {"PayloadChunk": {"Payload": b"hello"}},
        {"InvokeComplete": {"ErrorCode": "Unhandled", "LogResult": "x"}},
    ]


async def test_kinesis_sends_an_initial_response_and_records() -> None:
    record = {"SequenceNumber": "1", "Data": b"\x00\xff", "PartitionKey": "k", "ApproximateArrivalTimestamp": 1_700_000_000.5}
    event = {"SubscribeToShardEvent": {"Records": [record], "ContinuationSequenceNumber": "1", "MillisBehindLatest": 0}}
    assert await _read("kinesis", "SubscribeToShard", {"EventStream": _events(event)}) == [event]


async def test_logs_tail_live() -> None:
    session = {"sessionStart": {"requestId": "r", "sessionId": "s", "logGroupIdentifiers": ["g"]}}
    update = {"sessionUpdate": {"sessionMetadata": {"sampled": False}, "sessionResults": [{"message": "m", "timestamp": 5}]}}
    assert await _read("logs", "StartLiveTail", {"responseStream": _events(session, update)}) == [session, update]


async def test_an_error_ends_the_stream_as_an_exception() -> None:
    events = _events(error=ServiceError("SessionTimeoutException", "too long"))
    with pytest.raises(botocore.eventstream.EventStreamError, match=r"SessionTimeoutException.*too long"):
        await _read("logs", "StartLiveTail", {"responseStream": events})


async def test_an_unmodelled_error_ends_the_stream_as_an_error() -> None:
    with pytest.raises(botocore.eventstream.EventStreamError, match=r"Strange.*odd"):
        await _read("logs", "StartLiveTail", {"responseStream": _events(error=ServiceError("Strange", "odd"))})
