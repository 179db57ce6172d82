"""Which permissions an operation needs, where its service does not say so itself.

The tables are data, one file for each service, loaded when first asked for; `scripts/generate_actions.py` makes them and
says what they mean.  Every operation has at least its own action, but for those that AWS asks no permission for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from tule.access.need import Need
from tule.access.resource_names import resources, values_at

_FOLDER = Path(__file__).parent / "data" / "actions"
_PASSED_TO = {"stepfunctions": "states.amazonaws.com", "cloudwatch": "monitoring.amazonaws.com"}
Entry = list[Any]  # [action, resource] or [action, resource, [path, keyword]]


class Actions:
    def __init__(self) -> None:
        self._tables: dict[str, dict[str, list[Entry] | None]] = {}

    def needs(self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str) -> list[Need]:
        """Empty for operations without a permission (`sts:GetCallerIdentity`, those open to anybody)."""
        entries = self._entries(service, operation)
        if not entries:
            return []
        context = tags_in_request(params)
        found: list[tuple[Need, bool]] = []
        for entry in entries:
            if len(entry) == 3 and not _holds(entry[2], params):
                continue
            found += self._needs_of(entry, service, params, account, region, context)
        complete = {need.action for need, is_complete in found if is_complete}
        return [need for need, is_complete in found if is_complete or need.action not in complete]

    def actions_of(self, service: str, operation: str) -> list[str]:
        """The actions that an operation may need, whatever its parameters."""
        return list(dict.fromkeys(entry[0] for entry in self._entries(service, operation) or ()))

    def is_open(self, service: str, operation: str) -> bool:
        """Whether callers without credentials may call it (`cognito-idp:InitiateAuth`)."""
        return self._entries(service, operation) is None

    def _entries(self, service: str, operation: str) -> list[Entry] | None:
        return self._table(service).get(operation, [[f"{service}:{operation}", "*"]])

    def _needs_of(
        self, entry: Entry, service: str, params: Mapping[str, Any], account: str, region: str, context: dict[str, Any]
    ) -> list[tuple[Need, bool]]:
        action, template = entry[0], entry[1]
        if "{" not in template:
            return [(Need(action, template, context), True)]
        arns, complete = resources(template, params, account, region)
        if action == "iam:PassRole":
            if not complete:
                return []
            passed_to = _PASSED_TO.get(service, f"{service}.amazonaws.com")
            return [(Need(action, arn, {"iam:PassedToService": passed_to}), True) for arn in arns if arn.startswith("arn:")]
        return [(Need(action, arn, context), complete) for arn in arns]

    def _table(self, service: str) -> dict[str, list[Entry] | None]:
        table = self._tables.get(service)
        if table is None:
            file = _FOLDER / f"{service}.json"
            table = self._tables[service] = orjson.loads(file.read_bytes()) if file.is_file() else {}
        return table


def _holds(condition: list[str], params: Mapping[str, Any]) -> bool:
    """`[path, ""]`: something is there; `["!path", ""]`: nothing is; `[path, word]`: a text there has the word."""
    path, word = condition
    if path.startswith("!"):
        return not values_at(params, path[1:])
    values = values_at(params, path)
    return any(word in value.upper() for value in values if isinstance(value, str)) if word else bool(values)


def tags_in_request(params: Mapping[str, Any]) -> dict[str, Any]:
    """`aws:RequestTag/<key>` and `aws:TagKeys`, from whatever form the operation's tags have."""
    tags = params.get("Tags") or params.get("tags") or params.get("TagList")
    keys = params.get("TagKeys") or params.get("tagKeys")
    if not tags:
        return {"aws:TagKeys": list(keys)} if isinstance(keys, list) else {}
    pairs = list(tags.items()) if isinstance(tags, dict) else [_pair(tag) for tag in tags if isinstance(tag, dict)]
    context: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in pairs if isinstance(value, str)}
    context["aws:TagKeys"] = [key for key, _ in pairs]
    return context


def _pair(tag: dict[str, Any]) -> tuple[str, Any]:
    lowered = {name.lower(): value for name, value in tag.items()}
    return str(lowered.get("key", lowered.get("tagkey", ""))), lowered.get("value", lowered.get("tagvalue", ""))
