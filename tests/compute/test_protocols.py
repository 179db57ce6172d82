"""Which protocol functions are offered under AWS's names."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tule.compute.network.authority import Authority


@pytest.mark.parametrize(
    ("host", "protocol"),
    [
        ("kinesis.us-east-1.amazonaws.com", "h2"),
        ("123456789012.data-kinesis.us-east-1.amazonaws.com", "h2"),
        ("sqs.us-east-1.amazonaws.com", "http/1.1"),
        ("kinesis-bucket.s3.us-east-1.amazonaws.com", "http/1.1"),
    ],
)
def test_http2_is_offered_where_clients_insist_on_it(tmp_path: Path, host: str, protocol: str) -> None:
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = authority.server_context().wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server, server_hostname=host)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.selected_alpn_protocol() == protocol
