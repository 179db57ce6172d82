"""Static websites: the hosts `<bucket>.s3-website-<region>` and `<bucket>.s3-website.<region>` serve buckets to browsers.

Visitors are anonymous: the bucket's policy, or its ACLs, decide what they may read.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate, parsedate_to_datetime
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from tule.access.principal import ANONYMOUS
from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.platform.service import Site
from tule.services.s3 import cors, errors, names, website_routing
from tule.services.s3.state import buckets
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.website_routing import Redirection
from tule.wire.http import Request, Response

_SHOWN = {
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
    "ContentRange": "content-range",
    "ContentType": "content-type",
    "ETag": "etag",
    "VersionId": "x-amz-version-id",
}
_TITLES = {403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 412: "Precondition Failed", 416: "Requested Range Not Satisfiable"}


async def serve(node: Node, request: Request, site: Site) -> Response:
    """Answer a visitor; never raises."""
    visit = _Visit(node, request, site.region or node.config.region, node.ids.uuid())
    try:
        return await visit.answer(site.id)
    except ServiceError as error:
        return visit.page(error)


class _Visit:
    """One request to a website."""

    def __init__(self, node: Node, request: Request, region: str, request_id: str) -> None:
        self._node = node
        self._request = request
        self._region = region
        self._id = request_id
        self._path = unquote(request.path.removeprefix("/"))

    async def answer(self, name: str) -> Response:
        bucket = await self._node.store.read(lambda tx: buckets.get(tx, name))
        if self._request.method not in ("GET", "HEAD"):
            raise _not_allowed(self._request.method)
        configuration = bucket.config.get("Website")
        if configuration is None:
            message = "The specified bucket does not have a website configuration"
            raise errors.no_such_configuration("NoSuchWebsiteConfiguration", message, bucket.name)
        scheme, host = self._request.scheme, self._request.host
        elsewhere = website_routing.redirect_all(configuration, scheme, self._path, self._request.query)
        elsewhere = elsewhere or website_routing.redirection(configuration, scheme, host, self._path, None)
        if elsewhere is not None:
            return self._redirected(elsewhere)
        try:
            return await self._document(bucket, configuration)
        except ServiceError as error:
            return await self._refused(bucket, configuration, error)

    async def _document(self, bucket: Bucket, configuration: Mapping[str, Any]) -> Response:
        key = website_routing.key_of(configuration, self._path)
        try:
            found = await self._get(bucket, key, self._conditions())
        except ServiceError as error:
            if error.status not in (403, 404) or key != self._path:
                raise
            return await self._directory(bucket, configuration, error)
        if "WebsiteRedirectLocation" in found:
            return self._redirected(Redirection(301, found["WebsiteRedirectLocation"]))
        return self._found(bucket, found, 206 if "ContentRange" in found else 200)

    async def _directory(self, bucket: Bucket, configuration: Mapping[str, Any], error: ServiceError) -> Response:
        """What was not found may be a directory that has an index document.  Raises `error` where it is none."""
        try:
            await self._get(bucket, website_routing.directory_index(configuration, self._path), {}, "HeadObject")
        except ServiceError:
            raise error from None
        return self._redirected(Redirection(302, f"{self._request.path}/"))

    async def _refused(self, bucket: Bucket, configuration: Mapping[str, Any], error: ServiceError) -> Response:
        """A routing rule for this error, the error document, or a page of S3's own."""
        if error.status == 304:
            return Response(304, {**error.headers, **self._ids()})
        elsewhere = website_routing.redirection(configuration, self._request.scheme, self._request.host, self._path, error.status)
        if elsewhere is not None:
            return self._redirected(elsewhere)
        document = (configuration.get("ErrorDocument") or {}).get("Key")
        if document is None or not 400 <= error.status < 500:
            raise error
        try:
            found = await self._get(bucket, document, {})
        except ServiceError as second:
            return self.page(error, second)
        return self._found(bucket, found, error.status)

    async def _get(self, bucket: Bucket, key: str, conditions: Mapping[str, Any], operation: str = "") -> dict[str, Any]:
        return await self._node.dispatcher.invoke(
            "s3",
            operation or ("HeadObject" if self._request.method == "HEAD" else "GetObject"),
            {"Bucket": bucket.name, "Key": key, **conditions},
            principal=ANONYMOUS,
            region=bucket.region,
            source_ip=self._request.source_ip,
        )

    def _conditions(self) -> dict[str, Any]:
        headers = self._request.headers
        found: dict[str, Any] = {
            member: headers[name]
            for member, name in (("IfMatch", "if-match"), ("IfNoneMatch", "if-none-match"), ("Range", "range"))
            if name in headers
        }
        for member, name in (("IfModifiedSince", "if-modified-since"), ("IfUnmodifiedSince", "if-unmodified-since")):
            moment = _moment(headers.get(name))
            if moment is not None:
                found[member] = moment
        return found

    def _found(self, bucket: Bucket, found: Mapping[str, Any], status: int) -> Response:
        headers = {name: str(found[member]) for member, name in _SHOWN.items() if found.get(member) is not None}
        headers["content-length"] = str(found["ContentLength"])
        headers["last-modified"] = formatdate(found["LastModified"], usegmt=True)
        headers |= {f"x-amz-meta-{name}": value for name, value in found.get("Metadata", {}).items()}
        headers |= cors.answer(bucket.config.get("Cors"), self._request.headers, self._request.method)
        body: bytes | AsyncIterator[bytes] = b"" if self._request.method == "HEAD" else found.get("Body", b"")
        return Response(status, headers | self._ids(), body)

    def _redirected(self, to: Redirection) -> Response:
        return Response(to.status, {"location": to.location, "content-length": "0", **self._ids()})

    def _ids(self) -> dict[str, str]:
        return {"server": "AmazonS3", "x-amz-request-id": self._id, "x-amz-id-2": names.host_id(self._id)}

    def page(self, error: ServiceError, second: ServiceError | None = None) -> Response:
        """S3's own page for an error; `second` is why the error document could not be had."""
        title = f"{error.status} {_TITLES.get(error.status) or HTTPStatus(error.status).phrase}"
        shown = _items(error) | {"RequestId": self._id, "HostId": names.host_id(self._id)}
        lines = [f"<head><title>{title}</title></head>", "<body>", f"<h1>{title}</h1>", *_list(shown)]
        if second is not None:
            lines += ["<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>", *_list(_items(second))]
        text = "\n".join(["<html>", *lines, "<hr/>", "</body>", "</html>", ""]).encode()
        headers = {"content-type": "text/html; charset=utf-8", "x-amz-error-code": error.code, "x-amz-error-message": error.message}
        body = b"" if self._request.method == "HEAD" else text
        return Response(error.status, {**headers, "content-length": str(len(text)), **error.headers, **self._ids()}, body)


def _not_allowed(method: str) -> ServiceError:
    message = "The specified method is not allowed against this resource."
    return ServiceError("MethodNotAllowed", message, 405, fields={"Method": method, "ResourceType": "OBJECT"}, headers={"allow": "GET, HEAD"})


def _items(error: ServiceError) -> dict[str, Any]:
    return {"Code": error.code, "Message": error.message, **error.fields}


def _list(items: Mapping[str, Any]) -> list[str]:
    return ["<ul>", *(f"<li>{name}: {escape(str(value))}</li>" for name, value in items.items()), "</ul>"]


def _moment(text: str | None) -> int | None:
    """A header's date in epoch seconds; what is no date is ignored."""
    try:
        return None if text is None else int(parsedate_to_datetime(text).timestamp())
    except ValueError:
        return None
