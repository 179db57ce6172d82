"""Requests that AWS's own libraries have signed are accepted; the same with anything changed are not."""

from __future__ import annotations

import dataclasses
import datetime
from urllib.parse import quote

import pytest
from awscrt.auth import AwsCredentialsProvider, AwsSignatureType, AwsSignedBodyHeaderType, AwsSigningAlgorithm, AwsSigningConfig, aws_sign_request
from awscrt.http import HttpHeaders, HttpRequest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from hypothesis import given
from hypothesis import strategies as st

from tests.access.callers import ALICE, KEYS, NOW_MS, SESSION, WORKER, HandClock, KnownIdentities, authenticator, signed, streamed
from tule.access.principal import ANONYMOUS, root
from tule.core.errors import ServiceError
from tule.wire.http import Body, Request

DYNAMODB = "http://dynamodb.us-east-1.amazonaws.com/"
TARGET = {"x-amz-target": "DynamoDB_20120810.PutItem", "content-type": "application/x-amz-json-1.0"}
S3 = "http://bucket.s3.amazonaws.com"

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
segment = st.text(st.sampled_from("abcXYZ019 -._~!$&'()*+,;=:@%/é漢"), max_size=10)
header = st.text(st.sampled_from("abc ABC019 -._~,;=:\"'"), max_size=20)


async def refusal(request: Request, service: str = "dynamodb", **options: object) -> ServiceError:
    async def received() -> None:
        caller = await authenticator(**options).authenticate(request, service)  # type: ignore[arg-type]
        if caller.body is not None:
            await caller.body.read(2**30)

    with pytest.raises(ServiceError) as caught:
        await received()
    return caught.value


def query_of(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs if name)


@given(segments=st.lists(segment, max_size=4), pairs=st.lists(st.tuples(text, text), max_size=4), value=header, body=st.binary(max_size=200))
async def test_whatever_botocore_signs_for_a_json_service_is_accepted(
    segments: list[str], pairs: list[tuple[str, str]], value: str, body: bytes
) -> None:
    url = DYNAMODB + quote("/".join(segments), safe="/-_.~") + ("?" + query_of(pairs) if query_of(pairs) else "")
    request = signed(SigV4Auth, "POST", url, headers={**TARGET, "x-amz-note": value.strip()}, body=body)
    caller = await authenticator().authenticate(request, "dynamodb")
    assert (caller.principal, caller.region, caller.signing_service) == (ALICE, "us-east-1", "dynamodb")


@given(segments=st.lists(segment, max_size=4), pairs=st.lists(st.tuples(text, text), max_size=4), body=st.binary(max_size=200))
async def test_whatever_botocore_signs_for_s3_is_accepted(segments: list[str], pairs: list[tuple[str, str]], body: bytes) -> None:
    url = f"{S3}/" + quote("/".join(segments), safe="/-_.~") + ("?" + query_of(pairs) if query_of(pairs) else "")
    request = signed(S3SigV4Auth, "PUT", url, service="s3", body=body)
    caller = await authenticator().authenticate(streamed(request, body), "s3")
    assert caller.principal == ALICE
    assert (await (caller.body or Body.of(body)).read(1000)) == body


@given(segments=st.lists(segment, max_size=4), expires=st.integers(1, 604800), with_session=st.booleans())
async def test_whatever_botocore_presigns_for_s3_is_accepted(segments: list[str], expires: int, with_session: bool) -> None:
    url = f"{S3}/" + quote("/".join(segments), safe="/-_.~")
    key = SESSION if with_session else KEYS["AKIAALICE"]
    request = signed(S3SigV4QueryAuth, "GET", url, service="s3", key=key, expires=expires)
    assert (await authenticator().authenticate(request, "s3")).principal == (WORKER if with_session else ALICE)


