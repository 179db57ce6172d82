"""Header compression: the examples of RFC 7541's appendix C, what breaks a block, and whatever we write is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.server.hpack import BlockError, Decoder, Field, encode

FIRST = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")]
SECOND = [*FIRST, ("cache-control", "no-cache")]
THIRD = [
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/index.html"),
    (":authority", "www.example.com"),
    ("custom-key", "custom-value"),
]
PLAIN = (
    "828684410f7777772e6578616d706c652e636f6d",
    "828684be58086e6f2d6361636865",
    "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
)
HUFFMAN = (
    "828684418cf1e3c2e5f23a6ba0ab90f4ff",
    "828684be5886a8eb10649cbf",
    "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
)


@pytest.mark.parametrize("blocks", [PLAIN, HUFFMAN], ids=["plain", "huffman"])
def test_the_requests_of_appendix_c(blocks: tuple[str, ...]) -> None:
    decoder = Decoder()
    assert [decoder.decode(bytes.fromhex(block), 65_536) for block in blocks] == [FIRST, SECOND, THIRD]


# The 256 octets in order, as another implementation encodes them: codes of 5 to 30 bits.
EVERY_OCTET = bytes.fromhex(
    "ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfffffebfffffecfffffedfffffeefffffefffffff0fffff"
    "f1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdffffffe3fffffe7fffffebfffffed4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b71d79fb9f7fff20ff"
    "bff3ff50ddbd7f061c58f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff4719242cb34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7ffbffdffffffcfffe6fff"
    "f4bfff9ffffa3fffd3ffff53fffd5ffffb3fffeb7fffdaffffb7ffff73fffeeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1ffffe4fffee7f"
    "ffb1ffff97fffd9ffffcdffff9fffffbffffdafffeeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fffff5ffffecffff07fff87fffe0fff"
    "f17fffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1fffff83ffffe1fffebfffe3ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffd"
    "efffffbffffff2fffff8fffffb7fff97fff8fffffe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9fffff97fffb3ffffcfff"
    "fb7fffcdffff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffffa7ffffd7fffff9bffffecfffffb7fffff3fffffe8fffffd3fffffabfffff5fff"
    "ffff7ffffecfffffdbfffffbbfffff7ffffff0fffffbbf"
)


def test_every_octet_has_its_code() -> None:
    block = b"\x00\x01a" + bytes.fromhex("ffc803") + EVERY_OCTET
    assert Decoder().decode(block, 65_536) == [("a", bytes(range(256)).decode("latin-1"))]


TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=255))


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_what_is_written_is_read(fields: list[Field]) -> None:
    assert Decoder().decode(encode(fields), 1 << 30) == fields


@pytest.mark.parametrize(
    "block",
    [
        "80",  # entry 0
        "be",  # an entry of an empty table
        "0085",  # a string that is cut
        "3fe21f",  # a larger table than was offered
        "8220",  # the table's size in the middle
        "7fffffffffffffffffff01",  # an integer without end
        "000084ffffffff",  # the code of the end in a string
        "00008100",  # padding of zeros
        "000082f8ff",  # padding of more than seven bits
    ],
)
def test_blocks_that_do_not_decode(block: str) -> None:
    with pytest.raises(BlockError):
        Decoder().decode(bytes.fromhex(block), 65_536)


def test_a_list_beyond_the_limit_is_not_kept_but_its_entries_are() -> None:
    decoder = Decoder()
    assert decoder.decode(bytes.fromhex(PLAIN[0]) + b"\xbe" * 10_000, 65_536) is None
    assert decoder.decode(bytes.fromhex(PLAIN[1]), 65_536) == SECOND


@given(st.binary())
def test_anything_decodes_or_is_refused(block: bytes) -> None:
    try:
        Decoder().decode(block, 65_536)
    except BlockError:
        pass
