"""API destinations, as enrichments and as targets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.services.pipes.house import PipesHouse, arn


@dataclass(slots=True)
class Api:
    """A server that writes down what it is asked, and answers with `status` and `body`."""

    port: int
    status: int = 200
    body: Any = None
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list[tuple[str, dict[str, str], Any]])


@pytest.fixture
def api() -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            here.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, json.loads(content)))
            self.send_response(here.status)
            answer = json.dumps(here.body).encode()
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Api(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield here
    server.shutdown()
    server.server_close()


async def destination(house: PipesHouse, api: Api) -> str:
    auth = {"BasicAuthParameters": {"Username": "u", "Password": "p"}}
    connection = await house.call("events", "CreateConnection", Name="c", AuthorizationType="BASIC", AuthParameters=auth)
    made = await house.call(
        "events",
        "CreateApiDestination",
        Name="d",
        ConnectionArn=connection["ConnectionArn"],
        InvocationEndpoint=f"https://127.0.0.1:{api.port}/things/*".replace("https", "http"),
        HttpMethod="POST",
    )
    return made["ApiDestinationArn"]


async def test_an_api_destination_is_called_with_what_the_event_says(house: PipesHouse, api: Api) -> None:
    http = {"PathParameterValues": ["$.body.id"], "HeaderParameters": {"x-kind": "$.body.kind"}, "QueryStringParameters": {"q": "fixed"}}
    target = await destination(house, api)
    await house.pipe(target, TargetParameters={"HttpParameters": http, "InputTemplate": '{"n": <$.body.n>}'})
    await house.send({"id": "i1", "kind": "k", "n": 1})
    await house.settle()
    ((path, headers, body),) = api.asked
    assert (path, headers["x-kind"], body) == ("/things/i1?q=fixed", "k", {"n": 1})
    assert headers["authorization"].startswith("Basic ")
    assert await house.left() == 0


async def test_what_an_api_answers_goes_on(house: PipesHouse, api: Api) -> None:
    api.body = {"name": "Ada"}
    await house.queue("out")
    enrichment = await destination(house, api)
    await house.pipe(arn("sqs", "out"), Enrichment=enrichment, EnrichmentParameters={"InputTemplate": '{"id": <$.body.id>}'})
    await house.send({"id": 7})
    await house.settle()
    assert await house.bodies() == ['{"name":"Ada"}']
    assert api.asked[0][2] == {"id": 7}


async def test_an_api_that_refuses_uses_up_attempts(house: PipesHouse, api: Api) -> None:
    api.status = 400
    await house.queue("dead")
    policy = json.dumps({"deadLetterTargetArn": arn("sqs", "dead"), "maxReceiveCount": 2})
    await house.call("sqs", "SetQueueAttributes", QueueUrl=await house.url("in"), Attributes={"RedrivePolicy": policy})
    await house.pipe(await destination(house, api))
    await house.send("{}")
    await house.settle()
    await house.advance(120)
    assert len(api.asked) == 2
    assert await house.bodies("dead") == ["{}"]