@given(
    path=st.lists(segment, max_size=4).map(lambda parts: "/" + quote("/".join(parts), safe="/-_.~")),
    pairs=st.lists(st.tuples(text, text), max_size=3),
    for_s3=st.booleans(),
    in_query=st.booleans(),
)
async def test_whatever_the_common_runtime_signs_is_accepted(path: str, pairs: list[tuple[str, str]], for_s3: bool, in_query: bool) -> None:
    host, service = ("bucket.s3.amazonaws.com", "s3") if for_s3 else ("states.us-east-1.amazonaws.com", "states")
    target = path + ("?" + query_of(pairs) if query_of(pairs) else "")
    headers = HttpHeaders([("Host", host)])
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4,
        signature_type=AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS if in_query else AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=AwsCredentialsProvider.new_static("AKIAALICE", KEYS["AKIAALICE"].secret_key),
        region="us-east-1",
        service=service,
        date=_moment(NOW_MS),
        use_double_uri_encode=not for_s3,
        should_normalize_uri_path=not for_s3,
        signed_body_value="UNSIGNED-PAYLOAD" if for_s3 else None,
        signed_body_header_type=AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256 if for_s3 and not in_query else AwsSignedBodyHeaderType.NONE,
        expiration_in_seconds=60 if in_query else None,
    )
    result = aws_sign_request(HttpRequest("GET", target, headers), config).result(5)
    sent_path, _, sent_query = result.path.partition("?")
    request = Request("GET", sent_path, sent_query, {name.lower(): value for name, value in result.headers}, Body.of(b""), body=b"")
    assert (await authenticator().authenticate(request, service)).principal == ALICE


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("known", [True, False])
async def test_asymmetric_signatures_are_verified(changed: bool, known: bool) -> None:
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4_ASYMMETRIC,
        signature_type=AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=AwsCredentialsProvider.new_static("AKIAALICE", KEYS["AKIAALICE"].secret_key if known else "wrong"),
        region="us-east-1,eu-*",
        service="cloudfront-keyvaluestore",
        date=_moment(NOW_MS),
    )
    headers = HttpHeaders([("Host", "cloudfront-kvs.global.api.aws")])
    result = aws_sign_request(HttpRequest("GET", "/key-value-stores/a%3Ab/keys?x=1", headers), config).result(5)
    path, _, query = result.path.partition("?")
    sent = {name.lower(): value for name, value in result.headers}
    request = Request("GET", path + ("z" if changed else ""), query, sent, Body.of(b""), body=b"")
    if changed or not known:
        assert (await refusal(request, "cloudfront-keyvaluestore")).code == "InvalidSignatureException"
    else:
        caller = await authenticator().authenticate(request, "cloudfront-keyvaluestore")
        assert (caller.principal, caller.region) == (ALICE, "us-east-1")


def _moment(at_ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)


CHANGES = {
    "method": lambda r: dataclasses.replace(r, method="PUT"),
    "path": lambda r: dataclasses.replace(r, path="/other"),
    "query": lambda r: dataclasses.replace(r, query="x=1"),
    "header": lambda r: dataclasses.replace(r, headers=r.headers | {"x-amz-target": "DynamoDB_20120810.GetItem"}),
    "host": lambda r: dataclasses.replace(r, headers=r.headers | {"host": "elsewhere"}),
    "body": lambda r: dataclasses.replace(r, body=b'{"b":1}'),
    "date": lambda r: dataclasses.replace(r, headers=r.headers | {"x-amz-date": "20240501T120001Z"}),
    "signature": lambda r: dataclasses.replace(r, headers=r.headers | {"authorization": r.headers["authorization"][:-1] + "é"}),
}


@pytest.mark.parametrize("part", CHANGES)
async def test_a_request_that_was_changed_after_signing_is_refused(part: str) -> None:
    request = signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, body=b'{"a":1}')
    error = await refusal(CHANGES[part](request))
    assert (error.code, error.status) == ("InvalidSignatureException", 400)
    assert error.message.startswith("The request signature we calculated does not match the signature you provided. Check your AWS Secret")


