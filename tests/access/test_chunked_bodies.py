"""Bodies in chunks: AWS's published examples, and every way of spoiling one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.access.chunked import SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER, ChunkChain, ChunkedBody
from tule.access.payload import HashedBody, hash_of
from tule.access.signature import signing_key
from tule.core.errors import ServiceError
from tule.wire.http import Body

# The example of "Transferring Payload in Multiple Chunks" in the S3 API reference: 65 KiB and 1 KiB of the letter a.
KEY = signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3")
SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
# The same with a trailing checksum, from "Including Trailing Headers".
TRAILER_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
TRAILER_SIGNATURES = (
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER_SIGNATURE = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"


def chain(previous: str = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9") -> ChunkChain:
    return ChunkChain("AKIAIOSFODNN7EXAMPLE", KEY, "20130524T000000Z", "20130524/us-east-1/s3/aws4_request", previous)


def encoded(signatures: tuple[str, ...], trailer: bytes = b"\r\n") -> bytes:
    chunks = (b"a" * 65536, b"a" * 1024, b"")
    parts: list[bytes] = []
    for data, signature in zip(chunks, signatures, strict=True):
        parts.append(f"{len(data):x};chunk-signature={signature}\r\n".encode() + (data + b"\r\n" if data else b""))
    return b"".join(parts) + trailer


def in_pieces(data: bytes, size: int) -> Body:
    async def arrive() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    return Body(arrive(), len(data))


@pytest.mark.parametrize("size", [1, 7, 4096, 1_000_000])
async def test_the_published_example_is_accepted_however_it_arrives(size: int) -> None:
    body = ChunkedBody(in_pieces(encoded(SIGNATURES), size), SIGNED, 66560, chain())
    assert await body.read(66560) == b"a" * 66560


async def test_the_published_example_with_a_trailing_checksum_is_accepted() -> None:
    trailer = f"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n".encode()
    body = ChunkedBody(in_pieces(encoded(TRAILER_SIGNATURES, trailer), 5000), SIGNED_TRAILER, 66560, chain(TRAILER_SEED))
    assert await body.read(66560) == b"a" * 66560
    assert body.trailers == {"x-amz-checksum-crc32c": "sOO8/Q=="}


async def refusal(data: bytes, form: str = SIGNED, length: int | None = 66560, seed: ChunkChain | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await ChunkedBody(in_pieces(data, 4096), form, length, seed or chain()).read(10**6)
    return caught.value


async def test_a_changed_byte_is_found_by_its_chunks_signature() -> None:
    spoiled = encoded(SIGNATURES).replace(b"aaaa\r\n400;", b"aaab\r\n400;")
    error = await refusal(spoiled)
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)


async def test_chunks_cannot_change_places() -> None:
    error = await refusal(encoded((SIGNATURES[1], SIGNATURES[0], SIGNATURES[2])))
    assert error.code == "SignatureDoesNotMatch"


async def test_a_body_cannot_end_early() -> None:
    whole = encoded(SIGNATURES)
    assert (await refusal(whole[:66_000])).code == "IncompleteBody"
    assert (await refusal(b"0;chunk-signature=" + SIGNATURES[2].encode() + b"\r\n\r\n")).code == "SignatureDoesNotMatch"


async def test_a_changed_trailer_is_refused() -> None:
    trailer = f"x-amz-checksum-crc32c:AAAAAA==\r\nx-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n".encode()
    error = await refusal(encoded(TRAILER_SIGNATURES, trailer), SIGNED_TRAILER, seed=chain(TRAILER_SEED))
    assert error.code == "SignatureDoesNotMatch"


async def test_a_trailer_without_its_signature_is_refused() -> None:
    trailer = b"x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n"
    error = await refusal(encoded(TRAILER_SIGNATURES, trailer), SIGNED_TRAILER, seed=chain(TRAILER_SEED))
    assert error.code == "SignatureDoesNotMatch"


@given(chunks=st.lists(st.binary(min_size=1, max_size=300), max_size=6), size=st.integers(1, 400))
async def test_unsigned_chunks_give_their_bytes_and_trailers(chunks: list[bytes], size: int) -> None:
    data = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks) + b"0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"
    plain = b"".join(chunks)
    body = ChunkedBody(in_pieces(data, size), UNSIGNED_TRAILER, len(plain), None)
    assert await body.read(10**6) == plain
    assert body.trailers == {"x-amz-checksum-crc32": "AAAA"}


async def test_more_or_fewer_bytes_than_announced_are_refused() -> None:
    for length in (2, 4):
        error = await refusal(b"3\r\nabc\r\n0\r\n\r\n", UNSIGNED_TRAILER, length)
        assert (error.code, error.message) == ("IncompleteBody", "The request body terminated unexpectedly")


async def test_a_trailer_that_is_no_header_is_malformed() -> None:
    assert (await refusal(b"0\r\nno colon here\r\n\r\n", UNSIGNED_TRAILER, 0)).code == "MalformedTrailerError"


@given(data=st.binary(max_size=200), start=st.sampled_from([b"", b"3\r\nabc\r\n", b"3;chunk-signature=00\r\nabc\r\n", b"0\r\n"]))
async def test_no_bytes_break_the_decoder(data: bytes, start: bytes) -> None:
    for form in (SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER):
        body = ChunkedBody(in_pieces(start + data, 16), form, None, None)
        try:
            await body.read(10**6)
        except ServiceError as error:
            assert error.status == 400  # noqa: PT017


@given(pieces=st.lists(st.binary(max_size=50).map(lambda piece: piece * 2000), max_size=5))
async def test_a_hashed_body_is_handed_on_unchanged(pieces: list[bytes]) -> None:
    data = b"".join(pieces)

    async def arrive() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    assert await HashedBody(Body(arrive(), len(data)), await hash_of(data)).read(10**7) == data
    with pytest.raises(ServiceError, match="XAmzContentSHA256Mismatch"):
        await HashedBody(Body.of(data + b"x"), await hash_of(data)).read(10**7)
