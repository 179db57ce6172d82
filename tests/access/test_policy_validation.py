"""Documents that IAM refuses, in its words, and those that it takes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.access.policy.document import compile_policy
from tule.access.policy.validate import InvalidPolicy, identity_policy, resource_policy, trust_policy


def text(*statements: Any, **top: Any) -> str:
    return orjson.dumps({"Version": "2012-10-17", "Statement": list(statements)} | top).decode()


def allow(**parts: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"} | parts
    return {name: value for name, value in statement.items() if value is not None}


def trust(**parts: Any) -> dict[str, Any]:
    return allow(**({"Action": "sts:AssumeRole", "Resource": None, "Principal": {"Service": "lambda.amazonaws.com"}} | parts))


REFUSED: list[tuple[str, str]] = [
    ("not json", "Syntax errors in policy."),
    ("[]", "Syntax errors in policy."),
    (text(), "Syntax errors in policy."),
    (text(allow(), Version="2015-01-01"), "Policy document must be version 2012-10-17 or greater."),
    (text(allow(), Extra=1), "Syntax errors in policy."),
    (text(allow(Extra=1)), "Syntax errors in policy."),
    (text(allow(Effect="allow")), "Syntax errors in policy."),
    (text(allow(Effect=None)), "Syntax errors in policy."),
    (text(allow(Action=None)), "Policy statement must contain actions."),
    (text(allow(Resource=None)), "Policy statement must contain resources."),
    (text(allow(NotAction="s3:*")), "Syntax errors in policy."),
    (text(allow(Action="GetObject")), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    (text(allow(Action="s3:Get:Object")), "Actions/Condition can contain only one colon."),
    (text(allow(Action="s 3:GetObject")), "Vendor s 3 is not valid"),
    (text(allow(Resource="bucket")), 'Resource bucket must be in ARN format or "*".'),
    (text(allow(Resource="arn:other:s3:::b")), 'Partition "other" is not valid for resource "arn:other:s3:::b".'),
    (text(allow(Resource="arn:aws:iam:us-east-1:1:role/r")), "IAM resource arn:aws:iam:us-east-1:1:role/r cannot contain region information."),
    (text(allow(Resource="arn:aws:s3:::")), "The policy failed legacy parsing"),
    (text(allow(Sid="a"), allow(Sid="a")), "Statement IDs (SID) in a single policy must be unique."),
    (text(allow(Principal="*")), "Policy document should not specify a principal."),
    (text(allow(Condition={"StringIsh": {"a:b": "c"}})), "Invalid Condition type : StringIsh"),
    (text(allow(Condition={"StringEquals": "x"})), "Syntax errors in policy."),
]


@pytest.mark.parametrize(("document", "message"), REFUSED)
def test_a_malformed_identity_policy_is_refused(document: str, message: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        identity_policy(document)
    assert str(caught.value) == message


REFUSED_TRUST: list[tuple[str, str]] = [
    ("not json", "This policy contains invalid Json"),
    (text(trust(Resource="*")), "Has prohibited field Resource"),
    (text(trust(Principal=None)), "Missing required field Principal"),
    (text(trust(Action=None)), "Missing required field Action"),
    (text(trust(Action="s3:GetObject")), "AssumeRole policy may only specify STS AssumeRole actions."),
    (text(trust(Principal={"Person": "me"})), 'Invalid principal in policy: "Person":"me"'),
    (text(trust(Principal={"AWS": "me"})), 'Invalid principal in policy: "AWS":"me"'),
    (text(trust(Principal={"AWS": "arn:aws:iam::123456789012:user/*"})), 'Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/*"'),
    (text(trust(Principal={"Service": "lambda"})), 'Invalid principal in policy: "Service":"lambda"'),
]


@pytest.mark.parametrize(("document", "message"), REFUSED_TRUST)
def test_a_malformed_trust_policy_is_refused(document: str, message: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        trust_policy(document)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "document",
    [
        text(allow()),
        text(allow(), Id="x", Version="2008-10-17"),
        orjson.dumps({"Statement": allow()}).decode(),
        text(allow(Action=["s3:Get*", "sqs:?endMessage", "*"], Resource=["arn:aws:s3:::b/*", "arn:aws:sqs:*:*:q", "arn:aws:iam::1:role/*"])),
        text(allow(NotAction="iam:*", Action=None)),
        text(allow(NotResource="arn:aws:s3:::b", Resource=None)),
        text(allow(Condition={"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*"]}, "Bool": {"aws:SecureTransport": True}})),
        text(allow(Resource="arn:aws:s3:::${aws:username}")),
    ],
)
def test_a_well_formed_identity_policy_is_taken(document: str) -> None:
    assert compile_policy("p", identity_policy(document)).statements


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": ["123456789012", "arn:aws:iam::123456789012:root", "arn:aws:sts::123456789012:assumed-role/r/s", "AROAABCDEFGHIJKLMNOPQ"]},
        {"Service": ["lambda.amazonaws.com", "states.us-east-1.amazonaws.com"]},
        {"Federated": ["cognito-identity.amazonaws.com", "arn:aws:iam::123456789012:oidc-provider/x"]},
    ],
)
def test_principals_have_many_forms(principal: Any) -> None:
    assert compile_policy("t", trust_policy(text(trust(Principal=principal)))).statements
    assert compile_policy("r", resource_policy(text(allow(Principal=principal)))).statements


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.sampled_from(["*", "s3:*", "arn:aws:s3:::b", "${a:b}", "Allow"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["AWS", "StringEquals", "aws:x", "Null", "x"]), inner, max_size=3),
    max_leaves=6,
)
parts = ["Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition", "Sid", "Other"]


def test_a_resources_policy_may_name_its_statements_in_words() -> None:
    named = text(allow(Sid="Allow SNS to send", Principal={"Service": "sns.amazonaws.com"}))
    assert resource_policy(named)["Statement"]
    with pytest.raises(InvalidPolicy, match="alpha-numeric"):
        identity_policy(text(allow(Sid="Allow SNS to send")))


@given(statement=st.dictionaries(st.sampled_from(parts), json_values), good=st.booleans())
def test_whatever_is_taken_can_be_compiled(statement: dict[str, Any], good: bool) -> None:
    document = text((allow() if good else {}) | statement)
    for check in (identity_policy, trust_policy, resource_policy):
        try:
            taken = check(document)
        except InvalidPolicy:
            continue
        assert compile_policy("p", taken).statements
