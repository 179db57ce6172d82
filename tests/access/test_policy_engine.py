"""The compiled engine against the written-out model, and the rules that the model leaves out, one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.access import model
from tests.access.callers import ACCOUNT, ALICE, WORKER
from tule.access.policy.context import RequestContext
from tule.access.policy.document import compile_policy
from tule.access.policy.evaluate import Asked, Decision, PolicySet, decide
from tule.access.principal import ANONYMOUS, Principal, aws_service, platform, root

OTHER = "999999999999"
KEY_ARN = "arn:aws:s3:::pictures/cat.png"

principals = st.sampled_from([ALICE, WORKER, root(ACCOUNT)])
actions = st.sampled_from(["s3:GetObject", "s3:getobject", "s3:PutObject", "s3:*", "s3:Get*", "*", "sqs:SendMessage", "s3:?etObject"])
resources = st.sampled_from(
    ["*", "arn:aws:s3:::pictures/*", "arn:aws:s3:::*", "arn:aws:s3:::other/*", "arn:aws:sqs:*:*:*", KEY_ARN, "arn:*:s3:::*.png"]
)
named = st.sampled_from([ALICE.arn, WORKER.arn, WORKER.entity_arn, ACCOUNT, OTHER, f"arn:aws:iam::{ACCOUNT}:root", "*", "arn:aws:iam::1:user/x"])
conditions = st.sampled_from([{}, {}, {"StringEquals": {"aws:team": ["a"]}}, {"StringEquals": {"aws:team": ["a", "b"], "aws:stage": ["c"]}}])


def statements(*, with_principal: bool) -> st.SearchStrategy[dict[str, Any]]:
    parts: dict[str, st.SearchStrategy[Any]] = {
        "Effect": st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        "Action": st.lists(actions, min_size=1, max_size=2),
        "Resource": st.lists(resources, min_size=1, max_size=2),
        "Condition": conditions,
    }
    if with_principal:
        parts["Principal"] = st.fixed_dictionaries({"AWS": st.lists(named, min_size=1, max_size=2)})
    return st.fixed_dictionaries(parts)


own = st.lists(statements(with_principal=False), max_size=3)
of_resource = st.lists(statements(with_principal=True), max_size=3)


def document(found: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": found}


@settings(max_examples=400)
@given(
    who=principals,
    action=st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]),
    resource=st.sampled_from([KEY_ARN, "arn:aws:s3:::other/a:b", "arn:aws:sqs:us-east-1:1:q"]),
    owner=st.sampled_from([ACCOUNT, ACCOUNT, OTHER]),
    context=st.dictionaries(st.sampled_from(["aws:team", "aws:stage"]), st.sampled_from("abc")),
    identity=st.lists(own, max_size=2),
    boundary=st.none() | own,
    session=st.lists(own, max_size=2),
    resource_policy=of_resource,
)
def test_the_engine_agrees_with_the_written_out_model(
    who: Principal, action: str, resource: str, owner: str, context: Any, identity: Any, boundary: Any, session: Any, resource_policy: Any
) -> None:
    if who.kind == "root":
        identity, boundary, session = [], None, []
    expected = model.is_allowed(who, action, resource, owner, context, identity, boundary, session, resource_policy)
    policies = PolicySet(
        tuple(compile_policy("identity", document(found)) for found in identity),
        None if boundary is None else compile_policy("boundary", document(boundary)),
        tuple(compile_policy("session", document(found)) for found in session),
    )
    asked = Asked(who, action.lower(), resource, owner)
    decision = decide(asked, policies, compile_policy("resource", document(resource_policy)), RequestContext(context))
    assert decision.allowed is expected
    assert decision.statement is not None or decision.layer in ("root", "identity", "resource", "boundary", "session")
    if decision.statement is not None:
        assert decision.statement.allows is expected


def asks(
    who: Principal,
    *,
    identity: Any = (),
    resource_policy: Any = None,
    action: str = "s3:GetObject",
    resource: str = KEY_ARN,
    owner: str = ACCOUNT,
    context: Any = None,
    policy_decides: bool = False,
    version: str = "2012-10-17",
) -> Decision:
    policies = PolicySet(tuple(compile_policy("p", {"Version": version, "Statement": [found]}) for found in identity))
    compiled = compile_policy("r", {"Version": version, "Statement": resource_policy}) if resource_policy is not None else None
    return decide(Asked(who, action.lower(), resource, owner, policy_decides), policies, compiled, RequestContext(context or {}))


def allow(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*"} | parts


def deny(**parts: Any) -> dict[str, Any]:
    return allow(**parts) | {"Effect": "Deny"}


def test_without_policies_nothing_is_allowed() -> None:
    decision = asks(ALICE)
    assert (decision.allowed, decision.layer, decision.explicit) == (False, "identity", False)


def test_a_denial_names_the_statement_that_denied() -> None:
    decision = asks(ALICE, identity=[allow(), deny(Sid="NoCats", Resource="arn:aws:s3:::*/cat.png")])
    assert (decision.allowed, decision.explicit, decision.statement and decision.statement.label) == (False, True, "NoCats")


def test_the_root_of_the_owning_account_is_denied_only_explicitly() -> None:
    assert asks(root(ACCOUNT)).allowed
    assert not asks(root(ACCOUNT), resource_policy=[deny(Principal="*")]).allowed
    assert asks(root(ACCOUNT), resource_policy=[deny(Principal="*")], action="s3:DeleteBucketPolicy").allowed
    assert not asks(root(OTHER)).allowed


def test_anonymous_callers_live_by_the_resources_policy() -> None:
    assert not asks(ANONYMOUS, identity=[allow()]).allowed
    assert asks(ANONYMOUS, resource_policy=[allow(Principal="*")]).allowed
    assert asks(ANONYMOUS, resource_policy=[allow(Principal={"AWS": "*"})]).allowed
    assert not asks(ANONYMOUS, resource_policy=[allow(Principal={"AWS": ACCOUNT})]).allowed


def test_a_service_needs_the_resources_policy_and_its_conditions() -> None:
    bucket = aws_service("s3.amazonaws.com", ACCOUNT, "arn:aws:s3:::pictures")
    statement = allow(Principal={"Service": "s3.amazonaws.com"}, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::pic*"}})
    assert not asks(bucket).allowed
    assert asks(bucket, resource_policy=[statement], context={"aws:SourceArn": "arn:aws:s3:::pictures"}).allowed
    assert not asks(bucket, resource_policy=[statement], context={"aws:SourceArn": "arn:aws:s3:::other"}).allowed
    assert not asks(aws_service("sns.amazonaws.com", ACCOUNT), resource_policy=[statement | {"Condition": {}}]).allowed


def test_the_platforms_own_work_is_always_allowed() -> None:
    assert asks(platform(ACCOUNT), resource_policy=[deny(Principal="*")]).allowed


def test_where_the_resources_policy_decides_identity_policies_alone_are_not_enough() -> None:
    assert not asks(ALICE, identity=[allow()], policy_decides=True).allowed
    to_account = allow(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    assert asks(ALICE, identity=[allow()], resource_policy=[to_account], policy_decides=True).allowed
    assert not asks(ALICE, resource_policy=[to_account], policy_decides=True).allowed
    assert asks(ALICE, resource_policy=[allow(Principal={"AWS": ALICE.arn})], policy_decides=True).allowed
    assert not asks(root(ACCOUNT), resource_policy=[], policy_decides=True).allowed


def test_not_principal_denies_everybody_else() -> None:
    policy = [allow(Principal="*"), deny(NotPrincipal={"AWS": [ALICE.arn, f"arn:aws:iam::{ACCOUNT}:root"]})]
    assert asks(ALICE, resource_policy=policy).allowed
    assert not asks(WORKER, resource_policy=policy).allowed
    assert asks(root(ACCOUNT), resource_policy=policy).allowed
    assert not asks(ANONYMOUS, resource_policy=policy).allowed


def test_not_action_and_not_resource_are_what_is_left() -> None:
    assert asks(ALICE, identity=[{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]).allowed
    assert not asks(ALICE, identity=[{"Effect": "Allow", "NotAction": ["iam:*", "s3:Get*"], "Resource": "*"}]).allowed
    assert not asks(ALICE, identity=[{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::pictures/*"}]).allowed
    assert asks(ALICE, identity=[{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::other/*"}]).allowed


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("arn:aws:s3:::pictures/${aws:username}/*", "arn:aws:s3:::pictures/alice/x", True),
        ("arn:aws:s3:::pictures/${aws:username}/*", "arn:aws:s3:::pictures/bob/x", False),
        ("arn:aws:s3:::pictures/${aws:missing}/*", "arn:aws:s3:::pictures//x", False),
        ("arn:aws:s3:::pictures/${aws:missing, 'all'}/*", "arn:aws:s3:::pictures/all/x", True),
        ("arn:aws:s3:::pictures/${*}", "arn:aws:s3:::pictures/*", True),
        ("arn:aws:s3:::pictures/${*}", "arn:aws:s3:::pictures/cat", False),
        ("arn:aws:s3:::pictures/${?}${$}", "arn:aws:s3:::pictures/?$", True),
        ("arn:aws:s3:::pictures/${aws:star}", "arn:aws:s3:::pictures/anything", False),
        ("arn:aws:s3:::pictures/${aws:star}", "arn:aws:s3:::pictures/*", True),
    ],
)
def test_policy_variables_stand_for_literal_values(pattern: str, resource: str, expected: bool) -> None:
    context = {"aws:username": "alice", "aws:star": "*"}
    assert asks(ALICE, identity=[allow(Resource=pattern)], resource=resource, context=context).allowed is expected


def test_the_old_version_knows_no_variables() -> None:
    found = allow(Resource="arn:aws:s3:::${aws:username}")
    assert not asks(ALICE, identity=[found], resource="arn:aws:s3:::alice", context={"aws:username": "alice"}, version="2008-10-17").allowed
    assert asks(ALICE, identity=[found], resource="arn:aws:s3:::${aws:username}", version="2008-10-17").allowed


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("arn:aws:sqs:*:123:q", "arn:aws:sqs:eu-west-1:123:q", True),
        ("arn:aws:sqs:*:q", "arn:aws:sqs:eu-west-1:123:q", False),
        ("arn:aws:sqs:us-*:1*:q", "arn:aws:sqs:us-east-1:123:q", True),
        ("arn:aws:logs:us-east-1:123:log-group:/a:*", "arn:aws:logs:us-east-1:123:log-group:/a:log-stream:x", True),
        ("arn:aws:sqs:us-east-1:12?:q", "arn:aws:sqs:us-east-1:123:q", True),
        ("arn:aws:sqs:us-east-1:123:Q", "arn:aws:sqs:us-east-1:123:q", False),
        ("arn:aws:sqs:us-east-1:123:*", "*", False),
    ],
)
def test_wildcards_stay_within_the_segments_of_an_arn(pattern: str, resource: str, expected: bool) -> None:
    assert asks(ALICE, identity=[allow(Resource=pattern)], resource=resource).allowed is expected


HOLDS: list[tuple[str, Any, Any, bool]] = [
    ("StringEquals", "a", "a", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", ["a", "b"], "b", True),
    ("StringEquals", "a", None, False),
    ("StringNotEquals", ["a", "b"], "b", False),
    ("StringNotEquals", ["a", "b"], "c", True),
    ("StringNotEquals", "a", None, True),
    ("StringEqualsIfExists", "a", None, True),
    ("StringEqualsIfExists", "a", "b", False),
    ("StringEqualsIgnoreCase", "a", "A", True),
    ("StringNotEqualsIgnoreCase", "a", "A", False),
    ("StringLike", "a*", "abc", True),
    ("StringLike", "a?", "abc", False),
    ("StringLike", "*", "", True),
    ("StringNotLike", "a*", "abc", False),
    ("StringEquals", "a*", "abc", False),
    ("stringequals", "a", "a", True),
    ("NumericEquals", "10", "10.0", True),
    ("NumericNotEquals", 10, 11, True),
    ("NumericLessThan", "10", 9, True),
    ("NumericLessThan", "10", 10, False),
    ("NumericLessThanEquals", 10, 10, True),
    ("NumericGreaterThan", 10, "ten", False),
    ("NumericGreaterThanEquals", "10", "10", True),
    ("DateGreaterThan", "2024-05-01T00:00:00Z", "2024-05-01T12:00:00Z", True),
    ("DateLessThan", "2024-05-01T00:00:00+02:00", "2024-04-30T21:59:59Z", True),
    ("DateEquals", "1714564800", "2024-05-01T12:00:00Z", True),
    ("DateNotEquals", "2024-05-01", "2024-05-01T00:00:00Z", False),
    ("DateLessThanEquals", "2024", "2023-12-31T23:59:59Z", True),
    ("DateGreaterThanEquals", "nonsense", "2024-05-01T12:00:00Z", False),
    ("Bool", "true", True, True),
    ("Bool", "false", True, False),
    ("Bool", "true", None, False),
    ("BoolIfExists", "true", None, True),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
    ("BinaryEquals", "QmluYXJ5", "b3RoZXI=", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.9", True),
    ("IpAddress", ["10.0.0.0/8", "203.0.113.9"], "203.0.113.9", True),
    ("IpAddress", "203.0.113.0/24", "198.51.100.1", False),
    ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
    ("IpAddress", "2001:db8::/32", "10.0.0.1", False),
    ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", True),
    ("NotIpAddress", "203.0.113.0/24", None, True),
    ("ArnEquals", "arn:aws:sns:*:123:t", "arn:aws:sns:us-east-1:123:t", True),
    ("ArnLike", "arn:aws:sns:*:123:t*", "arn:aws:sns:us-east-1:123:topic", True),
    ("ArnLike", "arn:aws:sns:*:t", "arn:aws:sns:us-east-1:123:t", False),
    ("ArnNotLike", "arn:aws:sns:*:123:t", "arn:aws:sns:us-east-1:123:t", False),
    ("ArnNotEquals", "arn:aws:sns:*:123:t", "arn:aws:sns:us-east-1:9:t", True),
    ("Null", "true", None, True),
    ("Null", "true", "x", False),
    ("Null", "false", "x", True),
    ("Null", True, [], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a"], None, True),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True),
    ("ForAnyValue:StringEquals", ["a"], ["c", "a"], True),
    ("ForAnyValue:StringEquals", ["a"], ["c"], False),
    ("ForAnyValue:StringEquals", ["a"], None, False),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
    ("ForAnyValue:StringLike", ["a*"], ["xyz", "abc"], True),
    ("ForAllValues:StringLikeIfExists", ["a*"], ["abc"], True),
    ("StringEquals", "${aws:me}", "alice", True),
    ("StringLike", "${aws:me}*", "alice-1", True),
    ("StringEquals", "${aws:nobody}", "alice", False),
]


@pytest.mark.parametrize(("operator", "wanted", "found", "expected"), HOLDS)
def test_each_condition_operator_holds_as_documented(operator: str, wanted: Any, found: Any, expected: bool) -> None:
    context = {"AWS:Me": "alice"} | ({} if found is None else {"app:Key": found})
    decision = asks(ALICE, identity=[allow(Condition={operator: {"APP:key": wanted}})], context=context)
    assert decision.allowed is expected


def test_all_operators_and_keys_of_a_condition_must_hold() -> None:
    condition = {"StringEquals": {"app:a": "1", "app:b": "2"}, "Bool": {"app:c": "true"}}
    context = {"app:a": "1", "app:b": "2", "app:c": "true"}
    assert asks(ALICE, identity=[allow(Condition=condition)], context=context).allowed
    for key in context:
        assert not asks(ALICE, identity=[allow(Condition=condition)], context=context | {key: "x"}).allowed


def test_an_operator_that_does_not_exist_never_opens_anything() -> None:
    assert not asks(ALICE, identity=[allow(Condition={"StringIsh": {"a:b": "c"}})]).allowed
    assert not asks(ALICE, identity=[allow(), deny(Condition={"StringIsh": {"a:b": "c"}})]).allowed
