"""What a function reaches from inside its sandbox, by the names and addresses that real functions use."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import json
import os
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import Functions, document
from tule.compute.network.authority import Authority
from tule.compute.network.network import InstanceNetwork
from tule.compute.network_contract import Tenant
from tule.server.http1 import Server
from tule.wire.http import Request, Response, json_response

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Endpoint:
    """Stands for the node's AWS endpoint: says what it was asked."""

    def __init__(self) -> None:
        self.server = Server()
        self.listening = 0

    async def serve(self, listener: socket.socket, tenant: Tenant, tls: ssl.SSLContext | None) -> Callable[[], None]:
        async def answer(request: Request) -> Response:
            if request.path == "/large":
                return Response(200, {}, b"x" * int(request.query))
            body = await request.stream.read(64 << 20)
            said = {"scheme": request.scheme, "host": request.headers["host"], "method": request.method, "path": request.path, "size": len(body)}
            return json_response(200, said | {"function": tenant.function.name})

        served = await self.server.listen(answer, sock=listener, tls=tls)
        self.listening += 1

        def end() -> None:
            self.listening -= 1
            self.server.forget(served)

        return end


class Echo:
    """A service on the host's loopback: says back what it is told, in whatever size."""

    def __init__(self) -> None:
        self.open = 0
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while piece := await reader.read(65_536):
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            self.open -= 1
            writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def echo() -> AsyncIterator[Echo]:
    made = Echo()
    server = await made.start()
    yield made
    server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    yield made
    await made.server.stop(0)


def _functions(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, egress: str) -> Functions:
    directory = tmp_path_factory.mktemp("network")
    directory.chmod(0o755)
    return Functions(directory, LEVELS[0], InstanceNetwork(endpoint.serve, directory / "authority", egress), parked=0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, echo: Echo) -> AsyncIterator[Functions]:
    """Functions that may reach the echo, by its address and port."""
    made = _functions(tmp_path_factory, endpoint, f"127.0.0.1:{echo.port}")
    yield made
    await made.compute.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def public(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint) -> AsyncIterator[Functions]:
    """Functions that may reach the public internet."""
    made = _functions(tmp_path_factory, endpoint, "open")
    yield made
    await made.compute.stop()


FETCH = """
import json, urllib.request
def handler(event, context):
    data = None if event.get('body') is None else event['body'].encode()
    request = urllib.request.Request(event['url'], data, method=event.get('method'))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
"""


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("https://sqs.us-east-1.amazonaws.com/", "https"),
        ("https://my-bucket.s3.eu-central-1.amazonaws.com/key", "https"),
        ("https://my.dotted.bucket.s3.amazonaws.com/key", "https"),
        ("https://s3.amazonaws.com/bucket/key", "https"),
        ("https://sts.cn-north-1.amazonaws.com.cn/", "https"),
        ("https://abc123.execute-api.us-east-1.amazonaws.com/prod", "https"),
        ("https://things.localhost.localstack.cloud/", "https"),
        ("http://dynamodb.us-east-1.amazonaws.com/", "http"),
        ("http://localhost:4566/", "http"),
    ],
)
async def test_aws_names_reach_the_platform(opened: Functions, url: str, scheme: str) -> None:
    function = opened.function(FETCH, timeout_s=10)
    said = document(await opened.invoke(function, {"url": url}))
    assert (said["scheme"], said["host"], said["function"]) == (scheme, url.split("/")[2], function.name)


async def test_a_custom_resource_can_answer_to_its_url(opened: Functions) -> None:
    url = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/arn%3Aaws?token=a"
    said = await opened.value(FETCH, {"url": url, "method": "PUT", "body": '{"Status": "SUCCESS"}'}, timeout_s=10)
    assert (said["method"], said["path"], said["size"]) == ("PUT", "/arn%3Aaws", 21)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_trusts_the_platform(opened: Functions) -> None:
    code = (
        "import subprocess\ndef handler(event, context):\n    return subprocess.run(['curl', '-sS', event], capture_output=True, text=True).stdout\n"
    )
    assert json.loads(await opened.value(code, "https://lambda.us-west-2.amazonaws.com/x", timeout_s=10))["path"] == "/x"


async def test_the_certificate_is_of_the_name_that_was_asked_for(opened: Functions) -> None:
    code = """
import socket, ssl
def handler(event, context):
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with context.wrap_socket(socket.create_connection((event, 443)), server_hostname=event) as connection:
        return [value for kind, value in connection.getpeercert()['subjectAltName']]
"""
    assert await opened.value(code, "logs.us-east-1.amazonaws.com") == ["*.us-east-1.amazonaws.com", "us-east-1.amazonaws.com"]
    assert await opened.value(code, "localhost") == ["localhost"]