@pytest.mark.parametrize("between", [" ", ",", ", ", "  ,\t"])
async def test_parts_of_a_header_may_stand_apart_in_any_way(between: str) -> None:
    request = signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, body=b"{}")
    request.headers["authorization"] = request.headers["authorization"].replace(", ", between)
    assert (await authenticator().authenticate(request, "dynamodb")).principal == ALICE


@pytest.mark.parametrize(
    ("service", "headers", "code", "status"),
    [
        ("dynamodb", TARGET, "InvalidSignatureException", 400),
        ("lambda", {}, "InvalidSignatureException", 403),
        ("iam", {"content-type": "application/x-www-form-urlencoded"}, "SignatureDoesNotMatch", 403),
        ("ec2", {}, "AuthFailure", 401),
        ("s3", {}, "SignatureDoesNotMatch", 403),
    ],
)
async def test_a_wrong_secret_is_refused_in_the_service_familys_words(service: str, headers: dict[str, str], code: str, status: int) -> None:
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    error = await refusal(signed(signer, "POST", f"http://{service}.amazonaws.com/", headers=headers, service=service, secret="wrong"), service)
    assert (error.code, error.status) == (code, status)


async def test_s3_shows_what_it_would_have_signed() -> None:
    error = await refusal(signed(S3SigV4Auth, "GET", f"{S3}/k", service="s3", secret="wrong"), "s3")
    assert error.fields["AWSAccessKeyId"] == "AKIAALICE"
    assert error.fields["StringToSign"].startswith("AWS4-HMAC-SHA256\n20240501T120000Z\n20240501/us-east-1/s3/aws4_request\n")
    assert error.fields["CanonicalRequest"].startswith("GET\n/k\n\nhost:bucket.s3.amazonaws.com\n")
    assert bytes.fromhex(error.fields["StringToSignBytes"]).decode() == error.fields["StringToSign"]


@pytest.mark.parametrize(
    ("service", "headers", "code", "status"),
    [
        ("dynamodb", TARGET, "UnrecognizedClientException", 400),
        ("lambda", {}, "UnrecognizedClientException", 403),
        ("sts", {}, "InvalidClientTokenId", 403),
        ("ec2", {}, "AuthFailure", 401),
        ("s3", {}, "InvalidAccessKeyId", 403),
    ],
)
async def test_a_key_that_was_switched_off_is_unknown(service: str, headers: dict[str, str], code: str, status: int) -> None:
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    request = signed(signer, "POST", f"http://{service}.amazonaws.com/", headers=headers, service=service, key=KEYS["AKIAOFF"])
    error = await refusal(request, service)
    assert (error.code, error.status) == (code, status)


async def test_a_signature_older_than_five_minutes_has_expired_for_a_json_service() -> None:
    error = await refusal(signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, at_ms=NOW_MS - 301_000))
    assert error.code == "InvalidSignatureException"
    assert error.message == "Signature expired: 20240501T115459Z is now earlier than 20240501T115500Z (20240501T120000Z - 5 min.)"


async def test_a_signature_from_the_future_is_not_yet_current() -> None:
    request = signed(SigV4Auth, "POST", "http://sts.amazonaws.com/", service="sts", at_ms=NOW_MS + 901_000)
    error = await refusal(request, "sts")
    assert error.code == "SignatureDoesNotMatch"
    assert error.message == "Signature not yet current: 20240501T121501Z is still later than 20240501T121500Z (20240501T120000Z + 15 min.)"


async def test_s3_calls_an_old_signature_skewed() -> None:
    error = await refusal(signed(S3SigV4Auth, "GET", f"{S3}/", service="s3", at_ms=NOW_MS - 901_000), "s3")
    assert (error.code, error.status) == ("RequestTimeTooSkewed", 403)
    assert error.fields == {"RequestTime": "20240501T114459Z", "ServerTime": "2024-05-01T12:00:00Z", "MaxAllowedSkewMilliseconds": 900_000}


