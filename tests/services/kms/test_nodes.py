"""Two nodes on one database share keys: what one makes or changes, the other knows a moment later."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.postgres import fresh_database
from tests.services.kms.conftest import new_key

PATIENCE_S = 20.0


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, Account]]:
    """One account, seen through two nodes."""
    url = fresh_database()
    data = tmp_path_factory.mktemp("pair")
    with RunningNode(data / "one", store=url) as one, RunningNode(data / "two", store=url) as two:
        account = one.fresh_account()
        yield account, Account(two, account.id)


def test_keys_are_the_same_everywhere(pair: tuple[Account, Account]) -> None:
    here, there = pair
    key = new_key(here)
    blob = here.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert there.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    here.kms.rotate_key_on_demand(KeyId=key)
    blob = here.kms.encrypt(KeyId=key, Plaintext=b"y")["CiphertextBlob"]
    assert there.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"y"  # whether it has heard of the rotation or not
    here.kms.disable_key(KeyId=key)
    assert _until(lambda: _decrypted(there, blob) is None)


def _decrypted(account: Account, blob: bytes) -> bytes | None:
    try:
        return account.kms.decrypt(CiphertextBlob=blob)["Plaintext"]
    except ClientError:
        return None


def _until(holds: object) -> bool:
    """What one node says reaches the other by a hint, soon."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if holds():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False
