"""Structure, references, parameters, conditions and rules of templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template import conditions, parameters, references, structure
from tule.services.cloudformation.template.evaluate import Scope
from tule.services.cloudformation.template.parameters import Given
from tule.services.cloudformation.template.text import parse

TOPIC = "{Type: AWS::SNS::Topic}"


def refusal(function, *arguments):
    with pytest.raises(TemplateError) as refused:
        function(*arguments)
    return refused.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Parameters: {A: {Type: String}}", "Template format error: At least one Resources member must be defined."),
        ("Resources: {}", "Template format error: At least one Resources member must be defined."),
        ("Resources: {A: {Properties: {}}}", "Template format error: [/Resources/A] Every Resources object must contain a Type member."),
        ("Resources: {A: {Type: T, Invalid: 1}}", "Invalid template resource property 'Invalid'"),
        (f"Resources: {{a-b: {TOPIC}}}", "Template format error: Resource name a-b is non alphanumeric."),
        (f"Parameters: {{a-b: {{Type: String}}}}\nResources: {{A: {TOPIC}}}", "Template format error: Parameter name a-b is non alphanumeric."),
        (f"Resources: {{A: {TOPIC}}}\nSurprise: 1", "Invalid template property or properties [Surprise]"),
        (
            f"Resources: {{A: {TOPIC}}}\nMappings: {{M: {{a: {{b: {{Ref: X}}}}}}}}",
            "Template format error: Every Mappings attribute must be a String or a List.",
        ),
        (f"Resources: {{A: {TOPIC}}}\nOutputs: {{O: {{}}}}", "Template format error: Every Outputs member must contain a Value object"),
        (
            f"Parameters: {{P: {{}}}}\nResources: {{A: {TOPIC}}}",
            "Template format error: Every Parameters object must contain a Type member.",
        ),
        ("Resources: {A: {Type: T, DeletionPolicy: Forget}}", "Template format error: Unrecognized DeletionPolicy Forget for resource."),
        (
            f"AWSTemplateFormatVersion: 2011-01-01\nResources: {{A: {TOPIC}}}",
            "Template format error: unsupported value for AWSTemplateFormatVersion.",
        ),
    ],
)
def test_a_malformed_template_is_refused(text, message):
    assert refusal(structure.check, parse(text)) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Resources: {A: {Type: T, Properties: {X: !Ref Nobody, Y: !Sub '${Nothing}'}}}",
            "Template format error: Unresolved resource dependencies [Nobody, Nothing] in the Resources block of the template",
        ),
        (
            "Resources: {A: {Type: T, DependsOn: Nobody}}",
            "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template",
        ),
        (
            "Resources: {A: {Type: T}}\nOutputs: {O: {Value: !Ref Nobody}}",
            "Template format error: Unresolved resource dependencies [Nobody] in the Outputs block of the template",
        ),
        (
            "Resources: {A: {Type: T, Properties: {X: !GetAtt Nobody.Arn}}}",
            "Template error: instance of Fn::GetAtt references undefined resource Nobody",
        ),
        (
            "Resources: {A: {Type: T, Properties: {X: !Sub '${Nobody.Arn}'}}}",
            "Template error: instance of Fn::Sub references invalid resource attribute Nobody.Arn",
        ),
        (
            "Resources: {A: {Type: T, Properties: {X: !If [Maybe, 1, 2]}}}",
            "Template error: unresolved condition dependency Maybe in Fn::If",
        ),
        (
            "Conditions: {C: !Equals [!Ref A, x]}\nResources: {A: {Type: T}}",
            "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template",
        ),
        (
            "Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, Properties: {X: !Ref A}}, C: {Type: T, DependsOn: A}, D: {Type: T}}",
            "Circular dependency between resources: [A, B]",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(text, message):
    assert refusal(references.check, parse(text)) == message


@given(st.permutations("ABCDE"), st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_an_order_puts_everybody_after_what_it_needs(names, pairs):
    needs = {name: [names[j] for i, j in pairs if names[i] == name and j < i] for name in names}
    resources = {name: {"Type": "T", "DependsOn": needs[name]} for name in sorted(names)}
    ordered = references.order(resources)
    assert sorted(ordered) == sorted(names)
    assert all(ordered.index(need) < ordered.index(name) for name in names for need in needs[name])


def declared(**bodies):
    return parameters.declarations(bodies)


def test_values_come_from_the_caller_the_stack_before_or_the_default():
    asked = declared(A={"Type": "String"}, B={"Type": "String", "Default": "b"}, C={"Type": "Number"}, D={"Type": "Number", "Default": 4})
    said = {"A": Given("a"), "C": Given(None, use_previous=True)}
    assert parameters.values(asked, said, {"C": "3"}) == {"A": "a", "B": "b", "C": "3", "D": "4"}


@pytest.mark.parametrize(
    ("body", "said", "message"),
    [
        ({"Type": "String"}, {}, "Parameters: [P] must have values"),
        ({"Type": "String"}, {"P": Given("x"), "Q": Given("y")}, "Parameters: [Q] do not exist in the template"),
        ({"Type": "Number"}, {"P": Given("x")}, "Parameter 'P' must be a number."),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, {"P": Given("c")}, "Parameter 'P' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, {"P": Given("A")}, "Parameter 'P' must match pattern [a-z]+"),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"},
            {"P": Given("A")},
            "Parameter 'P' failed to satisfy constraint: small letters",
        ),
        ({"Type": "String", "MinLength": 3}, {"P": Given("ab")}, "Parameter 'P' must contain at least 3 characters"),
        ({"Type": "String", "MaxLength": "3"}, {"P": Given("abcd")}, "Parameter 'P' must contain at most 3 characters"),
        ({"Type": "Number", "MinValue": 3}, {"P": Given("2")}, "Parameter 'P' must be a number not less than 3"),
        ({"Type": "Number", "MaxValue": 3}, {"P": Given("4")}, "Parameter 'P' must be a number not greater than 3"),
        ({"Type": "List<Number>"}, {"P": Given("1,x")}, "Parameter 'P' must be a number."),
        (
            {"Type": "String"},
            {"P": Given(None, use_previous=True)},
            "Invalid input for parameter key P. Cannot specify usePreviousValue as true for a parameter key not in the previous template",
        ),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(body, said, message):
    assert refusal(parameters.values, declared(P=body), said, None) == message


def test_an_unknown_parameter_type_is_refused():
    assert refusal(parameters.declarations, {"P": {"Type": "Colour"}}) == "Template format error: Unrecognized parameter type: Colour"


def test_lists_are_split_and_secrets_are_masked():
    asked = declared(L={"Type": "CommaDelimitedList"}, S={"Type": "String", "NoEcho": "true"}, N={"Type": "List<Number>"})
    assert parameters.referred(asked["L"], "a, b,c") == ["a", "b", "c"]
    assert parameters.referred(asked["N"], "1,2") == ["1", "2"]
    assert parameters.described(asked, {"L": "a", "S": "secret"}) == [
        {"ParameterKey": "L", "ParameterValue": "a"},
        {"ParameterKey": "S", "ParameterValue": "****"},
    ]


def test_conditions_may_need_one_another():
    definitions = {
        "Both": {"Fn::And": [{"Condition": "Prod"}, {"Condition": "Big"}]},
        "Prod": {"Fn::Equals": [{"Ref": "Env"}, "prod"]},
        "Big": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Size"}, 1]}]},
        "Either": {"Fn::Or": [{"Condition": "Both"}, {"Fn::Equals": [{"Fn::If": ["Prod", "x", "y"]}, "y"]}]},
    }
    scope = Scope(parameters={"Env": "prod", "Size": "1"})
    assert conditions.decide(definitions, scope) == {"Both": False, "Prod": True, "Big": False, "Either": False}


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"Fn::Equals": ["a"]}, "Template error: every Fn::Equals object requires a list of 2 string parameters."),
        ({"Fn::Not": [1, 2]}, "Template error: every Fn::Not object requires one boolean parameter."),
        ({"Fn::And": [{"Condition": "C"}]}, "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters."),
        ({"Fn::Equals": [{"Fn::ImportValue": "x"}, "y"]}, "Template error: Cannot use Fn::ImportValue in Conditions."),
    ],
)
def test_a_malformed_condition_is_refused(definition, message):
    assert refusal(conditions.decide, {"C": definition}, Scope()) == message


def test_conditions_that_need_each_other_are_refused():
    definitions = {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Not": [{"Condition": "A"}]}}
    assert refusal(conditions.decide, definitions, Scope()) == "Template error: Found circular condition dependency between conditions: [A, B]"


def test_rules_assert_what_parameters_must_be():
    rules = {
        "Region": {
            "RuleCondition": {"Fn::Equals": [{"Ref": "Env"}, "prod"]},
            "Assertions": [{"Assert": {"Fn::Contains": [["a", "b"], {"Ref": "Size"}]}, "AssertDescription": "prod is a or b"}],
        }
    }
    conditions.assert_rules(rules, Scope(parameters={"Env": "dev", "Size": "c"}))
    conditions.assert_rules(rules, Scope(parameters={"Env": "prod", "Size": "b"}))
    assert "prod is a or b" in refusal(conditions.assert_rules, rules, Scope(parameters={"Env": "prod", "Size": "c"}))
