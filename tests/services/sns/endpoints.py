"""What SNS talks to in these tests: an HTTP server that keeps what it gets, queues, and waiting for either."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from tests.node import Account

T = TypeVar("T")
PATIENCE_S = 20.0


class Delivered:
    """One request: headers by lower-case name, the body, and the body as JSON."""

    def __init__(self, headers: dict[str, str], body: str, at: float) -> None:
        self.headers = headers
        self.body = body
        self.at = at

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)


class Hook:
    """Answers with the next of `statuses`, and with 200 when there are none left."""

    def __init__(self) -> None:
        self.got: list[Delivered] = []
        self.statuses: list[int] = []
        self._arrived = threading.Condition()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status = hook.take({name.lower(): value for name, value in self.headers.items()}, body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, headers: dict[str, str], body: str) -> int:
        with self._arrived:
            self.got.append(Delivered(headers, body, time.monotonic()))
            self._arrived.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def wait(self, count: int) -> Delivered:
        """The delivery number `count`, counted from 1."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.got) >= count, PATIENCE_S), f"only {len(self.got)} of {count} came"
            return self.got[count - 1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def eventually(find: Callable[[], T]) -> T:
    """What `find` gives once it is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := find()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


class Queue:
    """A queue that lets SNS in."""

    def __init__(self, account: Account, name: str = "queue", **attributes: str) -> None:
        self._sqs = account.sqs
        self.url: str = self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn: str = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": self.arn}
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})

    def messages(self, count: int) -> list[dict[str, Any]]:
        """The next `count` messages, taken off the queue."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + PATIENCE_S
        while len(found) < count and time.monotonic() < deadline:
            answer = self._sqs.receive_message(
                QueueUrl=self.url, WaitTimeSeconds=2, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
            )
            for message in answer.get("Messages", ()):
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                found.append(message)
        assert len(found) == count, f"{len(found)} of {count} messages: {found}"
        return found

    def texts(self, count: int) -> list[str]:
        """The published texts of the next messages, out of their envelopes."""
        return [json.loads(message["Body"])["Message"] for message in self.messages(count)]

    @property
    def is_empty(self) -> bool:
        return "Messages" not in self._sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=0)


def texts_of(messages: Iterable[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]
