"""What tests do with messages, in a word each."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account


def send(account: Account, url: str, *bodies: str, **more: Any) -> None:
    for body in bodies:
        account.sqs.send_message(QueueUrl=url, MessageBody=body, **more)


def receive(account: Account, url: str, count: int = 10, **more: Any) -> list[dict[str, Any]]:
    return account.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, **more).get("Messages", [])


def bodies(account: Account, url: str, count: int = 10, **more: Any) -> list[str]:
    return [message["Body"] for message in receive(account, url, count, **more)]


def delete(account: Account, url: str, message: dict[str, Any]) -> None:
    account.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def hide(account: Account, url: str, message: dict[str, Any], seconds: int) -> None:
    account.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds)


def counts(account: Account, url: str) -> tuple[int, int, int]:
    """Visible, in flight, delayed."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    found = account.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return (int(found[names[0]]), int(found[names[1]]), int(found[names[2]]))


def attributes(account: Account, url: str) -> dict[str, str]:
    return account.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


class Refusal:
    code = ""
    message = ""
    status = 0


class refused:
    """The call inside must fail with this code; `message`, where given, must be part of what is said."""

    def __init__(self, code: str, message: str = "") -> None:
        self._expected = pytest.raises(ClientError)
        self._code, self._message = code, message
        self._refusal = Refusal()

    def __enter__(self) -> Refusal:
        self._raised = self._expected.__enter__()
        return self._refusal

    def __exit__(self, *failure: Any) -> bool:
        swallowed = self._expected.__exit__(*failure)
        if swallowed:
            response = self._raised.value.response
            error = response["Error"]
            assert error["Code"] == self._code, error
            assert self._message in error["Message"], error
            self._refusal.code, self._refusal.message = error["Code"], error["Message"]
            self._refusal.status = response["ResponseMetadata"]["HTTPStatusCode"]
        return bool(swallowed)
