"""The only way out of an instance: every TCP connection to another address ends at one listener of its own loopback.

Run inside a fresh network namespace, with its privileges, before any of the function's code.  A route makes every address
local, and a rule of nftables (nat, output) redirects; the listener learns the original destination by SO_ORIGINAL_DST.
Spoken to the kernel directly, since neither `ip` nor `nft` is on every host.

Linux: rtnetlink(7), include/uapi/linux/netfilter/nf_tables.h
"""

import os
import socket
import struct

_NETLINK_ROUTE, _NETLINK_NETFILTER = 0, 12
_REQUEST, _ACK, _EXCLUSIVE, _CREATE, _APPEND = 0x1, 0x4, 0x200, 0x400, 0x800
_NLMSG_ERROR, _NESTED = 2, 0x8000
_RTM_NEWROUTE, _RTA_OIF, _TABLE_LOCAL, _STATIC, _SCOPE_HOST, _TYPE_LOCAL = 24, 4, 255, 4, 254, 2
_BATCH_BEGIN, _BATCH_END, _NFTABLES = 16, 17, 10
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = (_NFTABLES << 8) | 0, (_NFTABLES << 8) | 3, (_NFTABLES << 8) | 6
_OUTPUT_HOOK, _DNAT_PRIORITY = 3, -100
_META_L4PROTO, _NETWORK_HEADER, _DESTINATION_OFFSET = 16, 1, 16
_REGISTER = struct.pack(">I", 1)
_EQUAL, _NOT_EQUAL = 0, 1
_TABLE, _CHAIN = b"tule\0", b"out\0"


def redirect_tcp(port):
    """Raises OSError where the kernel has no nftables; then the instance reaches only the listeners it is given."""
    _make_every_address_local()
    _redirect(port)


def _make_every_address_local():
    route = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, _TABLE_LOCAL, _STATIC, _SCOPE_HOST, _TYPE_LOCAL, 0)
    body = route + _attribute(_RTA_OIF, struct.pack("=I", socket.if_nametoindex("lo")))
    _transact(_NETLINK_ROUTE, _message(_RTM_NEWROUTE, _REQUEST | _ACK | _CREATE | _EXCLUSIVE, body, 1), 1)


def _redirect(port):
    new = _REQUEST | _ACK | _CREATE
    hook = _nest(4, _attribute(1, _number(_OUTPUT_HOOK)), _attribute(2, struct.pack(">i", _DNAT_PRIORITY)))
    rule = b"".join(
        (
            _expression(b"meta", _attribute(2, _number(_META_L4PROTO)), _attribute(1, _REGISTER)),
            _compare(_EQUAL, bytes((socket.IPPROTO_TCP,))),
            _expression(
                b"payload",
                _attribute(1, _REGISTER),
                _attribute(2, _number(_NETWORK_HEADER)),
                _attribute(3, _number(_DESTINATION_OFFSET)),
                _attribute(4, _number(4)),
            ),
            _expression(
                b"bitwise",
                _attribute(1, _REGISTER),
                _attribute(2, _REGISTER),
                _attribute(3, _number(4)),
                _nest(4, _attribute(1, bytes((255, 0, 0, 0)))),
                _nest(5, _attribute(1, bytes(4))),
            ),
            _compare(_NOT_EQUAL, bytes((127, 0, 0, 0))),
            _expression(b"immediate", _attribute(1, _REGISTER), _nest(2, _attribute(1, struct.pack(">H", port)))),
            _expression(b"redir", _attribute(1, _REGISTER)),
        )
    )
    batch = (
        _message(_BATCH_BEGIN, _REQUEST, _family(0, _NFTABLES), 1),
        _message(_NEW_TABLE, new, _family(socket.AF_INET) + _attribute(1, _TABLE), 2),
        _message(_NEW_CHAIN, new, _family(socket.AF_INET) + _attribute(1, _TABLE) + _attribute(3, _CHAIN) + hook + _attribute(7, b"nat\0"), 3),
        _message(_NEW_RULE, new | _APPEND, _family(socket.AF_INET) + _attribute(1, _TABLE) + _attribute(2, _CHAIN) + _nest(4, rule), 4),
        _message(_BATCH_END, _REQUEST, _family(0, _NFTABLES), 5),
    )
    _transact(_NETLINK_NETFILTER, b"".join(batch), 3)


def _expression(name, *attributes):
    return _nest(1, _attribute(1, name + b"\0"), _nest(2, *attributes))


def _compare(how, data):
    return _expression(b"cmp", _attribute(1, _REGISTER), _attribute(2, _number(how)), _nest(3, _attribute(1, data)))


def _number(value):
    return struct.pack(">I", value)


def _family(family, resource=0):
    return struct.pack(">BBH", family, 0, resource)


def _attribute(kind, data):
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + b"\0" * (-size % 4)


def _nest(kind, *attributes):
    return _attribute(kind | _NESTED, b"".join(attributes))


def _message(kind, flags, body, sequence):
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body


def _transact(protocol, data, acknowledgements):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as netlink:
        netlink.bind((0, 0))
        netlink.send(data)
        while acknowledgements:
            acknowledgements -= _acknowledged(netlink.recv(65536))


def _acknowledged(answer):
    count = offset = 0
    while offset < len(answer):
        size, kind = struct.unpack_from("=IH", answer, offset)
        if kind == _NLMSG_ERROR:
            code = -struct.unpack_from("=i", answer, offset + 16)[0]
            if code:
                raise OSError(code, os.strerror(code))
            count += 1
        offset += (size + 3) & ~3
    return count
