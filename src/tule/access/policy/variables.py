"""Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and `${*}`, `${?}`, `${$}` for the characters.

Only documents of version 2012-10-17 have them.  What a variable stands for is taken literally: its own `*` is no
wildcard.  A variable without a value (and without a default) makes the element match nothing.
AWS: "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tule.access.policy.context import RequestContext

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,]+?)\s*(?:,\s*'([^']*)'\s*)?\Z")
# Stand in for literal `*` and `?` in a pattern, so that they are not taken for wildcards.
LITERAL_STAR, LITERAL_MARK = "\ue000", "\ue001"


@dataclass(slots=True, frozen=True)
class Variable:
    key: str
    default: str | None


@dataclass(slots=True, frozen=True)
class Template:
    """Text and variables in turn."""

    parts: tuple[str | Variable, ...]

    def expand(self, context: RequestContext) -> str | None:
        """The text with its variables filled in; literal wildcards are marked.  None where a variable has no value."""
        pieces: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            value = context.get(part.key)
            if not isinstance(value, str):
                value = part.default
            if value is None:
                return None
            pieces.append(value.replace("*", LITERAL_STAR).replace("?", LITERAL_MARK))
        return "".join(pieces)


def parse(text: str, *, enabled: bool) -> str | Template:
    """Plain text where there is no variable in it."""
    if not enabled or "${" not in text:
        return text
    parts: list[str | Variable] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        parts.append(text[at : match.start()])
        parts.append(_meaning(match[1]))
        at = match.end()
    parts.append(text[at:])
    if any(isinstance(part, Variable) for part in parts):
        return Template(tuple(part for part in parts if part))
    return "".join(part for part in parts if isinstance(part, str))


def unmarked(text: str) -> str:
    """With literal wildcards as the characters they are: for comparisons that know no wildcards."""
    return text.replace(LITERAL_STAR, "*").replace(LITERAL_MARK, "?")


def _meaning(inside: str) -> str | Variable:
    if inside in ("*", "?", "$"):
        return {"*": LITERAL_STAR, "?": LITERAL_MARK, "$": "$"}[inside]
    match = _DEFAULT.match(inside)
    return Variable(match[1].lower(), match[2]) if match else Variable(inside.lower(), None)