async def test_fourteen_minutes_are_within_the_skew_of_s3() -> None:
    request = signed(S3SigV4Auth, "GET", f"{S3}/", service="s3", at_ms=NOW_MS - 840_000)
    assert (await authenticator().authenticate(request, "s3")).principal == ALICE


async def test_a_client_keeps_working_when_the_nodes_clock_is_turned_ahead() -> None:
    clock = HandClock()
    checker = authenticator(clock)
    clock.move(86_400_000)
    assert (await checker.authenticate(signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET), "dynamodb")).principal == ALICE


async def test_a_presigned_url_expires() -> None:
    clock = HandClock()
    request = signed(S3SigV4QueryAuth, "GET", f"{S3}/k", service="s3", expires=60)
    checker = authenticator(clock)
    assert (await checker.authenticate(request, "s3")).principal == ALICE
    clock.move(60_000)
    assert (await checker.authenticate(request, "s3")).principal == ALICE
    clock.move(1)
    with pytest.raises(ServiceError) as caught:
        await checker.authenticate(request, "s3")
    assert (caught.value.code, caught.value.message, caught.value.status) == ("AccessDenied", "Request has expired", 403)
    assert caught.value.fields == {"X-Amz-Expires": 60, "Expires": "2024-05-01T12:01:00Z", "ServerTime": "2024-05-01T12:01:00Z"}


async def test_a_presigned_url_of_an_unknown_key_expires_too() -> None:
    key = dataclasses.replace(KEYS["AKIAALICE"], access_key="test")
    request = signed(S3SigV4QueryAuth, "GET", f"{S3}/k", service="s3", key=key, expires=60, at_ms=NOW_MS - 61_000)
    assert (await refusal(request, "s3")).message == "Request has expired"


async def test_a_presigned_url_made_after_the_clock_was_turned_begins_its_life_then() -> None:
    clock = HandClock()
    checker = authenticator(clock)
    clock.wall_ms -= 1000
    clock.move(86_400_000)
    clock.wall_ms += 1000
    request = signed(S3SigV4QueryAuth, "GET", f"{S3}/k", service="s3", expires=60)
    assert (await checker.authenticate(request, "s3")).principal == ALICE
    clock.move(62_000)
    with pytest.raises(ServiceError, match="Request has expired"):
        await checker.authenticate(request, "s3")


@pytest.mark.parametrize(
    ("expires", "message"),
    [
        ("604801", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"),
        ("-1", "X-Amz-Expires must be non-negative"),
        ("soon", "X-Amz-Expires should be a number"),
    ],
)
async def test_a_presigned_url_lives_at_most_a_week(expires: str, message: str) -> None:
    error = await refusal(signed(S3SigV4QueryAuth, "GET", f"{S3}/k", service="s3", expires=expires), "s3")
    assert (error.code, error.message, error.status) == ("AuthorizationQueryParametersError", message, 400)


async def test_a_presigned_url_may_not_be_changed() -> None:
    request = signed(S3SigV4QueryAuth, "GET", f"{S3}/k", service="s3", expires=60)
    error = await refusal(dataclasses.replace(request, query=request.query.replace("Expires=60", "Expires=61")), "s3")
    assert error.code == "SignatureDoesNotMatch"


async def test_a_presigned_call_of_a_query_service_is_accepted() -> None:
    url = "http://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    request = signed(SigV4QueryAuth, "GET", url, service="sts", expires=60)
    assert (await authenticator().authenticate(request, "sts")).principal == ALICE


async def test_a_session_needs_its_token() -> None:
    with_token = signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, key=SESSION)
    assert (await authenticator().authenticate(with_token, "dynamodb")).principal == WORKER
    other = signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, key=dataclasses.replace(SESSION, session_token="another"))
    assert (await refusal(other)).code == "UnrecognizedClientException"


