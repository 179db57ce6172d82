"""Reading and writing the buckets of others' choosing, through S3's own API.

Who asks must be allowed to do by hand what is done for him: that is found out when he asks.  What happens later is done by the
platform on his account's behalf.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping
from importlib.util import find_spec
from typing import Any

from tule.access.principal import platform, through
from tule.core.errors import ServiceError, not_implemented
from tule.platform.call import Call
from tule.platform.node import Node
from tule.platform.permissions import may
from tule.wire.http import Body

_AT_ONCE = 256 * 1024  # bytes out of a compressed object
_AS_DYNAMODB = "dynamodb.amazonaws.com"


class Bucket:
    """A bucket as DynamoDB reaches it for an account."""

    def __init__(self, node: Node, account: str, region: str, name: str, owner: str | None = None) -> None:
        self._node = node
        self._region = region
        self._principal = platform(account)
        self._named: dict[str, Any] = {"Bucket": name} | ({"ExpectedBucketOwner": owner} if owner else {})

    async def put(self, key: str, data: bytes, **how: Any) -> str:
        """The object's ETag, without quotes.  Raises ServiceError."""
        answer = await self._invoke("PutObject", Key=key, Body=Body.of(data), **how)
        return str(answer.get("ETag", "")).strip('"')

    async def objects(self, prefix: str) -> list[tuple[str, int]]:
        """Keys and sizes, in the keys' order.  Raises ServiceError."""
        found: list[tuple[str, int]] = []
        more: dict[str, str] = {}
        while True:
            answer = await self._invoke("ListObjectsV2", **({"Prefix": prefix} if prefix else {}), **more)
            found += [(one["Key"], one["Size"]) for one in answer.get("Contents") or () if one["Size"]]
            if not answer.get("NextContinuationToken"):
                return found
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    async def chunks(self, key: str) -> AsyncIterator[bytes]:
        """An object's bytes, piece by piece.  Raises ServiceError."""
        body = (await self._invoke("GetObject", Key=key)).get("Body", b"")
        if isinstance(body, bytes):
            yield body
            return
        async for chunk in body:
            yield chunk

    async def _invoke(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self._node.dispatcher.invoke("s3", operation, {**self._named, **params}, principal=self._principal, region=self._region)


def encryption(asked: Mapping[str, Any]) -> dict[str, Any]:
    """PutObject's parameters for the encryption that a request asks for."""
    if "S3SseAlgorithm" not in asked:
        return {}
    if asked["S3SseAlgorithm"] == "AES256":
        return {"ServerSideEncryption": "AES256"}
    key = {"SSEKMSKeyId": asked["S3SseKmsKeyId"]} if "S3SseKmsKeyId" in asked else {}
    return {"ServerSideEncryption": "aws:kms", **key}


def nothing() -> Body:
    """The body of an object whose putting is only asked about."""
    return Body.of(b"")


async def check_may(call: Call, operation: str, params: dict[str, Any]) -> ServiceError | None:
    """What S3 would say to the caller who did it by hand; None when it may be done."""
    principal = through(call.principal, _AS_DYNAMODB)
    try:
        if await may(call.node, principal, "s3", operation, params, region=call.region):
            return None
    except ServiceError as error:
        return error
    return ServiceError("AccessDenied", "Access Denied", 403)


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines without their ends."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest


async def unpacked(chunks: AsyncIterator[bytes], compression: str) -> AsyncIterator[bytes]:
    """The bytes that were compressed: NONE, GZIP, or ZSTD where a library for it is installed.  Raises ServiceError."""
    if compression == "ZSTD":
        async for chunk in _zstd(chunks):
            yield chunk
        return
    if compression == "NONE":
        async for chunk in chunks:
            yield chunk
        return
    unpack = zlib.decompressobj(31)
    async for chunk in chunks:
        while chunk:
            yield unpack.decompress(chunk, _AT_ONCE)
            chunk = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            if unpack.eof:
                unpack = zlib.decompressobj(31)  # a further member
    yield unpack.flush()


def check_can_unpack(compression: str) -> None:
    """Raises NotImplemented."""
    if compression == "ZSTD" and find_spec("zstandard") is None:
        raise not_implemented("dynamodb", "Reading ZSTD without the Python module zstandard")


async def _zstd(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    import zstandard  # pyright: ignore[reportMissingImports]  # where somebody has installed it

    unpack: Any = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)  # pyright: ignore
    async for chunk in chunks:
        yield unpack.decompress(chunk)
