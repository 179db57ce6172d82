"""Where templates, policies and values come from: the request, S3, the stack as it is, the parameter store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.cloudformation import errors, state
from tule.services.cloudformation.records import Stack
from tule.services.cloudformation.template.parameters import Declaration

MAX_BODY_BYTES = 51_200
MAX_URL_BYTES = 1_048_576
KEPT = "KeptTemplate"  # not of the model: a text that was accepted before, of whatever length


async def template_text(call: Call, params: Mapping[str, Any], stack: Stack | None) -> str:
    """The template that a request means.  Raises ServiceError."""
    if KEPT in params:
        return params[KEPT]
    body, url = params.get("TemplateBody"), params.get("TemplateURL")
    if params.get("UsePreviousTemplate"):
        if stack is None:
            raise errors.validation("Template may not be specified as previous when the stack does not exist.")
        return await call.node.store.read(lambda tx: state.original_template(tx, stack.id, stack.definition.template))
    if body is not None and url is not None:
        raise errors.validation("Specify either TemplateURL or TemplateBody, not both.")
    if body is not None:
        if len(body.encode()) > MAX_BODY_BYTES:
            raise errors.validation(
                f"1 validation error detected: Value '{body}' at 'templateBody' failed to satisfy constraint: Member must have length less than or"
                f" equal to {MAX_BODY_BYTES}"
            )
        return body
    if url is None:
        raise errors.validation("Either Template URL or Template Body must be specified.")
    return await object_text(call, url, "TemplateURL")


async def object_text(call: Call, url: str, what: str) -> str:
    """The object that an S3 URL names, read as the caller."""
    bucket, key = location(call, url, what)
    try:
        return await object_of(call, bucket, key)
    except ServiceError as error:
        if error.code == "ValidationError":
            raise
        raise errors.validation(
            f"S3 error: {error.message}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
        ) from error
    except UnicodeDecodeError as error:
        raise errors.validation("Template format error: unsupported structure.") from error


async def object_of(call: Call, bucket: str, key: str) -> str:
    """The text of an object, read as the caller.  Raises ServiceError of S3, UnicodeDecodeError."""
    answer = await call.invoke("s3", "GetObject", {"Bucket": bucket, "Key": key})
    if answer.get("ContentLength", 0) > MAX_URL_BYTES:
        raise errors.validation(f"Template may not exceed {MAX_URL_BYTES} bytes in size.")
    return (await _bytes(answer["Body"])).decode("utf-8-sig")


async def _bytes(body: bytes | AsyncIterator[bytes]) -> bytes:
    return body if isinstance(body, bytes) else b"".join([piece async for piece in body])


def location(call: Call, url: str, what: str) -> tuple[str, str]:
    """(bucket, key) of a virtual-hosted or path-style URL.  Any host that is not `bucket.s3...` is taken as path style."""
    parts = urlsplit(url)
    host, path = parts.netloc.split(":")[0], unquote(parts.path.lstrip("/"))
    if parts.scheme == "s3":
        raise errors.validation(f"S3 error: Domain name specified in {parts.netloc} is not a valid S3 domain")
    if parts.scheme not in ("http", "https") or not host:
        raise errors.validation(f"{what} must be a supported URL.")
    labels = host.split(".")
    for index, label in enumerate(labels):
        if index and (label == "s3" or label.startswith("s3-")):
            return ".".join(labels[:index]), path
    bucket, _, key = path.partition("/")
    if not bucket or not key or not (labels[0] == "s3" or labels[0].startswith("s3-") or _is_ours(call, host)):
        raise errors.validation(f"{what} must be a supported URL.")
    return bucket, key


def _is_ours(call: Call, host: str) -> bool:
    own = urlsplit(call.endpoint).netloc.split(":")[0]
    return host in (own, "localhost", "127.0.0.1") or host.endswith((".localhost", ".localhost.localstack.cloud", "localhost.localstack.cloud"))


async def ssm_values(call: Call, declared: Mapping[str, Declaration], values: Mapping[str, str]) -> dict[str, str]:
    """Values of the parameters that name parameters of the parameter store, by parameter."""
    wanted = {name: values[name] for name, declaration in declared.items() if declaration.ssm_type and name in values}
    found: dict[str, str] = {}
    for name, key in wanted.items():
        try:
            answer = await call.invoke("ssm", "GetParameter", {"Name": key, "WithDecryption": False})
        except ServiceError as error:
            if error.status == 501:
                raise
            raise errors.validation(f"Unable to fetch parameters [{key}] from parameter store for this account.") from error
        found[name] = str(answer["Parameter"]["Value"])
    return found
