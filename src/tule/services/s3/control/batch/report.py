"""The completion report of a batch job: lines of its tasks and a manifest that names them.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-reports.html
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from tule.core import arn
from tule.core.clock import iso8601
from tule.platform.call import Call
from tule.services.s3.control.batch import state
from tule.services.s3.control.batch.state import Ended
from tule.wire.http import Body

_PAGE = 500
_SCHEMA = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"


async def write(call: Call, job: Mapping[str, Any]) -> None:
    """As the job's role.  Raises ServiceError."""
    wanted = job["Request"]["Report"]
    prefix = wanted.get("Prefix", "").strip("/")
    root = f"{prefix}/job-{job['Id']}" if prefix else f"job-{job['Id']}"
    bucket = arn.parse(wanted["Bucket"]).resource
    results: list[dict[str, str]] = []
    for status in ("succeeded", "failed") if wanted["ReportScope"] == "AllTasks" else ("failed",):
        text = await _text(call, job["Id"], status)
        if not text:
            continue
        key = f"{root}/results/{hashlib.sha1(text, usedforsecurity=False).hexdigest()}.csv"
        await _put(call, wanted, bucket, key, text, "text/csv")
        results.append({"TaskExecutionStatus": status, "Bucket": bucket, "MD5Checksum": _md5(text), "Key": key})
    manifest = orjson.dumps(
        {
            "Format": wanted["Format"],
            "ReportCreationDate": iso8601(call.node.clock.now_ms()),
            "Results": results,
            "ReportSchema": _SCHEMA,
        },
        option=orjson.OPT_INDENT_2,
    )
    await _put(call, wanted, bucket, f"{root}/manifest.json", manifest, "application/json")
    await _put(call, wanted, bucket, f"{root}/manifest.json.md5", _md5(manifest).encode(), "text/plain")


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


async def _text(call: Call, job: str, status: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    async for ended in _ended(call, job):
        if (status == "failed") == bool(ended.code):
            task = ended.task
            writer.writerow([task.bucket, quote(task.key), task.version, status, ended.code, ended.http_status, ended.message])
    return text.getvalue().encode()


async def _ended(call: Call, job: str) -> AsyncIterator[Ended]:
    after = 0
    while page := await call.node.store.read(lambda tx, after=after: state.ended_after(tx, job, after, _PAGE)):
        for ended in page:
            yield ended
        after = page[-1].task.number


async def _put(call: Call, wanted: Mapping[str, Any], bucket: str, key: str, data: bytes, content_type: str) -> None:
    params: dict[str, Any] = {"Bucket": bucket, "Key": key, "Body": Body.of(data), "ContentType": content_type}
    if "ExpectedBucketOwner" in wanted:
        params["ExpectedBucketOwner"] = wanted["ExpectedBucketOwner"]
    await call.node.dispatcher.invoke("s3", "PutObject", params, principal=call.principal, region=call.region)
