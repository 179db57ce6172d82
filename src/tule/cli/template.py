"""Reading and writing templates on the client's side: YAML with CloudFormation's short tags, to plain long form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml

NAMES = ("template.yaml", "template.yml", "template.json", "sam.yaml", "cloudformation.yaml")


class _Loader(yaml.SafeLoader):
    pass


def _short_tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _short_tag)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)  # 2012-10-17 in a policy is text


def find(place: Path) -> Path:
    """The template in a directory, or the file itself."""
    if place.is_file():
        return place
    for name in NAMES:
        if (place / name).is_file():
            return place / name
    raise click.ClickException(f"There is no template in {place}: looked for {', '.join(NAMES)}.")


def load(path: Path) -> dict[str, Any]:
    text = path.read_text()
    try:
        template = json.loads(text) if path.suffix == ".json" else yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise click.ClickException(f"{path} is not a template: it has no Resources.")
    return template
