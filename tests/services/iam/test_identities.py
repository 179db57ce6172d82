"""What access learns of identities: kept in memory, forgotten at every change, on this node and on others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.iam.documents import LAMBDA_TRUST, allow
from tests.stores import KINDS, opened
from tule.access.principal import Principal
from tule.core.clock import TurnableClock
from tule.services.iam import ROOM, state
from tule.services.iam.identities import IamIdentities
from tule.services.iam.state import ROLE, USER, KeyRow
from tule.store.store import Store, Tx

ACCOUNT = "123456789012"


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as store:
        await store.migrate("service:iam", ROOM.schema)
        yield store


@pytest.fixture
def identities(store: Store) -> IamIdentities:
    return IamIdentities(store, TurnableClock(), b"secret")


def _entity(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "path": "/", "id": f"AROA{name}", "created_ms": 0, "trust": LAMBDA_TRUST, **more}


def _session_of(name: str) -> Principal:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/night"
    return Principal("role", ACCOUNT, arn, entity_arn=f"arn:aws:iam::{ACCOUNT}:role/{name}", user_id=f"AROA{name}:night")


async def test_policies_are_read_once_until_something_changes(store: Store, identities: IamIdentities) -> None:
    await store.write(lambda tx: state.create(tx, ROLE, ACCOUNT, _entity("one", inline={"p": allow("s3:*")})))
    first = await store.read(lambda tx: identities.policies(tx, _session_of("one")))
    version = identities.version()
    assert first is not None
    assert [policy.name for policy in first.identity] == ["role/one (inline policy p)"]
    assert await store.read(lambda tx: identities.policies(tx, _session_of("one"))) is first

    await store.write(lambda tx: state.put(tx, ROLE, ACCOUNT, _entity("one", tags={"a": "b"})))
    await _until(lambda: identities.version() > version)
    second = await store.read(lambda tx: identities.policies(tx, _session_of("one")))
    assert second is not None
    assert (second.identity, second.tags) == ((), (("a", "b"),))


async def test_a_session_of_a_role_that_was_made_anew_has_no_policies(store: Store, identities: IamIdentities) -> None:
    await store.write(lambda tx: state.create(tx, ROLE, ACCOUNT, _entity("one", id="AROAanother")))
    assert await store.read(lambda tx: identities.policies(tx, _session_of("one"))) is None
    assert await store.read(lambda tx: identities.policies(tx, _session_of("none"))) is None


async def test_a_key_is_its_users(store: Store, identities: IamIdentities) -> None:
    def make(tx: Tx) -> None:
        state.create(tx, USER, ACCOUNT, _entity("bob", id="AIDAbob"))
        state.add_key(tx, KeyRow("AKIA1", ACCOUNT, "AIDAbob", "secret", "Inactive", 0))
        state.add_key(tx, KeyRow("AKIA2", ACCOUNT, ACCOUNT, "secret", "Active", 0))

    await store.write(make)
    of_user, of_root, unknown = await store.read(lambda tx: [identities.access_key(tx, key) for key in ("AKIA1", "AKIA2", "AKIA3")])
    assert of_user is not None
    assert (of_user.principal.arn, of_user.active) == (f"arn:aws:iam::{ACCOUNT}:user/bob", False)
    assert of_root is not None
    assert of_root.principal.kind == "root"
    assert unknown is None


async def test_a_change_that_was_not_heard_of_is_found_by_watching(store: Store, identities: IamIdentities) -> None:
    identities.stop()  # deaf from now on
    assert await store.read(lambda tx: identities.policies(tx, _session_of("one"))) is None
    watching = asyncio.create_task(identities.watch(every_s=0.01))
    try:
        await _until(lambda: identities.version() > 1)
        version = identities.version()
        await store.write(lambda tx: state.create(tx, ROLE, ACCOUNT, _entity("one")))
        await _until(lambda: identities.version() > version)
    finally:
        watching.cancel()
    assert await store.read(lambda tx: identities.policies(tx, _session_of("one"))) is not None


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what another task or thread brings about
            await asyncio.sleep(0.005)
