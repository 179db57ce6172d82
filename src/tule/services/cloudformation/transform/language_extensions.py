"""AWS::LanguageExtensions: loops, lengths, JSON strings, and functions where plain CloudFormation wants constants.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html

What only parameters decide is decided here, as AWS's processed templates show; what needs resources stays for the engine.
"""

from __future__ import annotations

import re
from typing import Any

from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.evaluate import NO_VALUE, Scope, is_known, resolve, text
from tule.services.cloudformation.template.text import Document

NAME = "AWS::LanguageExtensions"
LOOP = "Fn::ForEach::"
MAX_LOOPS = 5
IDENTIFIER = re.compile(r"[A-Za-z0-9]+")
FORM = "Fn::ForEach layout is incorrect"


def transform(document: Document, scope: Scope) -> Document:
    """The document without loops.  Raises TemplateError."""
    expanded = _expanded(document, scope, 0)
    assert isinstance(expanded, dict)
    return {section: _section(section, body, scope) for section, body in expanded.items()}


def _section(name: str, body: Any, scope: Scope) -> Any:
    return _settled(body, scope) if name in ("Resources", "Outputs", "Conditions") else body


def _expanded(node: Any, scope: Scope, depth: int) -> Any:
    """`node` with every loop in it run."""
    if isinstance(node, list):
        return [_expanded(item, scope, depth) for item in node]
    if not isinstance(node, dict):
        return node
    found: dict[str, Any] = {}
    for key, value in node.items():
        if not key.startswith(LOOP):
            found[key] = _expanded(value, scope, depth)
            continue
        for name, inner in _run(key, value, scope, depth + 1):
            if name in found:
                raise TemplateError(f"Fn::ForEach: the key {name} is there twice")
            found[name] = inner
    return found


def _run(key: str, loop: Any, scope: Scope, depth: int) -> list[tuple[str, Any]]:
    if depth > MAX_LOOPS:
        raise TemplateError(f"Fn::ForEach may be nested {MAX_LOOPS} times at most")
    if not isinstance(loop, list) or len(loop) != 3 or not isinstance(loop[0], str) or not isinstance(loop[2], dict):
        raise TemplateError(FORM)
    identifier, collection, body = loop
    if not IDENTIFIER.fullmatch(identifier):
        raise TemplateError(FORM)
    found: list[tuple[str, Any]] = []
    for value in _collection(key, collection, scope):
        filled = _filled(body, identifier, value)
        for name, inner in _expanded(filled, scope, depth).items():
            found.append((name, inner))
    return found


def _collection(key: str, collection: Any, scope: Scope) -> list[str]:
    values = resolve(collection, scope)
    if not isinstance(values, list):
        raise TemplateError(f"{key}: the collection of Fn::ForEach must be a list")
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return list(dict.fromkeys(text(value) for value in flat))


def _filled(node: Any, identifier: str, value: str) -> Any:
    """`node` with the loop's variable replaced, in keys too; `&{X}` leaves only letters and digits."""
    if isinstance(node, dict):
        if node == {"Ref": identifier}:
            return value
        return {_filled_text(key, identifier, value): _filled(inner, identifier, value) for key, inner in node.items()}
    if isinstance(node, list):
        return [_filled(item, identifier, value) for item in node]
    return _filled_text(node, identifier, value) if isinstance(node, str) else node


def _filled_text(said: str, identifier: str, value: str) -> str:
    return said.replace(f"${{{identifier}}}", value).replace(f"&{{{identifier}}}", re.sub(r"[^A-Za-z0-9]", "", value))


def _settled(node: Any, scope: Scope) -> Any:
    """`node` with what parameters decide decided: JSON strings, lengths, and functions within Ref and GetAtt."""
    if isinstance(node, list):
        return [_settled(item, scope) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        name, argument = next(iter(node.items()))
        if name in ("Fn::ToJsonString", "Fn::Length"):
            return _decided(node, scope)
        if name == "Ref" and isinstance(argument, dict):
            return {"Ref": resolve(argument, scope)}
        if name == "Fn::GetAtt" and isinstance(argument, list):
            return {"Fn::GetAtt": [resolve(part, scope) for part in argument]}
    return {key: _settled(value, scope) for key, value in node.items()}


def _decided(node: dict[str, Any], scope: Scope) -> Any:
    try:
        value = resolve(node, scope)
    except TemplateError:
        return node  # it speaks of resources
    return value if is_known(value) and value is not NO_VALUE else node
