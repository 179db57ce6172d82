"""Walking over keys, against a model that looks at all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stores import KINDS, opened
from tule.core.clock import TurnableClock
from tule.services.s3 import ROOM, several_walk, walk
from tule.services.s3.state import buckets, objects
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.objects import Version, VersionRows
from tule.services.s3.walk import Start
from tule.store.store import Store, Tx

_keys = st.text(st.sampled_from(["a", "b", "/", "é", "\ufffd", "\U0001f600"]), min_size=1, max_size=5)
_prefixes = st.text(st.sampled_from(["a", "/", "é", "\U0001f600"]), max_size=2)
_delimiters = st.sampled_from(["", "/", "b", "a/"])


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path, TurnableClock()) as store:
        await store.migrate("service:s3", ROOM.schema)
        yield store


def _in_order(keys: set[str]) -> list[str]:
    return sorted(keys, key=str.encode)


def _shown(keys: set[str], prefix: str, delimiter: str) -> list[str]:
    """What a listing shows, keys and common prefixes together, as AWS describes it."""
    shown: set[str] = set()
    for key in keys:
        if key.startswith(prefix):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            shown.add(prefix + head + found if found else key)
    return _in_order(shown)


def _version(bucket: Bucket, key: str, seq: int, version: str = "null", marker: int = 0) -> Version:
    return Version(bucket.id, key, seq, version, marker, 0, "e", 0, "1" * 12, "STANDARD", "", b"{}", None, None, None, None, b"")


def _new_bucket(tx: Tx, name: str, versioning: str = "") -> Bucket:
    buckets.create(tx, name, "1" * 12, "us-east-1", {"Versioning": versioning})
    return buckets.get(tx, name)


_examples = iter(range(10**9))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(_keys, max_size=30), st.sets(_keys, max_size=5), _prefixes, _delimiters, st.integers(1, 7))
async def test_pages_put_together_are_what_a_look_at_all_keys_gives(
    store: Store, keys: set[str], deleted: set[str], prefix: str, delimiter: str, limit: int
) -> None:
    def fill(tx: Tx) -> Bucket:
        bucket = _new_bucket(tx, f"b{next(_examples)}")
        for key in keys | deleted:
            objects.put(tx, bucket, _version(bucket, key, 1, marker=int(key in deleted)), None)
        return bucket

    bucket = await store.write(fill)

    def pages(tx: Tx) -> list[str]:
        found: list[str] = []
        start = Start("", True)
        while True:
            page = walk.one_page(lambda at, end, count: objects.listed(tx, bucket, at, end, count), prefix, delimiter, start, limit)
            together = [*(item.key for item in page.items), *page.prefixes]
            assert len(together) <= limit
            assert page.last == (max(together, key=str.encode) if together else None)
            found += sorted(together, key=str.encode)
            if not page.truncated:
                return found
            assert page.last is not None
            start = walk.start_after(page.last, prefix, delimiter)

    assert await store.read(pages) == _shown(keys - deleted, prefix, delimiter)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_keys, max_size=25), _prefixes, _delimiters, st.integers(1, 5))
async def test_pages_of_versions_put_together_are_all_versions_newest_first(
    store: Store, writes: list[str], prefix: str, delimiter: str, limit: int
) -> None:
    def fill(tx: Tx) -> Bucket:
        bucket = _new_bucket(tx, f"v{next(_examples)}", "Enabled")
        for seq, key in enumerate(writes):
            objects.put(tx, bucket, _version(bucket, key, seq, f"{seq:04}"), objects.head(tx, bucket, key))
        return bucket

    bucket = await store.write(fill)

    def pages(tx: Tx) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        key, mark = "", ""
        while True:
            page = several_walk.one_page(VersionRows(tx, bucket), prefix, delimiter, key, mark, limit)
            found += [(item.key, item.version) for item in page.items] + [(each, "") for each in page.prefixes]
            assert len(page.items) + len(page.prefixes) <= limit
            if not page.truncated:
                return found
            key, mark = page.last_key, page.last_mark

    expected: set[tuple[str, str]] = set()
    for seq, key in enumerate(writes):
        if key.startswith(prefix):
            below = walk.common_prefix(key, prefix, delimiter)
            expected.add((key, f"{seq:04}") if below is None else (below, ""))
    got = await store.read(pages)
    assert len(got) == len(set(got))
    assert set(got) == expected
    plain = [each for each in got if each[1]]
    assert plain == sorted(plain, key=lambda each: (each[0].encode(), -int(each[1])))


async def test_a_common_prefix_costs_a_few_seeks_however_many_keys_are_below_it(store: Store) -> None:
    def fill(tx: Tx) -> Bucket:
        bucket = _new_bucket(tx, "deep")
        for folder in "abc":
            for number in range(300):
                objects.put(tx, bucket, _version(bucket, f"{folder}/{number:04}", 1), None)
        return bucket

    bucket = await store.write(fill)
    looked_at = 0

    def page(tx: Tx) -> list[str]:
        def fetch(start: Start, end: str, count: int) -> list[objects.Listed]:
            nonlocal looked_at
            found = objects.listed(tx, bucket, start, end, count)
            looked_at += len(found)
            return found

        return walk.one_page(fetch, "", "/", Start("", True), 1000).prefixes

    assert await store.read(page) == ["a/", "b/", "c/"]
    assert looked_at < 100
