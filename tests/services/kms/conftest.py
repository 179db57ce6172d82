from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account

_numbers = itertools.count()


@contextlib.contextmanager
def refused(code: str, words: str = "") -> Iterator[None]:
    """The call is refused with this code, and with a message that contains these words."""
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    assert words in error["Message"]


def new_key(account: Account, **more: Any) -> str:
    return account.kms.create_key(**more)["KeyMetadata"]["KeyId"]


def arn_of(account: Account, key: str) -> str:
    return f"arn:aws:kms:{account.region}:{account.id}:key/{key}"


def state_of(account: Account, key: str) -> str:
    return account.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


class User:
    """A user with rights of its own: `user.kms` is its client."""

    def __init__(self, account: Account, *statements: dict[str, Any]) -> None:
        self.name = f"user-{next(_numbers)}"
        self.arn = f"arn:aws:iam::{account.id}:user/{self.name}"
        account.iam.create_user(UserName=self.name)
        if statements:
            policy = {"Version": "2012-10-17", "Statement": list(statements)}
            account.iam.put_user_policy(UserName=self.name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = account.iam.create_access_key(UserName=self.name)["AccessKey"]
        self._account, self._key = account, key
        self.kms = self.client("kms")

    def client(self, service: str) -> Any:
        return self._account.client(service, aws_access_key_id=self._key["AccessKeyId"], aws_secret_access_key=self._key["SecretAccessKey"])


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def policy_of(account: Account, *statements: dict[str, Any], with_root: bool = True) -> str:
    """A key policy, which leaves the account its rights unless it is said otherwise."""
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*([root] if with_root else []), *statements]})


@pytest.fixture
def key(aws: Account) -> str:
    return new_key(aws)
