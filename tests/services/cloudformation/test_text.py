"""Template text to documents."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.text import parse


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref A", {"Ref": "A"}),
        ("!Condition A", {"Condition": "A"}),
        ("!GetAtt A.B", {"Fn::GetAtt": ["A", "B"]}),
        ("!GetAtt A.B.C", {"Fn::GetAtt": ["A", "B.C"]}),
        ("!GetAtt [A, B]", {"Fn::GetAtt": ["A", "B"]}),
        ("!Sub 'x-${A}'", {"Fn::Sub": "x-${A}"}),
        ("!Sub ['${x}', {x: 1}]", {"Fn::Sub": ["${x}", {"x": 1}]}),
        ("!Join ['-', [!Ref A, b]]", {"Fn::Join": ["-", [{"Ref": "A"}, "b"]]}),
        ("!Select [1, !Split [',', 'a,b']]", {"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}),
        ("!If [C, a, !Ref 'AWS::NoValue']", {"Fn::If": ["C", "a", {"Ref": "AWS::NoValue"}]}),
        ("!GetAZs ''", {"Fn::GetAZs": ""}),
        ("!Base64 12", {"Fn::Base64": "12"}),
        ("!FindInMap [M, a, b]", {"Fn::FindInMap": ["M", "a", "b"]}),
        ("!ImportValue x", {"Fn::ImportValue": "x"}),
        ("!Transform {Name: AWS::Include}", {"Fn::Transform": {"Name": "AWS::Include"}}),
    ],
)
def test_a_short_tag_says_the_same_as_the_long_form(short, long):
    assert parse(f"X: {short}") == {"X": long}


def test_dates_stay_text_and_numbers_become_numbers():
    assert parse("a: 2012-10-17\nb: 12\nc: 1.5\nd: yes\ne: ~\nf: '12'") == {"a": "2012-10-17", "b": 12, "c": 1.5, "d": True, "e": None, "f": "12"}


def test_aliases_and_merges_stand_for_what_they_name():
    assert parse("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\nc: *x") == {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}, "c": {"k": 1, "l": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"this is no template"}', "Template format error: JSON not well-formed. (line 1, column 24)"),
        ('{"a": 1,\n "b" 2}', "Template format error: JSON not well-formed. (line 2, column 7)"),
        ("a: [", "Template format error: YAML not well-formed. (line 2, column 1)"),
        ("a: !Nonsense x", "Template format error: YAML not well-formed. (line 1, column 4)"),
        ("a: *nobody", "Template format error: YAML not well-formed. (line 1, column 4)"),
        ("a: 1\n---\nb: 2", "Template format error: YAML not well-formed. (line 2, column 1)"),
        ("- a", "Template format error: unsupported structure."),
        ("just words", "Template format error: unsupported structure."),
        ("", "Template format error: unsupported structure."),
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_place(text, message):
    with pytest.raises(TemplateError) as refused:
        parse(text)
    assert refused.value.message == message


@pytest.mark.parametrize("text", ["a: " + "[" * 50_000, '{"a":' * 20_000, "a: " + "[" * 200 + "]" * 200])
def test_deep_nesting_is_refused_before_anything_recursive_sees_it(text):
    with pytest.raises(TemplateError, match="levels deep"):
        parse(text)


def test_aliases_of_aliases_cost_what_they_stand_for():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(TemplateError, match="too many elements"):
        parse("\n".join(lines))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcXYZ", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcXYZ", min_size=1, max_size=4), plain, min_size=1, max_size=4))
def test_json_and_yaml_say_the_same(document):
    assert parse(json.dumps(document)) == document
    assert parse(yaml.safe_dump(document)) == document
