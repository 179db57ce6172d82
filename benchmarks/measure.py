"""`make bench`: one table, a column for Tule, one for the peer, and their ratio.  Operations are taken in turn in one run."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from benchmarks import dynamodb, messaging, storage
from benchmarks.client import Connection, at_once, load
from benchmarks.figures import Figure
from benchmarks.servers import Server
from benchmarks.target import HANDLER, Target

WITH_CLIENT = b"import boto3\ns3 = boto3.client('s3')\ndef handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


async def sts(t: Target) -> Figure:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    return Figure((await load(t.url, [t.signed("sts", "POST", "/", FORM, body)], 16, t.seconds)).per_second, "/s")


async def _cold(t: Target, source: bytes, count: int = 10) -> Figure:
    """The first invocation of fresh functions, one after the other."""
    took: list[float] = []
    for name in [t.function(source) for _ in range(count)]:
        connection = Connection(t.url)
        began = time.perf_counter()
        status, body = await connection.send(t.invocation(name))
        took.append((time.perf_counter() - began) * 1000)
        connection.close()
        assert status == 200 and b"ok" in body, body
    return Figure(statistics.median(took), "ms", more_is_better=False, note=f"max {max(took):.1f}")


async def cold(t: Target) -> Figure:
    return await _cold(t, HANDLER)


async def cold_with_client(t: Target) -> Figure:
    return await _cold(t, WITH_CLIENT, 5)


async def _burst(t: Target, count: int) -> Figure:
    """`count` functions that have never run, all invoked at the same moment: until the last has answered."""
    requests = [t.invocation(t.function()) for _ in range(count)]
    done = await at_once(t.url, requests, lambda status, body: status == 200 and b"ok" in body)
    return Figure(done.seconds * 1000, "ms", more_is_better=False, note=f"{done.errors} errors" if done.errors else "")


async def ten_cold_at_once(t: Target) -> Figure:
    return await _burst(t, 10)


async def hundred_cold_at_once(t: Target) -> Figure:
    return await _burst(t, 100)


async def _warm(t: Target, concurrency: int) -> Figure:
    request = t.invocation(t.function())
    await load(t.url, [request], concurrency, 1.0)
    seen = await load(t.url, [request], concurrency, t.seconds)
    return Figure(seen.per_second, "/s", note=f"p50 {seen.percentile_ms(0.5):.2f} ms, p99 {seen.percentile_ms(0.99):.2f} ms, {seen.errors} errors")


async def warm_1(t: Target) -> Figure:
    return await _warm(t, 1)


async def warm_10(t: Target) -> Figure:
    return await _warm(t, 10)


Measurement = Callable[[Target], Coroutine[Any, Any, Figure]]
MEASUREMENTS: dict[str, tuple[str, Measurement]] = {
    "STS GetCallerIdentity, 16 clients": ("sts", sts),
    **storage.MEASUREMENTS,
    "function, cold": ("lambda", cold),
    "function with a boto3 client, cold": ("lambda", cold_with_client),
    "10 functions at once, cold": ("lambda", ten_cold_at_once),
    "100 functions at once, cold": ("lambda", hundred_cold_at_once),
    "function, warm, 1 client": ("lambda", warm_1),
    "function, warm, 10 clients": ("lambda", warm_10),
    **dynamodb.MEASUREMENTS,
    **messaging.MEASUREMENTS,
}


def lost_writes(server: Server, count: int = 500) -> Figure:
    """Put objects, kill -9, start again: how many that were acknowledged are gone."""
    target = Target(server, 0)
    s3 = target.client("s3")
    s3.create_bucket(Bucket="durable-bucket")
    for number in range(count):
        s3.put_object(Bucket="durable-bucket", Key=f"{number:04d}", Body=str(number).encode())
    server.kill()
    server.start()
    with contextlib.suppress(s3.exceptions.ClientError):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="durable-bucket")
        return Figure(count - sum(len(page.get("Contents", [])) for page in pages), f"of {count} lost", more_is_better=False)
    return Figure(count, f"of {count} lost", more_is_better=False)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", default="none")
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    groups = {group for group in arguments.only.split(",") if group}
    servers = [Server("tule")] + ([Server(arguments.peer)] if arguments.peer != "none" else [])
    rows: list[tuple[str, list[Figure | None]]] = []
    try:
        rows += _starts(servers)
        targets = [Target(server, arguments.seconds) for server in servers]
        for target in targets:
            target.prepare()
        for name, (group, measure) in MEASUREMENTS.items():
            if not groups or group in groups:
                rows.append((name, [_try(measure, target) for target in targets]))
        rows.append(("memory after all this", [Figure(server.pss_mb(), "MB", more_is_better=False) for server in servers]))
        if not groups or "durable" in groups:
            rows.append(("acknowledged writes lost at kill -9", [lost_writes(server) for server in servers]))
    finally:
        for server in servers:
            server.close()
    _print([server.name for server in servers], rows)


def _starts(servers: list[Server]) -> list[tuple[str, list[Figure | None]]]:
    """Three starts each, in turn; the last one stays up."""
    seconds: list[list[float]] = [[] for _ in servers]
    for attempt in range(3):
        for number, server in enumerate(servers):
            seconds[number].append(server.start())
            if attempt < 2:
                server.kill()
    started: list[Figure | None] = [Figure(statistics.median(each), "s", more_is_better=False) for each in seconds]
    return [
        ("start to first answer", started),
        ("idle memory (PSS, all processes)", [Figure(s.pss_mb(), "MB", more_is_better=False) for s in servers]),
    ]


def _try(measure: Measurement, target: Target) -> Figure | None:
    """None where a server cannot do it at all; said in the table."""
    try:
        return uvloop.run(measure(target))
    except (AssertionError, OSError, asyncio.IncompleteReadError, target.client("lambda").exceptions.ClientError) as error:
        print(f"  {target.server.name}: {str(error)[:200]}")
        return None


def _print(names: list[str], rows: list[tuple[str, list[Figure | None]]]) -> None:
    print(f"\n{'':50}" + "".join(f"{name:>20}" for name in names) + ("     tule is" if len(names) > 1 else ""))
    for label, figures in rows:
        line = f"{label:50}" + "".join(f"{_text(figure):>20}" for figure in figures)
        if len(figures) == 2 and figures[0] is not None and figures[1] is not None and figures[0].value and figures[1].value:
            ratio = figures[0].value / figures[1].value
            better = ratio if figures[0].more_is_better else 1 / ratio
            line += f"{better:9.1f} x"
        note = figures[0].note if figures[0] is not None else ""
        print(line + (f"   ({note})" if note else ""))


def _text(figure: Figure | None) -> str:
    if figure is None:
        return "failed"
    digits = 0 if figure.value >= 1000 or figure.unit.startswith("of") else 2 if figure.value < 10 else 1
    return f"{figure.value:,.{digits}f} {figure.unit}"


if __name__ == "__main__":
    main()
