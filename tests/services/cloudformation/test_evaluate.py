"""Intrinsic functions."""

from __future__ import annotations

import base64
import ipaddress
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.evaluate import KNOWN_AFTER_APPLY, NO_VALUE, UNKNOWN, Scope, resolve, shown
from tule.services.cloudformation.template.template import Place


class Known:
    """Resource `Here` exists, `Later` does not yet."""

    def __contains__(self, logical_id):
        return logical_id in ("Here", "Later")

    def ref(self, logical_id):
        return "here-id" if logical_id == "Here" else UNKNOWN

    def attribute(self, logical_id, name):
        return f"here-{name}" if logical_id == "Here" else UNKNOWN


SCOPE = Scope(
    parameters={"Env": "dev", "List": ["a", "b", "c"], "Number": "3"},
    pseudo=Place("111122223333", "eu-west-1", "arn:stack", "shop", ("arn:topic",)).pseudo(),
    mappings={"Sizes": {"dev": {"Small": 1, "Names": ["x", "y"]}}},
    conditions={"Yes": True, "No": False},
    exports={"shared": "value"},
    resources=Known(),
)


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Env"}, "dev"),
        ({"Ref": "List"}, ["a", "b", "c"]),
        ({"Ref": "Here"}, "here-id"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::NotificationARNs"}, ["arn:topic"]),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Fn::GetAtt": ["Here", "Arn"]}, "here-Arn"),
        ({"Fn::GetAtt": "Here.A.B"}, "here-A.B"),
        ({"Fn::GetAtt": ["Here", {"Ref": "Env"}]}, "here-dev"),
        ({"Fn::Sub": "${Env}-${Here}-${Here.Arn}-${AWS::AccountId}"}, "dev-here-id-here-Arn-111122223333"),
        ({"Fn::Sub": "${!Literal} ${List}"}, "${Literal} a,b,c"),
        ({"Fn::Sub": ["${x}/${Env}", {"x": {"Ref": "Number"}}]}, "3/dev"),
        ({"Fn::Sub": ["${Env}", {"Env": "mine"}]}, "mine"),
        ({"Fn::Join": ["-", ["a", 1, True, {"Ref": "Env"}]]}, "a-1-true-dev"),
        ({"Fn::Join": [",", {"Ref": "List"}]}, "a,b,c"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::NoValue"}, "b"]]}, "a-b"),
        ({"Fn::Split": ["|", "a||b"]}, ["a", "", "b"]),
        ({"Fn::Select": ["1", {"Ref": "List"}]}, "b"),
        ({"Fn::Select": [0, {"Fn::Split": [",", "x,y"]}]}, "x"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Env"}, "Small"]}, 1),
        ({"Fn::FindInMap": ["Sizes", "dev", "Names"]}, ["x", "y"]),
        ({"Fn::FindInMap": ["Sizes", "prod", "Small", {"DefaultValue": "none"}]}, "none"),
        ({"Fn::FindInMap": ["Nowhere", "a", "b", {"DefaultValue": {"Ref": "Env"}}]}, "dev"),
        ({"Fn::Base64": {"Ref": "Env"}}, base64.b64encode(b"dev").decode()),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Cidr": ["10.0.0.0/24", "3", "5"]}, ["10.0.0.0/27", "10.0.0.32/27", "10.0.0.64/27"]),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::GetAZs": "us-east-2"}, ["us-east-2a", "us-east-2b", "us-east-2c"]),
        ({"Fn::ImportValue": "shared"}, "value"),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"Fn::If": ["No", "a", {"Ref": "Env"}]}, "dev"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2]}, {"b": [2]}),
        ({"Fn::Length": {"Ref": "List"}}, 3),
        ({"Fn::ToJsonString": {"a": {"Ref": "Number"}, "b": [1]}}, '{"a":"3","b":[1]}'),
        ({"Ref": "Env", "Other": 1}, {"Ref": "Env", "Other": 1}),
    ],
)
def test_a_function_gives(node, value):
    assert resolve(node, SCOPE) == value


