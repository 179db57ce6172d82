"""The console's files: what is served, how it is cached, and that nothing else can be reached."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.node import RunningNode
from tule.server.console import Console, wants_console
from tule.wire.http import Body, Request, Response


def asked(path: str, method: str = "GET", query: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in ({"host": "localhost:4566"} | headers).items()}
    return Request(method, path, query, named, Body.of(b""))


@pytest.fixture
def built(tmp_path: Path) -> Console:
    assets = tmp_path / "assets"
    (assets / "static").mkdir(parents=True)
    (assets / "index.html").write_text("<title>Tule</title>")
    (assets / "tule.svg").write_text("<svg/>")
    (assets / "static" / "index-abc.js").write_text("1")
    (assets / "static" / "index-abc.css").write_text("a{}")
    (tmp_path / "secret").write_text("secret")
    (assets / "leads-out").symlink_to(tmp_path)
    return Console(assets)


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("/_console/", "text/html; charset=utf-8", "no-cache"),
        ("/_console/tule.svg", "image/svg+xml", "no-cache"),
        ("/_console/static/index-abc.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/_console/static/index-abc.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
    ],
)
def test_a_file_has_its_type_and_what_carries_a_hash_is_kept_for_ever(built: Console, path: str, kind: str, cache: str) -> None:
    answer = built.answer(asked(path))
    assert (answer.status, answer.headers["content-type"], answer.headers["cache-control"]) == (200, kind, cache)


@pytest.mark.parametrize("path", ["/_console/functions/resize", "/_console/logs/%2Faws%2Flambda%2Fresize", "/_console/stacks/"])
def test_a_place_inside_the_console_is_the_page(built: Console, path: str) -> None:
    assert built.answer(asked(path)).body == b"<title>Tule</title>"


@pytest.mark.parametrize(
    "path",
    [
        "/_console/../secret",
        "/_console/%2e%2e/secret",
        "/_console/static/../../secret",
        "/_console/static/..%2f..%2fsecret",
        "/_console//etc/passwd",
        "/_console/leads-out/secret",
        "/_console/static/\x00",
    ],
)
def test_no_path_leads_out_of_the_directory(built: Console, path: str) -> None:
    assert built.answer(asked(path)).body != b"secret"
    assert b"root:" not in bytes_of(built.answer(asked(path)))


def test_a_script_of_an_earlier_build_is_not_found_rather_than_a_page(built: Console) -> None:
    assert built.answer(asked("/_console/static/index-old.js")).status == 404


def test_every_answer_forbids_foreign_and_inline_content(built: Console) -> None:
    for path in ("/_console/", "/_console/static/index-abc.js", "/_console/static/none"):
        headers = built.answer(asked(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_and_head_are_answered(built: Console, method: str) -> None:
    answer = built.answer(asked("/_console/", method))
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_head_tells_the_length_and_sends_nothing(built: Console) -> None:
    answer = built.answer(asked("/_console/static/index-abc.css", "HEAD"))
    assert (answer.headers["content-length"], answer.body) == ("3", b"")


def test_a_console_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    answer = Console(tmp_path / "nothing").answer(asked("/_console/"))
    assert answer.status == 503
    assert b"make install" in bytes_of(answer)


def test_a_build_is_seen_without_a_new_start(tmp_path: Path) -> None:
    console = Console(tmp_path)
    assert console.answer(asked("/_console/")).status == 503
    (tmp_path / "index.html").write_text("new")
    assert console.answer(asked("/_console/")).body == b"new"


HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (asked("/", accept=HTML), True),
        (asked("/", accept=HTML, host="127.0.0.1:4566"), True),
        (asked("/", accept="*/*"), False),
        (asked("/"), False),
        (asked("/", accept=HTML, authorization="AWS4-HMAC-SHA256 ..."), False),
        (asked("/", accept=HTML, query="X-Amz-Signature=0"), False),
        (asked("/bucket", accept=HTML), False),
        (asked("/", accept=HTML, host="site.s3.localhost:4566"), False),
        (asked("/", accept=HTML, host="site.localhost:4566"), False),
        (asked("/", "POST", accept=HTML), False),
    ],
)
def test_only_a_browser_at_the_root_is_led_to_the_console(request_: Request, wanted: bool) -> None:
    assert wants_console(request_) is wanted


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _get(node: RunningNode, path: str, **headers: str) -> HTTPResponse | urllib.error.HTTPError:
    try:
        return urllib.request.build_opener(_Stay).open(urllib.request.Request(node.url + path, headers=headers), timeout=30)
    except urllib.error.HTTPError as answer:
        return answer


def test_a_node_leads_browsers_to_the_console_and_answers_clients_as_aws_does(node: RunningNode) -> None:
    with _get(node, "/", accept=HTML) as led:
        assert (led.status, led.headers["location"]) == (302, "/_console/")
    with _get(node, "/_console") as slash:
        assert (slash.status, slash.headers["location"]) == (308, "/_console/")
    with _get(node, "/", accept="*/*") as client:
        assert client.status == 403
        assert b"AccessDenied" in client.read()


def bytes_of(answer: Response) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body
