"""Connections and API destinations: kept without showing secrets, and called as they say."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.node import Account
from tests.services.events.house import allow, put, queue, refusal, role, rule
from tests.services.events.web import Web, web

BASIC = {"BasicAuthParameters": {"Username": "user", "Password": "pass"}}
KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}}


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as found:
        yield found


def connect(account: Account, auth: dict[str, Any] | None = None, kind: str = "BASIC", name: str = "c") -> str:
    return account.events.create_connection(Name=name, AuthorizationType=kind, AuthParameters=auth or BASIC)["ConnectionArn"]


def destination(account: Account, connection: str, url: str, **more: Any) -> str:
    params = {"Name": "d", "ConnectionArn": connection, "InvocationEndpoint": url, "HttpMethod": "POST"}
    return account.events.create_api_destination(**params | more)["ApiDestinationArn"]


def runner(account: Account) -> str:
    return role(account, "runner", [allow("events:InvokeApiDestination")])


def authorized(account: Account, name: str = "c") -> str:
    while (shown := account.events.describe_connection(Name=name))["ConnectionState"] == "AUTHORIZING":
        pass
    return shown["ConnectionState"]


@pytest.mark.parametrize(
    ("kind", "auth", "shown"),
    [
        ("BASIC", BASIC, {"BasicAuthParameters": {"Username": "user"}}),
        ("API_KEY", KEY | {"InvocationHttpParameters": {}}, {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key"}, "InvocationHttpParameters": {}}),
        (
            "BASIC",
            BASIC
            | {
                "InvocationHttpParameters": {
                    "HeaderParameters": [{"Key": "a", "Value": "open"}, {"Key": "b", "Value": "hidden", "IsValueSecret": True}],
                }
            },
            {
                "BasicAuthParameters": {"Username": "user"},
                "InvocationHttpParameters": {"HeaderParameters": [{"Key": "a", "Value": "open"}, {"Key": "b", "IsValueSecret": True}]},
            },
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_connection_is_shown_without_its_secrets(aws: Account, kind: str, auth: dict[str, Any], shown: dict[str, Any]) -> None:
    made = aws.events.create_connection(Name="c", AuthorizationType=kind, AuthParameters=auth)
    assert made["ConnectionState"] == "AUTHORIZED"
    assert made["ConnectionArn"].startswith(f"arn:aws:events:us-east-1:{aws.id}:connection/c/")
    found = aws.events.describe_connection(Name="c")
    assert found["AuthParameters"] == shown
    assert found["SecretArn"].startswith(f"arn:aws:secretsmanager:us-east-1:{aws.id}:secret:events!connection/c/")
    [listed] = aws.events.list_connections()["Connections"]
    assert (listed["Name"], listed["AuthorizationType"], "AuthParameters" in listed) == ("c", kind, False)


def test_connections_and_destinations_are_checked(aws: Account) -> None:
    code, message = refusal(aws.events.create_connection, Name="no such name!", AuthorizationType="BASIC", AuthParameters=BASIC)
    assert code == "ValidationException"
    assert "at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+" in message
    assert refusal(aws.events.create_connection, Name="c", AuthorizationType="API_KEY", AuthParameters=BASIC)[0] == "ValidationException"
    connection = connect(aws)
    assert refusal(aws.events.create_connection, Name="c", AuthorizationType="BASIC", AuthParameters=BASIC)[0] == "ResourceAlreadyExistsException"
    destination(aws, connection, "https://example.com/")
    params = {"Name": "d", "ConnectionArn": connection, "InvocationEndpoint": "https://example.com/", "HttpMethod": "GET"}
    assert refusal(aws.events.create_api_destination, **params)[0] == "ResourceAlreadyExistsException"
    gone = params | {"Name": "e", "ConnectionArn": connection[:-1] + ("0" if connection[-1] != "0" else "1")}
    assert refusal(aws.events.create_api_destination, **gone)[0] == "ResourceNotFoundException"
    message = "Failed to describe the api-destination(s). An api-destination 'x' does not exist."
    assert refusal(aws.events.describe_api_destination, Name="x") == ("ResourceNotFoundException", message)


def test_a_destination_is_changed_and_listed(aws: Account) -> None:
    connection = connect(aws)
    arn = destination(aws, connection, "https://example.com/a", Description="d")
    made = aws.events.describe_api_destination(Name="d")
    assert (made["ApiDestinationArn"], made["ApiDestinationState"], made["InvocationRateLimitPerSecond"]) == (arn, "ACTIVE", 300)
    aws.events.update_api_destination(Name="d", InvocationEndpoint="https://example.com/b", HttpMethod="PUT", Description="e")
    shown = aws.events.describe_api_destination(Name="d")
    assert (shown["InvocationEndpoint"], shown["HttpMethod"], shown["Description"]) == ("https://example.com/b", "PUT", "e")
    assert [listed["Name"] for listed in aws.events.list_api_destinations(ConnectionArn=connection)["ApiDestinations"]] == ["d"]
    aws.events.deauthorize_connection(Name="c")
    assert aws.events.describe_api_destination(Name="d")["ApiDestinationState"] == "INACTIVE"
    aws.events.delete_api_destination(Name="d")
    assert aws.events.list_api_destinations()["ApiDestinations"] == []
    assert aws.events.delete_connection(Name="c")["ConnectionState"] == "DELETING"
    assert aws.events.list_connections()["Connections"] == []


def test_an_event_is_posted_with_all_that_connection_and_target_add(aws: Account, site: Web) -> None:
    auth = BASIC | {
        "InvocationHttpParameters": {
            "HeaderParameters": [{"Key": "X-Both", "Value": "connection"}],
            "QueryStringParameters": [{"Key": "q", "Value": "a b"}],
            "BodyParameters": [{"Key": "added", "Value": "yes"}],
        }
    }
    arn = destination(aws, connect(aws, auth), site.url + "/users/*/orders/*?fixed=1")
    http = {
        "PathParameterValues": ["$.detail.user", "7"],
        "HeaderParameters": {"X-Both": "target", "X-Kind": "$.detail-type"},
        "QueryStringParameters": {"s": "$.source"},
    }
    rule(aws, None, {"Arn": arn, "RoleArn": runner(aws), "HttpParameters": http, "InputPath": "$.detail"})
    put(aws, {"user": "u/1"})
    asked = site.asked()
    assert (asked.method, asked.path) == ("POST", "/users/u%2F1/orders/7?fixed=1&s=shop&q=a+b")
    assert asked.json == {"user": "u/1", "added": "yes"}
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"user:pass").decode()
    assert (asked.headers["x-both"], asked.headers["x-kind"]) == ("connection", "order")
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert asked.headers["user-agent"] == "Amazon/EventBridge/ApiDestinations"


def test_an_api_key_is_a_header(aws: Account, site: Web) -> None:
    arn = destination(aws, connect(aws, KEY, "API_KEY"), site.url, HttpMethod="GET")
    rule(aws, None, {"Arn": arn, "RoleArn": runner(aws)})
    put(aws)
    asked = site.asked()
    assert (asked.method, asked.headers["x-key"], asked.body) == ("GET", "secret", "")


def oauth(site: Web) -> dict[str, Any]:
    return {
        "OAuthParameters": {
            "AuthorizationEndpoint": site.url + "/token",
            "HttpMethod": "POST",
            "ClientParameters": {"ClientID": "id", "ClientSecret": "secret"},
            "OAuthHttpParameters": {"BodyParameters": [{"Key": "audience", "Value": "orders", "IsValueSecret": False}]},
        }
    }


def test_a_token_is_fetched_kept_and_fetched_anew_when_it_is_refused(aws: Account, site: Web) -> None:
    site.answer(200, '{"access_token": "one", "expires_in": 3600}')
    connection = aws.events.create_connection(Name="c", AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters=oauth(site))
    assert connection["ConnectionState"] == "AUTHORIZING"
    asked = site.asked()
    assert asked.path == "/token"
    assert parse_qs(asked.body) == {"grant_type": ["client_credentials"], "client_id": ["id"], "client_secret": ["secret"], "audience": ["orders"]}
    assert authorized(aws) == "AUTHORIZED"
    shown = aws.events.describe_connection(Name="c")["AuthParameters"]["OAuthParameters"]
    assert shown["ClientParameters"] == {"ClientID": "id"}
    rule(aws, None, {"Arn": destination(aws, connection["ConnectionArn"], site.url + "/in"), "RoleArn": runner(aws)})
    put(aws)
    assert site.asked().headers["authorization"] == "Bearer one"
    site.answer(401)
    site.answer(200, '{"access_token": "two"}')
    put(aws)
    asked = [site.asked() for _ in range(3)]
    assert [(one.path, one.headers["authorization"]) for one in asked if one.path == "/in"] == [("/in", "Bearer one"), ("/in", "Bearer two")]
    assert asked[1].path == "/token"


def test_a_connection_whose_endpoint_refuses_is_not_authorized(aws: Account, site: Web) -> None:
    site.answer(403)
    connect(aws, oauth(site), "OAUTH_CLIENT_CREDENTIALS")
    assert authorized(aws) == "DEAUTHORIZED"
    assert aws.events.describe_connection(Name="c")["StateReason"] == "The authorization endpoint answered 403."
    site.answer(200, '{"access_token": "one"}')
    aws.events.update_connection(Name="c", AuthParameters={"OAuthParameters": {"ClientParameters": {"ClientID": "other"}}})
    assert authorized(aws) == "AUTHORIZED"
    assert [parse_qs(site.asked().body)["client_id"] for _ in range(2)] == [["id"], ["other"]]


def test_what_an_endpoint_refuses_for_good_becomes_a_dead_letter(aws: Account, site: Web) -> None:
    dead = queue(aws, "dead")
    arn = destination(aws, connect(aws), site.url)
    rule(aws, None, {"Arn": arn, "RoleArn": runner(aws), "DeadLetterConfig": {"Arn": dead.arn}})
    site.answer(400, "no good")
    id = put(aws)
    letter = dead.letter()
    assert json.loads(letter["Body"])["id"] == id
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "SDK_CLIENT_ERROR"
    assert "400" in letter["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


def test_what_an_endpoint_cannot_do_now_is_tried_again_when_it_says(turned: Account, site: Web) -> None:
    arn = destination(turned, connect(turned), site.url)
    rule(turned, None, {"Arn": arn, "RoleArn": runner(turned)})
    site.answer(503, retry_after="600")
    id = put(turned)
    assert site.asked().json["id"] == id
    turned.node.advance(590)
    turned.node.advance(20)
    assert site.asked().json["id"] == id


def test_a_role_that_may_not_invoke_invokes_nothing(aws: Account, site: Web) -> None:
    dead = queue(aws, "dead")
    arn = destination(aws, connect(aws), site.url)
    rule(aws, None, {"Arn": arn, "RoleArn": role(aws, "weak", [allow("events:PutEvents")]), "DeadLetterConfig": {"Arn": dead.arn}})
    put(aws)
    assert dead.letter()["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_a_destination_is_called_no_faster_than_its_rate(turned: Account, site: Web) -> None:
    turned.node.turn_clock({"do": "freeze"})
    arn = destination(turned, connect(turned), site.url, InvocationRateLimitPerSecond=1)
    rule(turned, None, {"Arn": arn, "RoleArn": runner(turned)})
    ids = {put(turned, {"n": n}) for n in range(4)}
    came = {site.asked().json["id"]}
    for _ in range(3):
        turned.node.advance(1.1)
        came.add(site.asked().json["id"])
    assert came == ids