async def test_names_resolve_for_whoever_asks(opened: Functions) -> None:
    code = """
import socket
def handler(event, context):
    found = {}
    for name in event:
        try:
            found[name] = sorted({place[4][0] for place in socket.getaddrinfo(name, 443)})
        except socket.gaierror as error:
            found[name] = error.errno == socket.EAI_NONAME
    return found
"""
    found = await opened.value(code, ["kms.us-east-1.amazonaws.com", "sandbox.localdomain", "example.com", "host.tule.internal"])
    assert found.pop("sandbox.localdomain") == found["kms.us-east-1.amazonaws.com"]
    assert found == {"kms.us-east-1.amazonaws.com": ["127.0.0.1"], "example.com": True, "host.tule.internal": ["198.18.0.1"]}


CONNECT = """
import socket
def handler(event, context):
    with socket.create_connection(tuple(event), timeout=5) as connection:
        connection.sendall(b'hello')
        return connection.recv(5).decode()
"""


async def test_an_entry_opens_a_service_of_the_hosts_loopback(opened: Functions, echo: Echo) -> None:
    assert await opened.value(CONNECT, ["host.tule.internal", echo.port]) == "hello"


async def test_another_port_stays_closed(opened: Functions) -> None:
    answer = await opened.run(CONNECT, ["host.tule.internal", 1])
    assert document(answer)["errorType"] == "ConnectionResetError"


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "192.168.0.1", "198.18.0.77", "100.100.100.200"])
async def test_metadata_and_private_networks_are_closed_to_the_public_policy(public: Functions, address: str) -> None:
    answer = await public.run(CONNECT, [address, 80])
    assert document(answer)["errorType"] == "ConnectionResetError"


async def test_the_hosts_loopback_is_closed_to_the_public_policy(public: Functions, echo: Echo) -> None:
    own = document(await public.run(CONNECT, ["127.0.0.1", echo.port]))
    assert own["errorType"] == "ConnectionRefusedError"  # the function's own loopback: nobody listens there
    assert document(await public.run(CONNECT, ["host.tule.internal", echo.port]))["errorType"] == "gaierror"
    assert echo.open == 0


async def test_a_public_address_of_the_host_is_closed_to_the_public_policy(public: Functions, monkeypatch: pytest.MonkeyPatch, echo: Echo) -> None:
    """As on a host whose interface has an address of the internet."""
    monkeypatch.setattr("tule.compute.network.egress.is_of_this_host", lambda address: str(address) == "93.184.216.34")
    assert document(await public.run(CONNECT, ["93.184.216.34", echo.port]))["errorType"] == "ConnectionResetError"


async def test_a_name_that_leads_into_the_host_is_closed_to_the_public_policy(public: Functions, monkeypatch: pytest.MonkeyPatch, echo: Echo) -> None:
    def resolved(host: str, port: int, *more: object) -> list[Any]:
        assert host == "rebound.example.com"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("tule.compute.network.network.socket.getaddrinfo", resolved)
    assert document(await public.run(CONNECT, ["rebound.example.com", echo.port]))["errorType"] == "ConnectionResetError"


async def test_the_next_address_is_tried_when_the_first_does_not_answer(opened: Functions, monkeypatch: pytest.MonkeyPatch, echo: Echo) -> None:
    monkeypatch.setattr("tule.compute.network.egress.Relay._places", lambda self, host, port: _places("127.0.0.9", "127.0.0.1"))
    monkeypatch.setattr("tule.compute.network.egress.Relay._is_open", lambda self, host, place, port: True)
    assert await opened.value(CONNECT, ["host.tule.internal", echo.port]) == "hello"


async def _places(*addresses: str) -> list[Any]:
    return [ipaddress.ip_address(address) for address in addresses]


async def test_large_transfers_go_both_ways_at_once_and_end_when_both_sides_have(opened: Functions, echo: Echo) -> None:
    code = """
import hashlib, socket, threading
def handler(event, context):
    piece = bytes(range(256)) * 4096
    with socket.create_connection(('host.tule.internal', event['port'])) as connection:
        def send():
            for _ in range(event['megabytes']):
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        got, expected = hashlib.md5(), hashlib.md5()
        while data := connection.recv(1 << 20):
            got.update(data)
        sender.join()
    for _ in range(event['megabytes']):
        expected.update(piece)
    return got.hexdigest() == expected.hexdigest()
"""
    assert await opened.value(code, {"port": echo.port, "megabytes": 32}, timeout_s=30, memory_mb=256) is True
    assert echo.open == 0


