"""Step 3 of a request's way: who calls?

Keys that the platform knows are verified in full: signature, time, session token, body.  On a laptop an unknown key is the
account's root whatever its secret (`test`), and a key of twelve digits names the account; strict nodes refuse unknown
keys.  A request without any signature is anonymous: whether that may be is for the service's policies to say.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tule.access import signature_v2, signature_v4a
from tule.access.chunked import FORMS, UNSIGNED_TRAILER, ChunkChain, ChunkedBody
from tule.access.credential import ALGORITHM, Presigned, Scope, of_header, of_query, unsupported_algorithm
from tule.access.identities import AccessKey, Identities
from tule.access.payload import HashedBody, content_mismatch, hash_of
from tule.access.post_form import check_form_signature, signature_of_form
from tule.access.principal import ANONYMOUS, Principal, root
from tule.access.refusals import Family, bad_signature, expired_token, family, incomplete, unknown_key, wrong_token
from tule.access.signature import EMPTY_SHA256, UNSIGNED, check, signing_key
from tule.access.signature_v2 import SignatureV2
from tule.access.signing_time import SigningTime, basic, milliseconds, wall_ms
from tule.core.clock import Clock
from tule.core.config import Config
from tule.core.errors import ServiceError
from tule.store.store import Store
from tule.wire.http import Body, Request

_MAX_CACHED_KEYS = 10_000
_MAX_BODY_BYTES = 64 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Caller:
    """Who calls, in which region, by the signature; `body` replaces the request's stream where it must be verified or
    unwrapped while it is read."""

    principal: Principal
    region: str = ""
    signing_service: str = ""
    body: Body | None = None


@dataclass(slots=True, frozen=True)
class _Signer:
    """A key with its signing key for one scope; `key` is None where the platform does not know the secret."""

    key: AccessKey | None
    signing_key: bytes
    caller: Caller


class Authenticator:
    def __init__(self, store: Store, identities: Identities, clock: Clock, config: Config, wall: Callable[[], int] = wall_ms) -> None:
        self._store = store
        self._identities = identities
        self._clock = clock
        self._config = config
        self._time = SigningTime(clock, wall)
        self._signers: dict[tuple[str, str, str], _Signer] = {}
        self._issued: set[str] = set()
        self._version = -1

    async def authenticate(self, request: Request, service_signing_name: str | None) -> Caller:
        """Raises ServiceError, worded for the service, when the request carries a signature that is not good."""
        kind = family(service_signing_name, request)
        authorization = request.headers.get("authorization")
        if authorization is not None:
            if authorization.startswith(ALGORITHM):
                return await self._of_header(request, authorization, kind)
            return await self._of_other_scheme(request, authorization, kind)
        query = request.query
        if "X-Amz-" in query and ("X-Amz-Signature=" in query or "X-Amz-Credential=" in query or "X-Amz-Algorithm=" in query):
            return await self._of_query(request, kind)
        if "AWSAccessKeyId=" in query and "Signature=" in query:
            if kind is not Family.S3:
                raise incomplete(kind, "Signature Version 2 is not supported here. Use Signature Version 4.")
            caller = await self._of_version_2(request, signature_v2.of_query(request), kind)
            request.headers.update(signature_v2.headers_in_query(request))
            return caller
        return self._anonymous(request, kind)

    async def _of_header(self, request: Request, authorization: str, kind: Family) -> Caller:
        headers = request.headers
        date = headers.get("x-amz-date") or headers.get("date")
        scope, signature = of_header(authorization, kind, date)
        if "X-Amz-Signature=" in request.query and kind is Family.S3:
            raise _two_mechanisms(authorization)
        signer = await self._signer(scope, kind, headers.get("x-amz-security-token", ""))
        if signer.key is None:
            return await self._with_body(request, kind, signer, scope, headers.get("x-amz-content-sha256", UNSIGNED), "", signature)
        signed_ms = milliseconds(date) if date else None
        if date is None or signed_ms is None:
            raise _no_date(kind)
        date = _basic(date, signed_ms)
        self._time.check_fresh(signed_ms, date, kind)
        if date[:8] != scope.date:
            raise _other_day(scope, date, kind)
        payload = await self._payload(request, kind)
        if kind is Family.S3:
            _all_signed(request, scope)
        check(request, kind, scope, signer.signing_key, date, payload, signature)
        return await self._with_body(request, kind, signer, scope, payload, date, signature)

    async def _of_query(self, request: Request, kind: Family) -> Caller:
        signed = of_query(request.query, kind)
        signed_ms = milliseconds(signed.date)
        if signed_ms is None or len(signed.date) != 16:
            raise _bad_query_date(kind, signed)
        signer = await self._signer(signed.scope, kind, signed.token)
        self._time.check_presigned(signed.signature, signed_ms, signed.date, signed.expires_s, kind)
        if signed.date[:8] != signed.scope.date:
            raise _other_day(signed.scope, signed.date, kind)
        payload = await self._payload_of_query(request, kind, signed)
        if signer.key is not None:
            if kind is Family.S3:
                _all_signed(request, signed.scope)
            check(request, kind, signed.scope, signer.signing_key, signed.date, payload, signed.signature, presigned=True)
        return await self._with_body(request, kind, signer, signed.scope, payload, signed.date, signed.signature)

    async def _of_other_scheme(self, request: Request, authorization: str, kind: Family) -> Caller:
        scheme = authorization.split(" ", 1)[0]
        if scheme == signature_v4a.ALGORITHM:
            return await self._of_version_4a(request, authorization, kind)
        if kind is Family.S3 and scheme == "AWS":
            return await self._of_version_2(request, signature_v2.of_header(request, authorization), kind)
        if kind is Family.S3 or scheme.startswith("AWS"):
            raise unsupported_algorithm(scheme, kind)
        return self._anonymous(request, kind)  # a bearer token or an API key: the service's own affair

    async def _of_version_4a(self, request: Request, authorization: str, kind: Family) -> Caller:
        headers = request.headers
        scope, signature = signature_v4a.of_header(authorization, kind)
        token = headers.get("x-amz-security-token", "")
        key = await self._known(scope.access_key, token, kind)
        regions = headers.get("x-amz-region-set", "").split(",")
        region = next((name for name in map(str.strip, regions) if name and "*" not in name), "")
        caller = Caller(self._stranger(scope.access_key, token, kind) if key is None else key.principal, region, scope.service)
        payload = await self._payload(request, kind)
        if payload in FORMS and payload != UNSIGNED_TRAILER:
            raise unsupported_algorithm(signature_v4a.ALGORITHM, kind)
        if key is not None:
            date = headers.get("x-amz-date", "")
            signed_ms = milliseconds(date)
            if signed_ms is None or len(date) != 16:
                raise _no_date(kind)
            self._time.check_fresh(signed_ms, date, kind)
            if date[:8] != scope.date:
                raise _other_day(scope, date, kind)
            signature_v4a.check(request, kind, scope, key.secret_key, date, payload, signature)
        return await self._with_body(request, kind, _Signer(key, b"", caller), scope, payload, "", signature)

    async def _of_version_2(self, request: Request, signed: SignatureV2, kind: Family) -> Caller:
        key = await self._known(signed.access_key, signed.token, kind)
        if key is None:
            caller = Caller(self._stranger(signed.access_key, signed.token, kind), signing_service="s3")
            if signed.expires_s is not None:
                self._time.check_end(signed.signature, signed.expires_s * 1000)
            return caller
        if signed.expires_s is None:
            date = request.headers.get("x-amz-date", request.headers.get("date", ""))
            signed_ms = milliseconds(date)
            if signed_ms is None or signed_ms < 0:
                raise _no_date(kind)
            self._time.check_fresh(signed_ms, date, kind)
        signature_v2.check(request, signed, key.secret_key)
        if signed.expires_s is not None:
            self._time.check_end(signed.signature, signed.expires_s * 1000)
        return Caller(key.principal, signing_service="s3")

    async def of_form(self, fields: Mapping[str, str]) -> Caller:
        """Who signed a browser's upload form (fields by lower-case name).  The form's policy is for `post_form.check_form`.

        A form without any signature is anonymous.  Raises ServiceError in S3's words.
        """
        form = signature_of_form(fields)
        if form is None:
            return Caller(ANONYMOUS)
        key = await self._known(form.access_key, form.token, Family.S3)
        if key is None:
            return Caller(self._stranger(form.access_key, form.token, Family.S3), form.region, "s3")
        check_form_signature(form, key.secret_key)
        return Caller(key.principal, form.region, "s3")

    async def _known(self, access_key: str, token: str, kind: Family) -> AccessKey | None:
        """The key, once its token is its own and it has not expired; None where the platform does not know it."""
        key = self._identities.session(token) if token else None
        if key is None:
            key = await self._store.read(lambda tx: self._identities.access_key(tx, access_key))
        if key is None:
            if access_key in self._issued:  # it was a user's, and has been deleted
                raise unknown_key(kind, access_key)
            return None
        if not token and len(self._issued) < _MAX_CACHED_KEYS:
            self._issued.add(access_key)
        if not key.active:
            raise unknown_key(kind, access_key)
        self._check_token(key, access_key, token, kind)
        return key

    def _check_token(self, key: AccessKey, access_key: str, token: str, kind: Family) -> None:
        """A session's token serves its own key alone, and until its end."""
        if key.access_key != access_key or not hmac.compare_digest(token.encode(), key.session_token.encode()):
            raise wrong_token(kind, access_key, token) if token else unknown_key(kind, access_key)
        if key.expires_ms and self._clock.now_ms() >= key.expires_ms:
            raise expired_token(kind, token)

    def _anonymous(self, request: Request, kind: Family) -> Caller:
        form = request.headers.get("x-amz-content-sha256", "")
        if kind is Family.S3 and form in FORMS:
            return Caller(ANONYMOUS, body=ChunkedBody(request.stream, form, _decoded_length(request), None))
        return Caller(ANONYMOUS)

    async def _signer(self, scope: Scope, kind: Family, token: str) -> _Signer:
        version = self._identities.version()
        if version != self._version or len(self._signers) > _MAX_CACHED_KEYS:
            self._signers.clear()
            self._version = version
        signer = self._signers.get((scope.access_key, token, scope.text))
        if signer is None:
            return await self._find(scope, kind, token)
        if signer.key is not None:
            self._check_token(signer.key, scope.access_key, token, kind)
        return signer

    async def _find(self, scope: Scope, kind: Family, token: str) -> _Signer:
        version = self._identities.version()
        key = await self._known(scope.access_key, token, kind)
        if key is None:
            signer = _Signer(None, b"", Caller(self._stranger(scope.access_key, token, kind), scope.region, scope.service))
        else:
            secret = signing_key(key.secret_key, scope.date, scope.region, scope.service)
            signer = _Signer(key, secret, Caller(key.principal, scope.region, scope.service))
        if version == self._version == self._identities.version():  # else it may be of before a change
            self._signers[scope.access_key, token, scope.text] = signer
        return signer

    def _stranger(self, access_key: str, token: str, kind: Family) -> Principal:
        """A key that nobody here has issued: the account's root on a laptop."""
        if self._config.strict or (access_key.startswith("ASIA") and token):
            raise unknown_key(kind, access_key)
        is_account = len(access_key) == 12 and access_key.isascii() and access_key.isdigit()
        return root(access_key if is_account else self._config.account, access_key)

    async def _payload(self, request: Request, kind: Family) -> str:
        """The body's hash, as it must have been signed in a header signature."""
        announced = request.headers.get("x-amz-content-sha256")
        if kind is Family.S3:
            if announced is None:
                raise ServiceError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400)
            return announced
        if announced == UNSIGNED:
            return announced
        return await self._hash_of_body(request)

    async def _payload_of_query(self, request: Request, kind: Family, signed: Presigned) -> str:
        if kind is Family.S3:
            return signed.payload or request.headers.get("x-amz-content-sha256") or UNSIGNED
        return await self._hash_of_body(request)

    async def _hash_of_body(self, request: Request) -> str:
        if request.body is None:
            request.body = await request.stream.read(_MAX_BODY_BYTES)
        return await hash_of(request.body) if request.body else EMPTY_SHA256

    async def _with_body(self, request: Request, kind: Family, signer: _Signer, scope: Scope, payload: str, date: str, signature: str) -> Caller:
        """The caller, with the body that verifies itself where S3's content hash asks for it."""
        caller = signer.caller
        if kind is not Family.S3 or payload == UNSIGNED:
            return caller
        if payload in FORMS:
            chain = None
            if signer.key is not None and payload != UNSIGNED_TRAILER:
                chain = ChunkChain(scope.access_key, signer.signing_key, date, scope.text, signature)
            body = ChunkedBody(request.stream, payload, _decoded_length(request), chain)
            return Caller(caller.principal, caller.region, caller.signing_service, body)
        if len(payload) != 64 or not payload.isalnum():
            raise _bad_content_hash(payload)
        if request.body is not None:
            computed = await hash_of(request.body)
            if computed != payload:
                raise content_mismatch(payload, computed)
            return caller
        if payload == EMPTY_SHA256 and request.stream.length == 0:
            return caller
        return Caller(caller.principal, caller.region, caller.signing_service, HashedBody(request.stream, payload))


