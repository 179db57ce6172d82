"""Sessions for tokens of an OpenID Connect provider, whose keys are fetched over HTTPS."""

from __future__ import annotations

import base64
import datetime
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.node import Account, RunningNode
from tests.services.iam.documents import session, trusting
from tests.services.iam.refusals import refusal


class Issuer:
    """An identity provider on localhost: signs tokens, and shows its keys."""

    def __init__(self, folder: Path) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = folder / "certificate.pem"
        private = folder / "key.pem"
        private.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        self.certificate.write_bytes(_certificate(self.key))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, private)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, key: rsa.RSAPrivateKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        body = {"iss": self.url, "sub": "repo:me/mine", "aud": "client", "iat": now, "exp": now + 600, **claims}
        signed = f"{_encoded({'alg': 'RS256', 'kid': 'one'})}.{_encoded(body)}"
        return f"{signed}.{_base64((key or self.key).sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                numbers = issuer.key.public_key().public_numbers()
                key = {"kty": "RSA", "kid": "one", "n": _base64(numbers.n.to_bytes(256)), "e": _base64(numbers.e.to_bytes(3))}
                pages = {"/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}, "/keys": {"keys": [key]}}
                self.send_response(200 if self.path in pages else 404)
                self.end_headers()
                self.wfile.write(json.dumps(pages.get(self.path, {})).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        return Handler


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    day = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day.replace(year=2100))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _encoded(document: dict[str, Any]) -> str:
    return _base64(json.dumps(document).encode())


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def trusting_node(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node"), env={"SSL_CERT_FILE": str(issuer.certificate)}) as node:
        yield node


@pytest.fixture
def account(trusting_node: RunningNode) -> Account:
    return trusting_node.fresh_account()


@pytest.fixture
def role(account: Account, issuer: Issuer) -> str:
    """The ARN of a role that trusts tokens for the client `client` of the repository `repo:me/*`."""
    arn = account.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["client"])["OpenIDConnectProviderArn"]
    host = issuer.url.removeprefix("https://")
    trust = trusting(
        {"Federated": arn},
        "sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {f"{host}:aud": "client"}, "StringLike": {f"{host}:sub": "repo:me/*"}},
    )
    return account.iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=trust)["Role"]["Arn"]


def _anonymous(account: Account) -> Any:
    return account.client("sts", config=Config(signature_version=UNSIGNED, retries={"max_attempts": 1}))


def test_a_good_token_gives_a_session_without_any_credentials(account: Account, issuer: Issuer, role: str) -> None:
    answer = _anonymous(account).assume_role_with_web_identity(RoleArn=role, RoleSessionName="deploy", WebIdentityToken=issuer.token())
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == ("repo:me/mine", "client")
    identity = session(account, answer, "sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{account.id}:assumed-role/deployer/deploy"


@pytest.mark.parametrize(
    ("claims", "code", "message"),
    [
        ({"sub": "repo:you/yours"}, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        ({"aud": "another"}, "InvalidIdentityToken", "Incorrect token audience"),
        ({"sub": None}, "InvalidIdentityToken", "Missing a required claim: sub"),
        ({"iss": "https://localhost:1"}, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://localhost:1"),
    ],
)
def test_a_token_for_others_gives_nothing(account: Account, issuer: Issuer, role: str, claims: dict[str, Any], code: str, message: str) -> None:
    token = issuer.token(**claims)
    answer = refusal(_anonymous(account).assume_role_with_web_identity, RoleArn=role, RoleSessionName="deploy", WebIdentityToken=token)
    assert answer[:2] == (code, message)


def test_an_expired_token_gives_nothing(account: Account, issuer: Issuer, role: str) -> None:
    token = issuer.token(exp=int(time.time()) - 1)
    answer = refusal(_anonymous(account).assume_role_with_web_identity, RoleArn=role, RoleSessionName="deploy", WebIdentityToken=token)
    assert answer[0] == "ExpiredTokenException"


def test_a_forged_token_gives_nothing(account: Account, issuer: Issuer, role: str) -> None:
    forged = issuer.token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    for token in (forged, "a.b.c", "nonsense"):
        answer = refusal(_anonymous(account).assume_role_with_web_identity, RoleArn=role, RoleSessionName="deploy", WebIdentityToken=token)
        assert answer[::2] == ("InvalidIdentityToken", 400)
