"""Answers that are read while they are written: InvokeWithResponseStream, and function URLs in stream mode."""

from __future__ import annotations

import json
from typing import Any

from tests.node import Account
from tests.services.lambda_.functions import create, zip_of
from tests.services.lambda_.test_urls import ask, public

NODE = "nodejs22.x"
PIECES = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  for (const piece of event.pieces ?? ["one ", "two ", "three"]) {
    stream.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (event.fail) throw new Error("in the middle");
  stream.end();
});
"""
WITH_METADATA = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, {
    statusCode: 418, headers: { "Content-Type": "text/html", "X-Own": "yes" }, cookies: ["a=1", "b=2"],
  });
  stream.write("<p>");
  stream.write("tea</p>");
  stream.end();
});
"""
WHOLE = "def handler(event, context):\n    print('said')\n    return {'statusCode': 200, 'body': 'whole'}\n"
BROKEN = "def handler(event, context):\n    raise ValueError('no')\n"


def node_function(aws: Account, code: str) -> None:
    create(aws, Runtime=NODE, Code={"ZipFile": zip_of({"index.js": code})}, Timeout=20)


def streamed(aws: Account, payload: Any = None, **how: Any) -> tuple[bytes, dict[str, Any]]:
    answer = aws.lambda_.invoke_with_response_stream(FunctionName="f", Payload=json.dumps(payload or {}).encode(), **how)
    pieces, complete = b"", {}
    for event in answer["EventStream"]:
        if "PayloadChunk" in event:
            pieces += event["PayloadChunk"]["Payload"]
        else:
            complete = event["InvokeComplete"]
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"  # HTTP's own content type, in the same header
    return pieces, complete | {"version": answer["ExecutedVersion"]}


def test_a_streamed_answer_comes_in_its_pieces(aws: Account) -> None:
    node_function(aws, PIECES)
    pieces, complete = streamed(aws, LogType="Tail")
    assert pieces == b"one two three"
    assert complete["version"] == "$LATEST"
    assert "LogResult" in complete and "ErrorCode" not in complete


def test_a_function_that_fails_in_the_middle_says_so_at_the_end(aws: Account) -> None:
    node_function(aws, PIECES)
    pieces, complete = streamed(aws, {"pieces": ["begun"], "fail": True})
    assert pieces == b"begun"
    assert complete["ErrorCode"] == "Unhandled"
    assert json.loads(complete["ErrorDetails"])["errorMessage"] == "in the middle"


def test_a_whole_answer_is_one_piece(aws: Account) -> None:
    create(aws, code=WHOLE)
    pieces, _ = streamed(aws)
    assert json.loads(pieces) == {"statusCode": 200, "body": "whole"}


def test_a_function_that_fails_at_once_streams_nothing(aws: Account) -> None:
    create(aws, code=BROKEN)
    pieces, complete = streamed(aws)
    assert (pieces, complete["ErrorCode"]) == (b"", "Unhandled")
    assert json.loads(complete["ErrorDetails"])["errorType"] == "ValueError"


def test_a_dry_run_streams_nothing(aws: Account) -> None:
    create(aws, code=BROKEN)
    answer = aws.lambda_.invoke_with_response_stream(FunctionName="f", InvocationType="DryRun")
    assert (answer["StatusCode"], list(answer["EventStream"])) == (204, [])


def test_a_url_in_stream_mode_passes_the_pieces_on(aws: Account) -> None:
    node_function(aws, PIECES)
    answer = ask(public(aws, InvokeMode="RESPONSE_STREAM"))
    assert (answer.status, answer.body, answer.header("content-type")) == (200, b"one two three", "text/plain")
    assert answer.header("transfer-encoding") == "chunked"


def test_a_streamed_answer_may_begin_with_its_metadata(aws: Account) -> None:
    node_function(aws, WITH_METADATA)
    answer = ask(public(aws, InvokeMode="RESPONSE_STREAM"))
    assert (answer.status, answer.body) == (418, b"<p>tea</p>")
    assert (answer.header("content-type"), answer.header("x-own")) == ("text/html", "yes")
    assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == ["a=1", "b=2"]


def test_in_stream_mode_a_whole_answer_is_not_interpreted(aws: Account) -> None:
    create(aws, code=WHOLE)
    answer = ask(public(aws, InvokeMode="RESPONSE_STREAM"))
    assert (answer.status, answer.json) == (200, {"statusCode": 200, "body": "whole"})


def test_in_stream_mode_a_function_that_fails_is_a_bad_gateway(aws: Account) -> None:
    create(aws, code=BROKEN)
    assert ask(public(aws, InvokeMode="RESPONSE_STREAM")).status == 502
