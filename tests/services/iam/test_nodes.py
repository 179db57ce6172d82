"""Two nodes on one database: what one changes, the other enforces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.postgres import node_database
from tests.services.iam.documents import User, allow


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Account, Account]]:
    """One account, seen through two nodes."""
    url = node_database()
    with RunningNode(tmp_path / "one", store=url) as one, RunningNode(tmp_path / "two", store=url) as two:
        account = one.fresh_account()
        yield account, Account(two, account.id)


def test_a_change_on_one_node_counts_on_the_other(pair: tuple[Account, Account]) -> None:
    here, there = pair
    bob = User(here, "bob")
    elsewhere = there.client("iam", aws_access_key_id=bob.key["AccessKeyId"], aws_secret_access_key=bob.key["SecretAccessKey"])

    def allowed() -> bool:
        try:
            elsewhere.list_users()
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        return True

    assert not allowed()
    here.iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=allow("iam:ListUsers"))
    assert _soon(allowed, True)
    here.iam.delete_user_policy(UserName="bob", PolicyName="p")
    assert _soon(allowed, False)


def _soon(condition: Callable[[], bool], expected: bool) -> bool:
    """Within two seconds: by the hint, long before anybody looks by himself."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        if condition() is expected:
            return True
        time.sleep(0.01)
    return False
