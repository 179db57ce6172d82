"""What the policy opens, and how an instance's resolver answers: pure."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator

import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.compute.network import dns_packets
from tule.compute.network.egress import is_of_this_host
from tule.compute.network.names import MAX_NAMES, Names
from tule.compute.network.policy import EgressPolicy
from tule.core.config import ConfigError

PUBLIC = "93.184.216.34"


def allows(text: str, host: str, address: str, port: int = 443) -> bool:
    return EgressPolicy(text).allows(host, ipaddress.ip_address(address), port)


@pytest.mark.parametrize(
    ("policy", "host", "address", "port", "expected"),
    [
        ("open", "example.com", PUBLIC, 443, True),
        ("open", "", PUBLIC, 25, True),
        ("none", "example.com", PUBLIC, 443, False),
        ("", "example.com", PUBLIC, 443, False),
        ("example.com", "example.com", PUBLIC, 443, True),
        ("example.com", "www.example.com", PUBLIC, 443, False),
        ("example.com", "", PUBLIC, 443, False),
        ("example.com:443", "example.com", PUBLIC, 80, False),
        ("example.com:443", "example.com", PUBLIC, 443, True),
        ("*.example.com", "a.b.example.com", PUBLIC, 443, True),
        ("*.example.com", "example.com", PUBLIC, 443, False),
        ("*.example.com", "badexample.com", PUBLIC, 443, False),
        ("EXAMPLE.com , other.org", "example.com", PUBLIC, 443, True),
        ("93.184.216.0/24", "", PUBLIC, 443, True),
        ("93.184.216.0/24:80", "", PUBLIC, 443, False),
        ("[2606:2800::1]:443", "", "2606:2800::1", 443, True),
        ("[2606:2800::1]:443", "", "2606:2800::1", 80, False),
        ("2606:2800::/32", "", "2606:2800::1", 80, True),
        ("::1", "", "::1", 80, True),
    ],
)
def test_a_policy_opens_what_it_lists(policy: str, host: str, address: str, port: int, expected: bool) -> None:
    assert allows(policy, host, address, port) is expected


CLOSED = (
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
)


@pytest.mark.parametrize("address", CLOSED)
@pytest.mark.parametrize("policy", ["open", "rebound.example.com", "*.example.com"])
def test_no_name_and_no_open_policy_leads_into_private_networks(policy: str, address: str) -> None:
    assert not allows(policy, "rebound.example.com", address)


@pytest.mark.parametrize("address", CLOSED)
def test_an_entry_that_is_the_address_itself_opens_it(address: str) -> None:
    plain = ipaddress.ip_address(address)
    if not (plain.version == 6 and (plain.ipv4_mapped or plain.sixtofour or address.startswith("64:"))):
        assert allows(f"open, {address}", "", address)


def test_an_address_in_other_clothes_is_still_the_one_that_was_listed() -> None:
    assert allows("10.0.0.0/8", "", "::ffff:10.1.1.1")


@pytest.mark.parametrize(
    "policy", ["exa mple.com", "http://example.com", "*", "a.*.com", "example.com:0", "example.com:99999", "none, example.com", "10.0.0.0/99"]
)
def test_a_word_that_means_nothing_is_refused(policy: str) -> None:
    with pytest.raises(ConfigError, match="TULE_EGRESS"):
        EgressPolicy(policy)


@pytest.mark.parametrize(
    ("policy", "host", "expected"),
    [
        ("open", "anything.example", True),
        ("none", "anything.example", False),
        ("example.com:443", "example.com", True),
        ("example.com", "other.com", False),
        ("10.0.0.0/8", "other.com", False),
        ("open", "host.tule.internal", False),
        ("127.0.0.1:5432", "host.tule.internal", True),
    ],
)
def test_only_names_that_lead_somewhere_are_looked_up(policy: str, host: str, expected: bool) -> None:
    assert EgressPolicy(policy).resolves(host) is expected


def test_this_hosts_addresses_are_known() -> None:
    assert is_of_this_host(ipaddress.ip_address("127.0.0.1"))
    assert not is_of_this_host(ipaddress.ip_address(PUBLIC))


Ask = Callable[[bytes], bytes | None]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Send a packet to a resolver that knows all names but those that end in .closed; its answer, if it gives one."""
    server, client = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.setblocking(False)
    client.setblocking(False)
    names = Names(lambda name: not name.endswith(".closed"))

    def asked(packet: bytes) -> bytes | None:
        client.send(packet)
        names.serve(_Answering(server))
        try:
            return client.recv(4096)
        except BlockingIOError:
            return None

    yield asked
    server.close()
    client.close()