def _decoded_length(request: Request) -> int | None:
    text = request.headers.get("x-amz-decoded-content-length", "")
    if not text:
        raise ServiceError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    if not (text.isascii() and text.isdigit()):
        raise ServiceError("InvalidArgument", "x-amz-decoded-content-length must be a number", 400)
    return int(text)


def _basic(date: str, signed_ms: int) -> str:
    """The date as the string to sign has it, whichever form the header has."""
    if len(date) == 16 and date[8] == "T":
        return date
    return basic(signed_ms)


def _all_signed(request: Request, scope: Scope) -> None:
    """S3 refuses requests with `x-amz-*` headers that the signature does not cover."""
    unsigned = sorted(name for name in request.headers if name.startswith("x-amz-") and name not in scope.signed_headers)
    unsigned = [name for name in unsigned if name != "x-amz-content-sha256"]
    if unsigned or "host" not in scope.signed_headers:
        names = ", ".join(unsigned or ["host"])
        text = "There were headers present in the request which were not signed"
        raise ServiceError("AccessDenied", text, 403, fields={"HeadersNotSigned": names})


def _other_day(scope: Scope, date: str, kind: Family) -> ServiceError:
    if kind is Family.S3:
        text = f'Invalid credential date "{scope.date}". This date is not the same as X-Amz-Date: "{date[:8]}".'
        return incomplete(kind, text)
    return bad_signature(
        kind,
        f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope.date}' != '{date[:8]}', from '{date}'.",
    )


def _no_date(kind: Family) -> ServiceError:
    if kind is Family.S3:
        return ServiceError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403)
    return incomplete(kind, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")


def _bad_query_date(kind: Family, signed: Presigned) -> ServiceError:
    text = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
    if kind is Family.S3:
        return ServiceError("AuthorizationQueryParametersError", text, 400)
    return incomplete(kind, f"Date must be in ISO-8601 'basic format'. Got '{signed.date}'. See http://en.wikipedia.org/wiki/ISO_8601")


def _two_mechanisms(authorization: str) -> ServiceError:
    text = (
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
        "or the Authorization header should be specified"
    )
    fields = {"ArgumentName": "Authorization", "ArgumentValue": authorization}
    return ServiceError("InvalidArgument", text, 400, fields=fields)


def _bad_content_hash(value: str) -> ServiceError:
    text = (
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value."
    )
    return ServiceError("InvalidArgument", text, 400, fields={"ArgumentName": "x-amz-content-sha256", "ArgumentValue": value})