@pytest.mark.parametrize(
    "node",
    [
        {"Ref": "Later"},
        {"Fn::GetAtt": ["Later", "Arn"]},
        {"Fn::Sub": "x-${Later}"},
        {"Fn::Sub": ["${x}", {"x": {"Ref": "Later"}}]},
        {"Fn::Join": ["-", ["a", {"Ref": "Later"}]]},
        {"Fn::Split": [",", {"Ref": "Later"}]},
        {"Fn::Select": [0, {"Fn::Split": [",", {"Ref": "Later"}]}]},
        {"Fn::Base64": {"Fn::GetAtt": ["Later", "Arn"]}},
        {"Fn::ToJsonString": {"a": {"Ref": "Later"}}},
    ],
)
def test_what_holds_something_unknown_is_unknown(node):
    assert resolve(node, SCOPE) is UNKNOWN
    assert shown({"p": [resolve(node, SCOPE)]}) == {"p": [KNOWN_AFTER_APPLY]}


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"Fn::Select": [7, {"Ref": "List"}]}, "Template error: Fn::Select  cannot select nonexistent value at index 7"),
        ({"Fn::Select": [7, ["a"]]}, "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"),
        ({"Fn::Select": ["x", ["a"]]}, "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"),
        ({"Fn::Select": [0, "a"]}, "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"),
        ({"Fn::FindInMap": ["Sizes", "prod", "Small"]}, "Template error: Unable to get mapping for Sizes::prod::Small"),
        ({"Fn::FindInMap": ["No", "a", "b"]}, "Template error: Mapping named 'No' is not present in the 'Mappings' section of template."),
        ({"Fn::If": ["Maybe", 1, 2]}, "Template error: unresolved condition dependency Maybe in Fn::If"),
        ({"Fn::If": ["Yes", 1]}, "Template error: Fn::If requires a list argument with three elements"),
        ({"Fn::ImportValue": "gone"}, "No export named gone found"),
        ({"Ref": ["a"]}, "Template error: every Ref object must have a single String value."),
        ({"Fn::Base64": ["a"]}, "Template error: every Fn::Base64 object must have a String-typed value."),
        (
            {"Fn::Sub": "${a-b}"},
            "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
        ),
        (
            {"Fn::Join": ["-", "text"]},
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a"
            " function that returns a list of strings (such as Fn::GetAZs) to be joined.",
        ),
        (
            {"Fn::Split": ["-"]},
            "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that"
            " returns a string to be split.",
        ),
    ],
)
def test_a_function_refuses(node, message):
    with pytest.raises(TemplateError) as refused:
        resolve(node, SCOPE)
    assert refused.value.message == message


scalars = st.text(max_size=10) | st.integers() | st.booleans()


@given(st.text(min_size=1, max_size=2), st.lists(st.text(max_size=6), min_size=1, max_size=5))
def test_split_undoes_join(delimiter, items):
    if any(delimiter in item for item in items) or delimiter in delimiter.join(items).replace(delimiter, "", len(items) - 1):
        return
    assert resolve({"Fn::Split": [delimiter, {"Fn::Join": [delimiter, items]}]}, SCOPE) == items


@given(st.text(max_size=30))
def test_base64_can_be_read_back(text):
    assert base64.b64decode(resolve({"Fn::Base64": text}, SCOPE)).decode() == text


@given(st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=2, max_size=3), inner, max_size=3)))
def test_what_calls_no_function_stays_as_it_is(node):
    assert resolve(node, SCOPE) == node


@given(st.dictionaries(st.text(max_size=4), scalars, max_size=4))
def test_a_json_string_says_what_it_was_made_of(value):
    if len(value) == 1 and ("Ref" in value or next(iter(value)).startswith("Fn::")):
        return
    assert json.loads(resolve({"Fn::ToJsonString": value}, SCOPE)) == value


@given(st.integers(16, 22), st.integers(1, 16), st.integers(2, 6))
def test_cidr_blocks_lie_side_by_side_within_their_network(prefix, count, bits):
    network = ipaddress.ip_network(f"10.0.0.0/{prefix}")
    blocks = [ipaddress.ip_network(block) for block in resolve({"Fn::Cidr": [str(network), count, bits]}, SCOPE)]
    assert len(blocks) == count
    assert all(block.subnet_of(network) and block.num_addresses == 2**bits for block in blocks)
    assert not any(a.overlaps(b) for i, a in enumerate(blocks) for b in blocks[i + 1 :])


def test_no_value_at_the_top_is_told_apart_from_null():
    assert resolve({"Ref": "AWS::NoValue"}, SCOPE) is NO_VALUE