async def test_the_token_of_one_session_does_not_serve_another_key() -> None:
    stolen = dataclasses.replace(KEYS["AKIAROOT"], session_token=SESSION.session_token)
    assert (await refusal(signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, key=stolen))).code == "UnrecognizedClientException"
    checker = authenticator()
    await checker.authenticate(signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, key=SESSION), "dynamodb")
    with pytest.raises(ServiceError):
        await checker.authenticate(signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, key=stolen), "dynamodb")


@pytest.mark.parametrize(
    ("service", "code", "status"), [("dynamodb", "ExpiredTokenException", 400), ("sts", "ExpiredToken", 403), ("s3", "ExpiredToken", 400)]
)
async def test_a_session_ends(service: str, code: str, status: int) -> None:
    clock = HandClock(NOW_MS + 3_600_000)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    headers = TARGET if service == "dynamodb" else {}
    request = signed(signer, "POST", f"http://{service}.amazonaws.com/", service=service, headers=headers, key=SESSION)
    error = await refusal(request, service, clock=clock)
    assert (error.code, error.status) == (code, status)


async def test_on_a_laptop_an_unknown_key_is_the_accounts_root_whatever_its_secret() -> None:
    for name, account in (("test", "000000000000"), ("AKIAIOSFODNN7EXAMPLE", "000000000000"), ("111122223333", "111122223333")):
        key = dataclasses.replace(KEYS["AKIAALICE"], access_key=name)
        caller = await authenticator().authenticate(signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET, key=key), "dynamodb")
        assert caller.principal == root(account, name)
        assert caller.region == "us-east-1"


async def test_a_temporary_key_that_was_not_issued_here_is_refused() -> None:
    key = dataclasses.replace(SESSION, access_key="ASIAELSEWHERE", session_token="elsewhere")
    assert (await refusal(signed(SigV4Auth, "POST", "http://sts.amazonaws.com/", service="sts", key=key), "sts")).code == "InvalidClientTokenId"


async def test_a_strict_node_refuses_unknown_keys() -> None:
    key = dataclasses.replace(KEYS["AKIAALICE"], access_key="test")
    error = await refusal(signed(S3SigV4Auth, "GET", f"{S3}/", service="s3", key=key), "s3", strict=True)
    assert (error.code, error.message) == ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")


async def test_a_key_takes_effect_and_loses_it_when_identities_change() -> None:
    identities = KnownIdentities()
    checker = authenticator(identities=identities)
    request = signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET)
    await checker.authenticate(request, "dynamodb")
    identities.keys["AKIAALICE"] = dataclasses.replace(KEYS["AKIAALICE"], active=False)
    identities.changes += 1
    with pytest.raises(ServiceError):
        await checker.authenticate(request, "dynamodb")


async def test_a_strangers_key_becomes_a_users_when_it_is_issued() -> None:
    identities = KnownIdentities()
    del identities.keys["AKIAALICE"]
    checker = authenticator(identities=identities)
    request = signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET)
    assert (await checker.authenticate(request, "dynamodb")).principal.kind == "root"
    identities.keys["AKIAALICE"] = KEYS["AKIAALICE"]
    identities.changes += 1
    assert (await checker.authenticate(request, "dynamodb")).principal == KEYS["AKIAALICE"].principal


async def test_a_key_that_was_deleted_does_not_become_a_strangers() -> None:
    identities = KnownIdentities()
    checker = authenticator(identities=identities)
    request = signed(SigV4Auth, "POST", DYNAMODB, headers=TARGET)
    await checker.authenticate(request, "dynamodb")
    del identities.keys["AKIAALICE"]
    identities.changes += 1
    with pytest.raises(ServiceError, match="UnrecognizedClientException"):
        await checker.authenticate(request, "dynamodb")


