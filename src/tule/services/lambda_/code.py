"""Where a function's code comes from and where it can be had again.  AWS: Lambda API reference, FunctionCode, FunctionCodeLocation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from tule.core.errors import ServiceError, not_implemented
from tule.core.paging import InvalidToken
from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.lambda_ import errors, state
from tule.services.lambda_.packages import Package
from tule.services.lambda_.paths import DOWNLOADS
from tule.services.lambda_.running import functions
from tule.wire.http import Body, Request, Response, json_response

MAX_INLINE_BYTES = 52_428_800
MAX_REQUEST_BYTES = 70_167_211
LOCATION_S = 600
_SCOPE = "lambda.code"


async def receive(call: Call, code: Mapping[str, Any]) -> Package:
    """The package that CreateFunction or UpdateFunctionCode was given: inline, or an S3 object read as the caller."""
    if "ImageUri" in code:
        raise errors.invalid_parameter("Please don't provide ImageUri when updating a function with packageType Zip.")
    if code.get("S3ObjectStorageMode") == "REFERENCE":
        raise not_implemented("lambda", "S3ObjectStorageMode REFERENCE")
    if code.get("SourceKMSKeyArn"):
        raise not_implemented("lambda", "SourceKMSKeyArn")
    inline: bytes | None = code.get("ZipFile")
    if inline is not None:
        if "S3Bucket" in code or "S3Key" in code:
            raise errors.invalid_parameter("Please do not provide other FunctionCode parameters when providing a ZipFile.")
        if len(inline) > MAX_INLINE_BYTES:
            raise errors.request_entity_too_large(MAX_REQUEST_BYTES, call.operation)
        return await functions(call.node).packages.receive(_once(inline))
    if not code.get("S3Bucket") or not code.get("S3Key"):
        raise errors.invalid_parameter("Please provide a source for function code.")
    return await functions(call.node).packages.receive(await _object(call, code))


async def _object(call: Call, code: Mapping[str, Any]) -> AsyncIterator[bytes]:
    asked = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
    if code.get("S3ObjectVersion"):
        asked["VersionId"] = code["S3ObjectVersion"]
    try:
        body = (await call.invoke("s3", "GetObject", asked)).get("Body", b"")
    except ServiceError as error:
        raise _unreadable(error, asked) from error
    if isinstance(body, bytes | bytearray):
        return _once(bytes(body))
    return aiter(body) if isinstance(body, Body) else body


def _unreadable(error: ServiceError, asked: Mapping[str, str]) -> ServiceError:
    told = f"S3 Error Code: {error.code}. S3 Error Message: {error.message}"
    if error.status == 403:
        message = (
            "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for"
            f" {asked['Bucket']}/{asked['Key']}. {told}"
        )
        return ServiceError("AccessDeniedException", message, 403, fields={"Type": "User"})
    if error.status >= 500:
        return error
    return errors.invalid_parameter(f"Error occurred while GetObject. {told}")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def location(call: Call, sha256: str) -> dict[str, str]:
    """FunctionCodeLocation: a URL that downloads the package, for ten minutes, by whoever has it."""
    token = call.node.pager.token(_SCOPE, [sha256, call.now_ms + LOCATION_S * 1000])
    return {"RepositoryType": "S3", "Location": f"{call.endpoint}{DOWNLOADS}{token}"}


async def download(node: Node, request: Request) -> Response:
    """Answers the URLs that `location` makes."""
    try:
        sha256, expires_ms = node.pager.position(_SCOPE, request.path.removeprefix(DOWNLOADS))
    except InvalidToken:
        return json_response(403, {"message": "This location is not valid."})
    if node.clock.now_ms() > expires_ms:
        return json_response(403, {"message": "Request has expired"})
    blob = await node.store.read(lambda tx: state.package_blob(tx, sha256))
    if blob is None:
        return json_response(404, {"message": "The function's code has changed since."})
    return Response(200, {"content-type": "application/zip"}, node.blobs.read(blob))
