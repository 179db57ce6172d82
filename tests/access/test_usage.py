"""What roles use is remembered, in batches, on every kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.access.callers import ALICE, NOW_MS, WORKER
from tests.stores import KINDS, opened
from tule.access.need import Need
from tule.access.principal import ANONYMOUS, root
from tule.access.usage import SCHEMA, Usage, Use, used_by
from tule.store.store import Store


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as store:
        await store.migrate("access", SCHEMA)
        yield store


async def test_a_use_is_remembered_once(store: Store) -> None:
    usage = Usage()
    for _ in range(3):
        usage.record(WORKER, Need("s3:GetObject", "arn:aws:s3:::b/k1"), NOW_MS)
        usage.record(WORKER, Need("s3:GetObject", "arn:aws:s3:::b/k2"), NOW_MS + 1)
    usage.record(ALICE, Need("sqs:SendMessage", "arn:aws:sqs:::q"), NOW_MS)
    usage.record(root("123456789012"), Need("s3:GetObject", "arn:aws:s3:::b/k1"), NOW_MS)
    usage.record(ANONYMOUS, Need("s3:GetObject", "arn:aws:s3:::b/k1"), NOW_MS)
    await usage.flush(store)
    usage.forget()
    usage.record(WORKER, Need("s3:GetObject", "arn:aws:s3:::b/k1"), NOW_MS + 2)
    await usage.flush(store)
    assert await store.read(lambda tx: used_by(tx, WORKER.entity_arn)) == [Use("s3:GetObject", "arn:aws:s3:::b/*")]
    assert await store.read(lambda tx: used_by(tx, ALICE.entity_arn)) == [Use("sqs:SendMessage", "arn:aws:sqs:::q")]