async def test_a_request_without_a_signature_is_anonymous() -> None:
    request = Request("GET", "/bucket/key", "", {"host": "localhost:4566"}, Body.of(b""))
    assert (await authenticator().authenticate(request, "s3")).principal == ANONYMOUS


async def test_a_body_other_than_the_one_that_was_signed_is_refused_by_s3() -> None:
    request = signed(S3SigV4Auth, "PUT", f"{S3}/k", service="s3", body=b"what was signed")
    error = await refusal(streamed(request, b"what was ", b"sent"), "s3")
    assert (error.code, error.status) == ("XAmzContentSHA256Mismatch", 400)
    assert set(error.fields) == {"ClientComputedContentSHA256", "S3ComputedContentSHA256"}


async def test_s3_refuses_headers_that_the_signature_does_not_cover() -> None:
    request = signed(S3SigV4Auth, "GET", f"{S3}/", service="s3")
    request.headers["x-amz-acl"] = "public-read"
    error = await refusal(request, "s3")
    assert error.message == "There were headers present in the request which were not signed"
    assert error.fields == {"HeadersNotSigned": "x-amz-acl"}


MALFORMED = {
    "AWS4-HMAC-SHA256": "requires 'Credential' parameter.",
    "AWS4-HMAC-SHA256 Credential=a/20240501/us-east-1/sts/aws4_request, SignedHeaders=host": "requires 'Signature' parameter.",
    "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + "0" * 64: "exactly 5 slash-delimited elements",
    "AWS4-HMAC-SHA256 Credential=a/20240501/us-east-1/sts/aws4_request, SignedHeaders=date, Signature=" + "0" * 64: "must be a 'SignedHeader'",
    "AWS4-ECDSA-P256-SHA256 Credential=a/sts, SignedHeaders=host, Signature=00": "keyid/date/service/term",
    "AWS5-HMAC-SHA3 Credential=a/20240501/sts/aws4_request, SignedHeaders=host, Signature=00": "Unsupported AWS 'algorithm'",
}


@pytest.mark.parametrize("authorization", MALFORMED)
async def test_an_incomplete_signature_is_told_what_it_lacks(authorization: str) -> None:
    headers = {"host": "sts.amazonaws.com", "authorization": authorization, "x-amz-date": "20240501T120000Z"}
    error = await refusal(Request("POST", "/", "", headers, Body.of(b""), body=b""), "sts")
    assert MALFORMED[authorization] in error.message
    assert error.status in (400, 403)


STARTS = (
    "",
    "AWS ",
    "AWS4-ECDSA-P256-SHA256 ",
    "AWS4-HMAC-SHA256 ",
    "AWS4-HMAC-SHA256 Credential=AKIAALICE/20240501/us-east-1/s3/aws4_request, SignedHeaders=host,",
)


@given(authorization=st.text(max_size=300), query=st.text(st.sampled_from("X-Amz&=%abcSigntureCdl/0123:é"), max_size=200), date=st.text(max_size=20))
async def test_no_header_or_query_breaks_the_check(authorization: str, query: str, date: str) -> None:
    for service in ("s3", "sts", "dynamodb", "lambda"):
        for start in (
            "",
            "AWS ",
            "AWS4-ECDSA-P256-SHA256 ",
            "AWS4-HMAC-SHA256 ",
            "AWS4-HMAC-SHA256 Credential=AKIAALICE/20240501/us-east-1/s3/aws4_request, SignedHeaders=host,",
        ):
            headers = {"host": "h", "authorization": start + authorization, "x-amz-date": date, "x-amz-content-sha256": date}
            request = Request("GET", "/" + query, query + "X-Amz-Credential=" + authorization, headers, Body.of(b""), body=b"")
            assert await status(request, service) in range(200, 500)
            del headers["authorization"]
            assert await status(request, service) in range(200, 500)


async def status(request: Request, service: str) -> int:
    try:
        await authenticator(strict=True).authenticate(request, service)
    except ServiceError as error:
        return error.status
    return 200
