"""S3's data plane: requests and bytes a second beside a peer; and, run by itself, what a bucket's growth costs.

python -m benchmarks.storage 10000 1000000
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from benchmarks.client import load
from benchmarks.figures import Figure
from benchmarks.servers import Server
from benchmarks.target import MEGABYTE, Target
from tule.core.clock import TurnableClock
from tule.core.ids import Ids
from tule.services.s3.state.objects import Version
from tule.store.sqlite import SqliteStore

GIGABYTE = 1 << 30
BUCKET = "bench-bucket"
UNSIGNED = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}


async def put_small(t: Target) -> Figure:
    requests = [t.s3("PUT", f"o{i}", b"b" * 1024) for i in range(200)]
    return Figure((await load(t.url, requests, 16, t.seconds)).per_second, "/s")


async def get_small(t: Target) -> Figure:
    return Figure((await load(t.url, [t.s3("GET", "k1")], 16, t.seconds)).per_second, "/s")


async def head_small(t: Target) -> Figure:
    return Figure((await load(t.url, [t.s3("HEAD", "k1")], 16, t.seconds)).per_second, "/s")


async def copy_small(t: Target) -> Figure:
    source = {"x-amz-copy-source": f"/{BUCKET}/k1"}
    requests = [t.signed("s3", "PUT", f"/{BUCKET}/copy{i}", source, b"") for i in range(200)]
    return Figure((await load(t.url, requests, 16, t.seconds)).per_second, "/s")


async def put_and_delete(t: Target) -> Figure:
    """Each client puts an object and deletes it."""
    requests = [t.s3(method, f"d{i}", body) for method, body in (("PUT", b"b" * 1024), ("DELETE", b"")) for i in range(16)]
    return Figure((await load(t.url, requests, 16, t.seconds)).per_second / 2, "pairs/s")


async def list_objects(t: Target) -> Figure:
    """A page of a thousand."""
    await load(t.url, [t.s3("PUT", f"listed/{i:04d}", b"") for i in range(1000)], 1, 3.0)
    request = t.signed("s3", "GET", f"/{BUCKET}?list-type=2&max-keys=1000", {}, b"")
    return Figure((await load(t.url, [request], 4, t.seconds)).per_second, "/s")


async def put_large(t: Target) -> Figure:
    requests = [t.s3("PUT", f"big{i}", os.urandom(MEGABYTE) * 10) for i in range(2)]
    return Figure((await load(t.url, requests, 2, t.seconds)).per_second * 10.5, "MB/s")


async def get_large(t: Target) -> Figure:
    return Figure((await load(t.url, [t.s3("GET", "m10")], 2, t.seconds)).per_second * 10.5, "MB/s")


async def put_gigabyte(t: Target) -> Figure:
    """One object, streamed, its payload not signed."""
    piece = os.urandom(MEGABYTE)
    head = t.signed("s3", "PUT", f"/{BUCKET}/gigabyte", UNSIGNED, b"").replace(b"content-length: 0", b"content-length: %d" % GIGABYTE)
    reader, writer = await _connected(t)
    began = time.perf_counter()
    writer.write(head)
    for _ in range(GIGABYTE // MEGABYTE):
        writer.write(piece)
        await writer.drain()
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in answer[:20], answer
    writer.close()
    return Figure(GIGABYTE / (time.perf_counter() - began) / 1e6, "MB/s")


async def get_gigabyte(t: Target) -> Figure:
    reader, writer = await _connected(t)
    began = time.perf_counter()
    writer.write(t.s3("GET", "gigabyte"))
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in answer[:20], answer
    left = GIGABYTE
    while left:
        left -= len(await reader.read(min(left, MEGABYTE)))
    writer.close()
    return Figure(GIGABYTE / (time.perf_counter() - began) / 1e6, "MB/s")


async def _connected(t: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = urlsplit(t.url)
    return await asyncio.open_connection(place.hostname, place.port, limit=4 * MEGABYTE)


Measurement = Callable[[Target], Coroutine[Any, Any, Figure]]
MEASUREMENTS: dict[str, tuple[str, Measurement]] = {
    "S3 PutObject 1 KB, 16 clients": ("s3", put_small),
    "S3 GetObject 1 KB, 16 clients": ("s3", get_small),
    "S3 HeadObject, 16 clients": ("s3", head_small),
    "S3 CopyObject 1 KB, 16 clients": ("s3", copy_small),
    "S3 PutObject 1 KB and DeleteObject, 16 clients": ("s3", put_and_delete),
    "S3 ListObjectsV2 1000, 4 clients": ("s3", list_objects),
    "S3 PutObject 10 MB, 2 clients": ("s3", put_large),
    "S3 GetObject 10 MB, 2 clients": ("s3", get_large),
    "S3 PutObject 1 GB, 1 client": ("s3-gigabyte", put_gigabyte),
    "S3 GetObject 1 GB, 1 client": ("s3-gigabyte", get_gigabyte),
}


# Growth: a bucket is filled in the store itself and used through the API.  Of millions of objects only those that are asked for
# have keys that anybody knows; the rest lies in between, each with the bytes of one that was put.

KNOWN = 5_000
STEP = 1_000_000
_REST = ", ".join(name for name in Version._fields if name not in ("bucket", "key"))
_FILL = (
    f"INSERT INTO s3_objects (bucket, key, {_REST})"
    " WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)"
    f" SELECT o.bucket, d.digest, {_REST} FROM (SELECT lower(hex(randomblob(12))) AS digest FROM numbers ORDER BY digest) d, s3_objects o"
    " WHERE o.key = 'k1'"
)


_KNOWN = f"INSERT INTO s3_objects (bucket, key, {_REST}) SELECT bucket, ?, {_REST} FROM s3_objects WHERE key = 'k1'"


def _key(number: int) -> str:
    """Spread among the others."""
    return f"{number * 2_654_435_761 % 2**32:08x}-known"


def _grow(data: Path, count: int) -> None:
    async def fill() -> None:
        store = SqliteStore(data / "tule.db", TurnableClock(), Ids(), synchronous="OFF")
        await store.write(lambda tx: tx.many(_KNOWN, [(_key(number),) for number in range(KNOWN)]))
        for start in range(KNOWN, count, STEP):
            some = min(STEP, count - start)
            await store.write(lambda tx, some=some: tx.execute(_FILL, some))
        await store.close()

    asyncio.run(fill())


def _kinds(t: Target) -> dict[str, list[bytes]]:
    return {
        "get": [t.s3("GET", _key(number)) for number in range(KNOWN)],
        "put over": [t.s3("PUT", _key(number), b"c" * 1024) for number in range(KNOWN)],
        "put new": [t.s3("PUT", _key(number + KNOWN), b"b" * 1024) for number in range(2 * KNOWN)],
    }


def _cost(t: Target, requests: list[bytes]) -> str:
    before = t.server.cpu_seconds()
    seen = uvloop.run(load(t.url, requests, 16, t.seconds))
    microseconds = (t.server.cpu_seconds() - before) / max(1, len(seen.latencies)) * 1e6
    return f"{seen.per_second:,.0f}/s and {microseconds:.0f} us of processor each, {seen.errors} errors"


def growth(counts: list[int], seconds: float = 4.0) -> None:
    for count in counts:
        server = Server("tule")
        try:
            server.start()
            target = Target(server, seconds)
            target.prepare()
            server.kill()
            _grow(server.data, count)
            server.start()
            for kind, requests in _kinds(target).items():
                print(f"{count:>12,} objects, {kind}: {_cost(target, requests)}", flush=True)
        finally:
            server.close()


if __name__ == "__main__":
    growth([int(text) for text in sys.argv[1:]] or [10_000, 1_000_000])