async def test_a_function_that_does_not_read_holds_its_sender_back(opened: Functions, echo: Echo) -> None:
    code = """
import socket
def handler(event, context):
    connection = socket.create_connection(('host.tule.internal', event))
    connection.settimeout(0.3)
    sent = 0
    try:
        while sent < 256 << 20:
            sent += connection.send(b'x' * 65536)
    except TimeoutError:
        return sent
"""
    assert 0 < await opened.value(code, echo.port, timeout_s=20) < 64 << 20


async def test_large_bodies_go_over_tls(opened: Functions) -> None:
    code = """
import json, urllib.request
def handler(event, context):
    with urllib.request.urlopen('https://s3.amazonaws.com/large?%d' % event) as answer:
        down = len(answer.read())
    request = urllib.request.Request('https://s3.amazonaws.com/up', b'x' * event, method='PUT')
    with urllib.request.urlopen(request) as answer:
        return down, json.load(answer)['size']
"""
    assert await opened.value(code, 16 << 20, timeout_s=30, memory_mb=512) == [16 << 20, 16 << 20]


async def test_an_instance_that_ends_leaves_nothing_open(opened: Functions, endpoint: Endpoint, echo: Echo) -> None:
    code = """
import socket, time, urllib.request
held = []
def handler(event, context):
    for url in ('https://sqs.us-east-1.amazonaws.com/', 'http://localhost:4566/', 'http://s3.amazonaws.com/'):
        urllib.request.urlopen(url).read()
    for _ in range(20):
        held.append(socket.create_connection(('host.tule.internal', event)))
    held[-1].sendall(b'x')
    return held[-1].recv(1).decode()
"""
    opened.compute.retire("")
    await _until(lambda: not opened.compute.sandboxes() and endpoint.listening == 0)
    before = _descriptors()
    for _ in range(3):
        function = opened.function(code, timeout_s=10)
        assert document(await opened.invoke(function, echo.port)) == "x"
        assert echo.open == 20
        assert endpoint.listening == 3
        opened.compute.retire(function.key)
        await _until(lambda: not opened.compute.sandboxes() and endpoint.listening == 0 and echo.open == 0 and not endpoint.server.connections)
    await _until_equal(before)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - sockets end by themselves
            await asyncio.sleep(0.005)


async def _until_equal(before: list[str]) -> None:
    """Descriptors go with the turns of the loop."""
    async with asyncio.timeout(10):
        while len(_descriptors()) > len(before):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def _descriptors() -> list[str]:
    gc.collect()
    found: list[str] = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return found


async def test_connections_beyond_the_limit_wait_for_their_turn(opened: Functions, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tule.compute.network.egress.MAX_CONNECTIONS", 3)
    code = """
import socket
def handler(event, context):
    held = [socket.create_connection(('host.tule.internal', event), timeout=5) for _ in range(10)]
    answers = []
    for each in held:
        each.sendall(b'x')
        answers.append(each.recv(1).decode())
        each.close()
    return ''.join(answers)
"""
    assert await opened.value(code, echo.port, timeout_s=10) == "x" * 10


async def test_nothing_leaves_by_other_protocols(public: Functions) -> None:
    code = """
import socket
def handler(event, context):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(1)
        udp.connect(('8.8.8.8', 53))
        try:
            udp.send(b'x')
            udp.recv(1)
        except OSError as error:
            return type(error).__name__
"""
    assert await public.value(code) == "ConnectionRefusedError"


async def test_two_nodes_on_one_directory_share_an_authority(tmp_path: Path) -> None:
    first, second = Authority(tmp_path), Authority(tmp_path)
    assert first.certificate_pem == second.certificate_pem
    assert [path.name for path in tmp_path.iterdir()] == ["authority.pem"]
    assert (tmp_path / "authority.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("port", "inside"), [(4811, 4811), (0, 4566), (443, 4566), (9001, 4566)])
async def test_the_nodes_own_port_leads_to_it_inside_too(tmp_path: Path, port: int, inside: int) -> None:
    async def serve(*_: object) -> Callable[[], None]:
        raise AssertionError("nobody connects")

    (aws,) = [each for each in InstanceNetwork(serve, tmp_path, "none", port).listeners if each.name == "aws"]
    assert (aws.address, aws.port) == ("127.0.0.1", inside)
