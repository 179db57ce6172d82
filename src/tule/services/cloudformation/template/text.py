"""Template text, JSON or YAML, to a plain document.

AWS: Template formats, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tule.services.cloudformation.errors import TemplateError

MAX_DEPTH = 100
Document = dict[str, Any]


def parse(text: str) -> Document:
    """The document that `text` says.  Raises TemplateError with the place of what is not well-formed."""
    document = _parse_json(text) if is_json(text) else _yaml(text)
    if not isinstance(document, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return document


def is_json(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def _yaml(text: str) -> Any:
    from tule.services.cloudformation.template import yaml_text  # PyYAML is slow to load, and many templates are JSON

    return yaml_text.parse(text)


def _parse_json(text: str) -> Any:
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise TemplateError(f"Template format error: JSON not well-formed. (line {error.lineno}, column {error.colno + 1})") from error
    except RecursionError as error:
        raise too_deep() from error
    _check_depth(document)
    return document


def too_deep() -> TemplateError:
    return TemplateError(f"Template format error: the template is nested more than {MAX_DEPTH} levels deep.")


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [child for node in level if isinstance(node, dict | list) for child in _children(node)]
        if not level:
            return
    raise too_deep()


def _children(node: dict[str, Any] | list[Any]) -> Iterator[Any]:
    return iter(node.values() if isinstance(node, dict) else node)