class _Answering:
    """A socket pair has no addresses."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner

    def recvfrom(self, size: int) -> tuple[bytes, str]:
        return self._inner.recv(size), ""

    def sendto(self, data: bytes, address: str) -> int:
        return self._inner.send(data)


def _asked(ask: Ask, name: str, kind: str = "A", **more: object) -> dns.message.Message:
    query = dns.message.make_query(name, kind, **more)
    raw = ask(query.to_wire())
    assert raw is not None
    answer = dns.message.from_wire(raw)
    assert query.is_response(answer)
    return answer


@pytest.mark.parametrize(
    "name", ["sqs.us-east-1.amazonaws.com", "my.bucket.s3.amazonaws.com", "x.localhost.localstack.cloud", "Lambda.EU-west-1.AmazonAWS.com"]
)
def test_aws_names_are_the_platform(ask: Ask, name: str) -> None:
    answer = _asked(ask, name)
    assert [item.address for rrset in answer.answer for item in rrset] == ["127.0.0.1"]
    assert answer.answer[0].ttl == 60


def test_other_names_get_addresses_that_mean_them(ask: Ask) -> None:
    first, second = (_asked(ask, name).answer[0][0].address for name in ("a.example", "b.example"))
    assert first != second
    assert ipaddress.ip_address(first) in ipaddress.ip_network("198.18.0.0/15")
    assert _asked(ask, "a.example", use_edns=0).answer[0][0].address == first


@pytest.mark.parametrize("kind", ["AAAA", "TXT", "SRV", "PTR"])
def test_names_have_no_records_of_other_kinds(ask: Ask, kind: str) -> None:
    for name in ("s3.amazonaws.com", "a.example"):
        answer = _asked(ask, name, kind)
        assert answer.rcode() == dns.rcode.NOERROR
        assert answer.answer == []


def test_a_closed_name_does_not_exist(ask: Ask) -> None:
    assert _asked(ask, "a.closed").rcode() == dns.rcode.NXDOMAIN


def test_an_update_is_not_implemented(ask: Ask) -> None:
    packet = bytearray(dns.message.make_query("a.example", "A").to_wire())
    packet[2] |= 5 << 3
    raw = ask(bytes(packet))
    assert raw is not None
    assert raw[3] & 0xF == dns_packets.NOT_IMPLEMENTED


@given(st.binary(max_size=600))
def test_no_packet_breaks_the_resolver(packet: bytes) -> None:
    try:
        question = dns_packets.parse(packet)
    except dns_packets.MalformedPacket:
        return
    dns.message.from_wire(dns_packets.answer(question, dns_packets.NO_ERROR, "127.0.0.1", 60), ignore_trailing=True)


@given(st.binary(max_size=40))
def test_a_cut_or_overwritten_query_is_dropped_or_answered(noise: bytes) -> None:
    query = dns.message.make_query("a.example", "A").to_wire()
    for packet in (query[: len(noise)], query[:12] + noise, query + noise):
        try:
            assert dns_packets.parse(packet).raw in packet
        except dns_packets.MalformedPacket:
            continue


@pytest.mark.parametrize(
    "packet", [b"", b"\0" * 11, b"\0" * 12, b"\xff" * 512, dns.message.make_response(dns.message.make_query("a.b", "A", id=7)).to_wire()]
)
def test_what_is_no_query_gets_no_answer(ask: Ask, packet: bytes) -> None:
    assert ask(packet) is None
    assert _asked(ask, "a.example").answer


def test_names_are_bounded_and_the_one_not_used_for_the_longest_goes_first() -> None:
    names = Names(lambda name: True, most=3)
    given_ = {name: names.address(name) for name in ("a", "b", "c")}
    assert names.address("a") == given_["a"]
    assert names.address("d") == given_["b"]
    assert names.name(given_["b"]) == "d"
    assert names.name(given_["a"]) == "a"
    assert MAX_NAMES < 2**17, "they must fit into 198.18.0.0/15"


def test_a_name_keeps_its_address_however_often_it_is_asked_for() -> None:
    names = Names(lambda name: True)
    assert len({names.address("a.example") for _ in range(100)}) == 1
