"""The cron job: every morning at nine, by the wall clock, a function reads the top stories and posts them to the team's chat.

Deployed by SAM, run by real instances, through a week and the change to summer time.  News and chat are servers on this machine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.node import RunningNode

MONDAY = datetime(2026, 3, 23, 12, tzinfo=UTC)
STORIES = {"1": "Cron comes back", "2": "Clocks change on Sunday", "3": "Nobody noticed"}
CODE = """
import json, os, urllib.request

def fetch(path):
    with urllib.request.urlopen(os.environ["NEWS"] + path) as answer:
        return json.load(answer)

def handler(event, context):
    titles = [fetch(f"/item/{number}.json")["title"] for number in fetch("/topstories.json")[:2]]
    text = json.dumps({"text": " | ".join(titles), "time": event["time"]}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["CHAT"], text, {"content-type": "application/json"})).read()
"""


@dataclass(slots=True)
class Town:
    """A news API and a chat's webhook on one port."""

    port: int
    posts: list[Any] = field(default_factory=list[Any])


@contextmanager
def town() -> Iterator[Town]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = self.path.removeprefix("/item/").removesuffix(".json")
            self._answer({"title": STORIES[number]} if self.path.startswith("/item/") else list(STORIES))

        def do_POST(self) -> None:
            here.posts.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer({"ok": True})

        def _answer(self, body: Any) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Town(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()


def template(port: int) -> str:
    base = f"http://host.tule.internal:{port}"
    function = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "InlineCode": CODE,
        "Environment": {"Variables": {"NEWS": base, "CHAT": f"{base}/webhook"}},
        "Events": {
            "Morning": {
                "Type": "ScheduleV2",
                "Properties": {"ScheduleExpression": "cron(0 9 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin"},
            }
        },
    }
    return json.dumps(
        {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Digest": {"Type": "AWS::Serverless::Function", "Properties": function}}}
    )


def test_the_news_are_in_the_chat_at_nine_each_morning(start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch) -> None:
    with town() as here:
        monkeypatch.setenv("TULE_EGRESS", f"127.0.0.1:{here.port}")
        node = start_node()
        node.turn_clock({"do": "freeze", "at_ms": int(MONDAY.timestamp() * 1000)})
        account = node.fresh_account()
        stack = {"StackName": "digest", "TemplateBody": template(here.port), "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}
        account.cloudformation.create_stack(**stack)
        account.cloudformation.get_waiter("stack_create_complete").wait(StackName="digest", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        node.advance(7 * 86_400)
        assert [post["time"] for post in here.posts] == [
            "2026-03-24T08:00:00Z",
            "2026-03-25T08:00:00Z",
            "2026-03-26T08:00:00Z",
            "2026-03-27T08:00:00Z",
            "2026-03-28T08:00:00Z",
            "2026-03-29T07:00:00Z",  # summer time
            "2026-03-30T07:00:00Z",
        ]
        assert {post["text"] for post in here.posts} == {"Cron comes back | Clocks change on Sunday"}
