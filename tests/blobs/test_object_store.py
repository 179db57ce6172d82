"""Blobs in an object store: one in memory, and S3 as this house serves it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import obstore.store
import pytest

from tests.node import RunningNode
from tule.blobs.blobs import BlobMissing
from tule.blobs.object_store import ObjectBlobs
from tule.blobs.open import open_blobs
from tule.core.clock import TurnableClock
from tule.core.config import Config, ConfigError
from tule.core.ids import Ids
from tule.store.errors import StoreUnavailable
from tule.store.store import Store

MIB = 1024 * 1024


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.fixture(scope="module")
def s3_node(tmp_path_factory: pytest.TempPathFactory) -> object:
    with RunningNode(tmp_path_factory.mktemp("s3"), ephemeral=True) as node:
        node.fresh_account().client("s3", aws_access_key_id="test").create_bucket(Bucket="blobs")
        yield node


@pytest.fixture(params=["memory", "s3"])
def blobs(request: pytest.FixtureRequest, store: Store) -> ObjectBlobs:
    if request.param == "memory":
        return ObjectBlobs(obstore.store.MemoryStore(), store, Ids())
    node: RunningNode = request.getfixturevalue("s3_node")
    objects = obstore.store.S3Store(
        "blobs",
        prefix=f"test/{os.urandom(4).hex()}",
        endpoint=node.url,
        access_key_id="test",
        secret_access_key="test",
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=10)},
    )
    return ObjectBlobs(objects, store, Ids())


async def test_what_was_written_is_read_in_whole_and_in_part(blobs: ObjectBlobs) -> None:
    content = os.urandom(12 * MIB)
    written = await blobs.write(chunks(content[: 7 * MIB], content[7 * MIB :]))
    assert written.length == len(content) == await blobs.length(written.name)
    assert await blobs.read_all(written.name) == content
    for start, end in ((0, 1), (5, 5), (MIB, 3 * MIB), (len(content) - 1, None), (len(content), None), (10, len(content) + 10)):
        assert b"".join([piece async for piece in blobs.read(written.name, start, end)]) == content[start:end]


async def test_an_empty_blob_is_a_blob(blobs: ObjectBlobs) -> None:
    written = await blobs.write(chunks())
    assert written.length == 0
    assert await blobs.read_all(written.name) == b""


async def test_pieces_are_of_one_size_and_changed_in_their_order(blobs: ObjectBlobs) -> None:
    content = os.urandom(3 * MIB + 17)
    name = (await blobs.write(chunks(content))).name
    got = [part async for part in blobs.read(name, 7, piece=100_000, through=lambda data: data[::-1])]
    assert {len(part) for part in got[:-1]} == {100_000}
    assert b"".join(part[::-1] for part in got) == content[7:]


async def test_what_was_written_is_verified(blobs: ObjectBlobs) -> None:
    name = (await blobs.write(chunks(os.urandom(3 * MIB), b"x"))).name
    assert await blobs.verify(name) is True
    await blobs.put("ab" * 16, chunks(b"old"))
    assert await blobs.verify("ab" * 16) is None


async def test_a_writer_that_fails_leaves_nothing(blobs: ObjectBlobs) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(6 * MIB)
        yield bytes(6 * MIB)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.write(broken())
    assert [name async for name in blobs.names()] == []


async def test_what_is_missing_or_deleted_is_said(blobs: ObjectBlobs) -> None:
    name = (await blobs.write(chunks(b"x"))).name
    await blobs.delete(name)
    await blobs.delete(name)
    with pytest.raises(BlobMissing):
        await blobs.read_all(name)
    with pytest.raises(BlobMissing):
        await blobs.length(name)


async def test_orphans_are_swept(blobs: ObjectBlobs) -> None:
    held, orphan = [(await blobs.write(chunks(b"x"))).name for _ in range(2)]
    assert await blobs.sweep(-60_000) == 0
    blobs.referenced_by(lambda tx, names: {held} & set(names))
    assert await blobs.sweep(3_600_000) == 0
    assert await blobs.sweep(-60_000) == 1
    assert [name async for name in blobs.names()] == [held]
    assert orphan != held


async def test_an_unreachable_store_is_said(store: Store) -> None:
    objects = obstore.store.S3Store(
        "blobs",
        endpoint="http://127.0.0.1:1",
        access_key_id="a",
        secret_access_key="b",
        region="us-east-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
    )
    with pytest.raises(StoreUnavailable, match="The object store cannot be used"):
        await ObjectBlobs(objects, store, Ids()).write(chunks(b"x"))


async def test_the_configuration_says_where_blobs_live(store: Store, tmp_path: Path) -> None:
    async def opened(**fields: object) -> object:
        return await open_blobs(Config(data=str(tmp_path), **fields), store, TurnableClock(), Ids())  # type: ignore[arg-type]

    shared = await opened(blobs=f"file://{tmp_path}/shared")
    assert (tmp_path / "shared").is_dir()
    await shared.close()  # type: ignore[attr-defined]
    assert isinstance(await opened(blobs="s3://bucket/prefix"), ObjectBlobs)
    with pytest.raises(ConfigError, match="is no place for blobs"):
        await opened(blobs="ftp://host/there")
    before = set(tmp_path.iterdir())
    ephemeral = await opened(ephemeral=True)
    assert len(set(tmp_path.iterdir()) - before) == 1
    await ephemeral.close()  # type: ignore[attr-defined]
    assert set(tmp_path.iterdir()) == before
