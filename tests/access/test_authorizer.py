"""Whole calls against policies: keys of the context, what is kept and forgotten, and the words of a denial."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.access.callers import ACCOUNT, ALICE, NOW_MS, WORKER, HandClock, KnownIdentities, NoStore
from tule.access.actions import Actions
from tule.access.authorize import Authorizer
from tule.access.explain import explain
from tule.access.identities import IdentityPolicies, Policy, Role
from tule.access.need import Need
from tule.access.principal import ANONYMOUS, Principal, aws_service, platform, root
from tule.access.usage import Use, generalized, least_policy
from tule.core.errors import ServiceError

OBJECT = "arn:aws:s3:::pictures/cat.png"


class Roles(KnownIdentities):
    def role(self, tx: Any, role_arn: str) -> Role | None:
        return Role(role_arn, ACCOUNT, "worker", "AROAWORKER", {}, 3600) if role_arn == WORKER.entity_arn else None


def granting(*statements: dict[str, Any], to: Principal = ALICE, **more: Any) -> Roles:
    identities = Roles()
    identities.granted[to.entity_arn] = IdentityPolicies((policy("granted", *statements),), **more)
    return identities


def policy(name: str, *statements: dict[str, Any]) -> Policy:
    return Policy(name, {"Version": "2012-10-17", "Statement": list(statements)})


def allow(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*"} | parts


def authorizer(identities: Roles | None = None) -> Authorizer:
    return Authorizer(NoStore(), identities or Roles(), Actions(), HandClock())  # type: ignore[arg-type]


def call(principal: Principal = ALICE, service: str = "s3", operation: str = "GetObject", **more: Any) -> Any:
    known: dict[str, Any] = {
        "id": "request-1",
        "principal": principal,
        "account": principal.account,
        "region": "eu-west-1",
        "service": service,
        "operation": operation,
        "now_ms": NOW_MS,
        "endpoint": "http://127.0.0.1:4566",
        "source_ip": "127.0.0.1",
        "user_agent": "Boto3/1.43",
        "headers": {},
        "node": SimpleNamespace(services={}),
    }
    return SimpleNamespace(**(known | more))


async def denial(service: str = "s3", *, need: Need | None = None, principal: Principal = ALICE, identities: Roles | None = None) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await authorizer(identities).authorize(call(principal, service), [need or Need(f"{service}:Do", "arn:aws:x:::y")])
    return caught.value


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("s3", "AccessDenied", 403),
        ("iam", "AccessDenied", 403),
        ("sts", "AccessDenied", 403),
        ("lambda", "AccessDeniedException", 403),
        ("dynamodb", "AccessDeniedException", 400),
        ("logs", "AccessDeniedException", 400),
        ("ec2", "UnauthorizedOperation", 403),
        ("sns", "AuthorizationError", 403),
    ],
)
async def test_a_denial_has_the_services_code(service: str, code: str, status: int) -> None:
    error = await denial(service)
    assert (error.code, error.status) == (code, status)


async def test_a_denial_says_which_policy_does_not_allow() -> None:
    error = await denial("lambda", need=Need("lambda:GetFunction", "arn:aws:lambda:us-east-1:1:function:f"))
    assert error.message == (
        f"User: {ALICE.arn} is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:us-east-1:1:function:f "
        "because no identity-based policy allows the lambda:GetFunction action"
    )


async def test_s3_quotes_the_resource_and_says_nothing_to_strangers() -> None:
    error = await denial(need=Need("s3:GetObject", OBJECT))
    assert error.message == (
        f'User: {ALICE.arn} is not authorized to perform: s3:GetObject on resource: "{OBJECT}" '
        "because no identity-based policy allows the s3:GetObject action"
    )
    assert (await denial(need=Need("s3:GetObject", OBJECT, owner="999999999999"))).message == "Access Denied"


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("identity", "with an explicit deny in an identity-based policy"),
        ("boundary", "with an explicit deny in a permissions boundary"),
        ("resource", "with an explicit deny in a resource-based policy"),
        ("session", "with an explicit deny in a session policy"),
        ("no boundary", "because no permissions boundary allows the s3:GetObject action"),
        ("no session", "because no session policy allows the s3:GetObject action"),
        ("no resource", "because no resource-based policy allows the s3:GetObject action"),
    ],
)
async def test_a_denial_names_the_kind_of_policy_that_stood_in_the_way(layer: str, words: str) -> None:
    deny = allow() | {"Effect": "Deny"}
    other = allow(Action="sqs:*")
    session = {"session": (policy("", allow(), deny).document,), "no session": (policy("", other).document,)}.get(layer, ())
    who = Principal("role", ACCOUNT, WORKER.arn, WORKER.entity_arn, WORKER.user_id, session_policies=session)
    boundary = {"boundary": policy("b", allow(), deny), "no boundary": policy("b", other)}.get(layer)
    identities = granting(allow(), *([deny] if layer == "identity" else []), to=who, boundary=boundary)
    resource_policy = {"resource": {"Statement": deny | {"Principal": "*"}}, "no resource": {"Statement": []}}.get(layer)
    need = Need("s3:GetObject", OBJECT, policy=resource_policy, policy_decides=layer == "no resource")
    assert (await denial(need=need, principal=who, identities=identities)).message.endswith(words)


async def test_a_denial_tells_people_of_the_account_which_statement_decided() -> None:
    identities = granting(allow(Sid="NoCats", Resource=OBJECT) | {"Effect": "Deny"})
    error = await denial(need=Need("s3:GetObject", OBJECT), identities=identities)
    assert error.headers == {"x-tule-decision": "denied by NoCats of granted"}
    unnamed = await denial(need=Need("s3:GetObject", "arn:aws:s3:::b/é\r\n"))
    assert unnamed.headers["x-tule-decision"].isascii()
    assert unnamed.headers["x-tule-decision"].isprintable()
    assert (await denial(need=Need("s3:GetObject", OBJECT, owner="999999999999"))).headers == {}


async def test_a_denied_assume_role_gives_no_reason() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/worker"
    error = await denial("sts", need=Need("sts:AssumeRole", role, policy={"Statement": []}, policy_decides=True))
    assert error.message == f"User: {ALICE.arn} is not authorized to perform: sts:AssumeRole on resource: {role}"


@pytest.mark.parametrize(
    ("service", "code"),
    [("s3", "AccessDenied"), ("sts", "MissingAuthenticationToken"), ("dynamodb", "MissingAuthenticationTokenException")],
)
async def test_callers_without_credentials_are_told_that_they_are_missing(service: str, code: str) -> None:
    assert (await denial(service, principal=ANONYMOUS)).code == code


async def test_operations_without_permissions_still_ask_for_credentials_but_for_the_open_ones() -> None:
    with pytest.raises(ServiceError, match="MissingAuthenticationToken"):
        await authorizer().authorize(call(ANONYMOUS, "sts", "GetCallerIdentity"), [])
    await authorizer().authorize(call(ALICE, "sts", "GetCallerIdentity"), [])
    await authorizer().authorize(call(ANONYMOUS, "cognito-idp", "InitiateAuth"), [])
    website = SimpleNamespace(services={"s3": SimpleNamespace(anonymous=frozenset({"GetObject"}))})
    await authorizer().authorize(call(ANONYMOUS, "s3", "GetObject", node=website), [])


async def test_root_and_the_platform_pass_but_for_other_accounts() -> None:
    await authorizer().authorize(call(root(ACCOUNT)), [Need("s3:GetObject", OBJECT)])
    await authorizer().authorize(call(platform(ACCOUNT)), [Need("s3:GetObject", OBJECT, owner="999999999999")])
    with pytest.raises(ServiceError):
        await authorizer().authorize(call(root(ACCOUNT)), [Need("s3:GetObject", OBJECT, owner="999999999999")])


GLOBAL_KEYS: list[tuple[str, str, str, Principal]] = [
    ("StringEquals", "aws:PrincipalArn", ALICE.arn, ALICE),
    ("StringEquals", "aws:PrincipalArn", WORKER.entity_arn, WORKER),
    ("StringEquals", "aws:PrincipalAccount", ACCOUNT, ALICE),
    ("StringEquals", "aws:PrincipalType", "User", ALICE),
    ("StringEquals", "aws:PrincipalType", "AssumedRole", WORKER),
    ("StringEquals", "aws:PrincipalTag/Team", "red", ALICE),
    ("StringEquals", "aws:username", "alice", ALICE),
    ("StringEquals", "aws:userid", "AROAWORKER:s1", WORKER),
    ("StringEquals", "aws:RequestedRegion", "eu-west-1", ALICE),
    ("StringLike", "aws:UserAgent", "Boto3/*", ALICE),
    ("IpAddress", "aws:SourceIp", "127.0.0.0/8", ALICE),
    ("Bool", "aws:SecureTransport", "true", ALICE),  # over loopback
    ("Bool", "aws:ViaAWSService", "false", ALICE),
    ("Bool", "aws:PrincipalIsAWSService", "false", ALICE),
    ("Bool", "aws:MultiFactorAuthPresent", "false", WORKER),
    ("Null", "aws:MultiFactorAuthPresent", "true", ALICE),
    ("Null", "aws:TokenIssueTime", "true", ALICE),
    ("DateLessThan", "aws:CurrentTime", "2024-05-01T12:00:01Z", ALICE),
    ("NumericEquals", "aws:EpochTime", "1714564800", ALICE),
    ("Null", "aws:SourceArn", "true", ALICE),
    ("StringEquals", "aws:ResourceAccount", ACCOUNT, ALICE),
    ("StringEquals", "AWS:SOURCEIP", "127.0.0.1", ALICE),
    ("StringEquals", "s3:prefix", "a/", ALICE),
]


async def test_plain_http_from_another_host_is_no_secure_transport() -> None:
    need = Need("s3:ListBucket", "arn:aws:s3:::pictures")
    checker = authorizer(granting(allow(Condition={"Bool": {"aws:SecureTransport": "true"}}), to=ALICE))
    assert (await checker.decide(call(ALICE, source_ip="127.0.0.1"), need)).allowed
    assert not (await checker.decide(call(ALICE, source_ip="192.0.2.1"), need)).allowed


@pytest.mark.parametrize(("operator", "key", "value", "who"), GLOBAL_KEYS)
async def test_each_global_key_says_what_the_call_is(operator: str, key: str, value: str, who: Principal) -> None:
    need = Need("s3:ListBucket", "arn:aws:s3:::pictures", {"s3:prefix": "a/"})
    identities = granting(allow(Condition={operator: {key: value}}), to=who, tags=(("team", "red"),))
    assert (await authorizer(identities).decide(call(who), need)).allowed
    wrong = {"true": "false", "false": "true", "127.0.0.0/8": "10.0.0.0/8", "2024-05-01T12:00:01Z": "2024-05-01T11:59:59Z"}
    identities = granting(allow(Condition={operator: {key: wrong.get(value, value + "0")}}), to=who, tags=(("team", "red"),))
    assert not (await authorizer(identities).decide(call(who), need)).allowed


async def test_a_service_says_on_whose_behalf_it_comes() -> None:
    source = aws_service("s3.amazonaws.com", ACCOUNT, "arn:aws:s3:::pictures")
    condition = {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::pictures"}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
    statement = allow(Principal={"Service": "s3.amazonaws.com"}, Condition=condition)
    need = Need("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:1:function:f", policy={"Statement": [statement]})
    assert (await authorizer().decide(call(source, "lambda"), need)).allowed


async def test_decisions_are_kept_until_identities_change() -> None:
    identities = granting(allow())
    checker = authorizer(identities)
    need = Need("s3:GetObject", OBJECT)
    assert (await checker.decide(call(), need)).allowed
    identities.granted.clear()
    assert (await checker.decide(call(), need)).allowed
    identities.changes += 1
    assert not (await checker.decide(call(), need)).allowed


async def test_a_decision_that_looked_at_the_call_is_made_anew() -> None:
    checker = authorizer(granting(allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})))
    need = Need("s3:GetObject", OBJECT)
    assert (await checker.decide(call(source_ip="10.1.1.1"), need)).allowed
    assert not (await checker.decide(call(source_ip="192.168.1.1"), need)).allowed


async def test_two_sessions_of_a_role_do_not_share_their_bounds() -> None:
    identities = granting(allow(), to=WORKER)
    checker = authorizer(identities)
    bound = policy("", allow(Action="sqs:*")).document
    bounded = Principal("role", ACCOUNT, WORKER.arn, WORKER.entity_arn, WORKER.user_id, session_policies=(bound,))
    need = Need("s3:GetObject", OBJECT)
    assert (await checker.decide(call(WORKER), need)).allowed
    assert not (await checker.decide(call(bounded), need)).allowed
    assert (await checker.decide(call(WORKER), need)).allowed


async def test_a_user_that_is_gone_may_nothing() -> None:
    assert not (await authorizer().decide(call(), Need("s3:GetObject", OBJECT))).allowed


async def test_an_explanation_names_the_statement_that_decided() -> None:
    checker = authorizer(granting(allow(Sid="ReadAll", Action="s3:Get*"), allow(Sid="NoCats", Resource=OBJECT) | {"Effect": "Deny"}))
    answer = await explain(checker, {"principal": ALICE.arn, "action": "s3:GetObject", "resource": "arn:aws:s3:::pictures/dog.png"})
    assert (answer["allowed"], answer["statement"], answer["policy"]) == (True, "ReadAll", "granted")
    answer = await explain(checker, {"principal": ALICE.arn, "action": "s3:GetObject", "resource": OBJECT})
    assert (answer["allowed"], answer["explicit"], answer["reasons"][0]) == (False, True, "denied by NoCats of granted")


async def test_an_explanation_shows_the_statement_that_is_missing() -> None:
    answer = await explain(
        authorizer(granting(allow(Action="sqs:*"), to=WORKER)), {"principal": WORKER.entity_arn, "action": "s3:GetObject", "resource": OBJECT}
    )
    assert answer["missing"] == {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT}
    assert answer["considered"] == ["granted"]


async def test_the_latest_denials_can_be_asked_for() -> None:
    checker = authorizer()
    with pytest.raises(ServiceError):
        await checker.authorize(call(), [Need("s3:GetObject", OBJECT)])
    (told,) = (await explain(checker, {}))["denials"]
    assert (told["id"], told["action"], told["resource"]) == ("request-1", "s3:GetObject", OBJECT)


@pytest.mark.parametrize("asked", [{"principal": "bob", "action": "s3:Get"}, {"principal": ALICE.arn, "action": "get"}])
async def test_a_question_that_makes_no_sense_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="BadRequest"):
        await explain(authorizer(), asked)


def test_the_least_policy_allows_what_was_used_and_no_more() -> None:
    uses = [Use("s3:GetObject", "arn:aws:s3:::a/*"), Use("s3:PutObject", "arn:aws:s3:::a/*"), Use("sqs:SendMessage", "arn:aws:sqs:::q")]
    assert least_policy(uses)["Statement"] == [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::a/*"]},
        {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": ["arn:aws:sqs:::q"]},
    ]


@pytest.mark.parametrize(
    ("resource", "remembered"),
    [
        (OBJECT, "arn:aws:s3:::pictures/*"),
        ("arn:aws:s3:::pictures", "arn:aws:s3:::pictures"),
        ("arn:aws:logs:us-east-1:1:log-group:/a:log-stream:b", "arn:aws:logs:us-east-1:1:log-group:/a:*"),
        ("arn:aws:states:us-east-1:1:execution:m:e", "arn:aws:states:us-east-1:1:execution:m:*"),
        ("*", "*"),
    ],
)
def test_names_that_are_data_are_remembered_as_a_wildcard(resource: str, remembered: str) -> None:
    assert generalized(resource) == remembered
