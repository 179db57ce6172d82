"""Pure rules: where statements stand in a text, which services a policy touches, codes of MFA devices, sizes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.services.iam import grants, mfa_devices, rules, simulation

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
statements = st.dictionaries(st.text(max_size=6), json_values, max_size=4)


@given(st.one_of(statements, st.lists(statements, max_size=4)), st.sampled_from([None, 2]), st.booleans())
def test_statements_are_found_where_they_stand(found: Any, indent: int | None, first: bool) -> None:
    document = {"Statement": found, "Version": "2012-10-17"} if first else {"Version": "2012-10-17", "Statement": found}
    text = json.dumps(document, indent=indent)
    spans = [json.loads(text[start:end]) for start, end in simulation.statement_spans(text)]
    assert spans == (found if isinstance(found, list) else [found])


@pytest.mark.parametrize(
    ("statement", "namespace", "expected"),
    [
        ({"Effect": "Allow", "Action": "*"}, "s3", True),
        ({"Effect": "Allow", "Action": ["sqs:*", "S3:Get*"]}, "s3", True),
        ({"Effect": "Allow", "Action": "s3-object-lambda:*"}, "s3", False),
        ({"Effect": "Deny", "Action": "*"}, "s3", False),
        ({"Effect": "Allow", "NotAction": ["iam:*"]}, "s3", True),
        ({"Effect": "Allow", "NotAction": ["iam:*"]}, "iam", False),
        ({"Effect": "Allow", "NotAction": ["iam:Get*"]}, "iam", True),
    ],
)
def test_which_services_a_policy_touches(statement: dict[str, Any], namespace: str, expected: bool) -> None:
    assert grants.grants({"Statement": [statement]}, namespace) is expected


def test_codes_are_those_of_rfc_6238() -> None:
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the RFC's "12345678901234567890"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (2000000000, "279037")):
        assert mfa_devices.code(seed, seconds // 30) == code
        assert mfa_devices.matches(seed, code, seconds * 1000)
    assert not mfa_devices.matches(seed, "287082", 59_000 + 300_000)


def test_white_space_does_not_count() -> None:
    assert rules.chars(' {"a": \n\t"b c"} ') == len('{"a":"bc"}')
