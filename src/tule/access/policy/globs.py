"""`*` and `?` in actions, resources and values.

`*` is any run of characters, `?` exactly one.  In ARNs a wildcard stays within its segment, but for the last one, which
may hold colons of its own.  AWS: "IAM JSON policy elements: Resource".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[str], bool]


def glob(pattern: str) -> Matcher:
    """Case-sensitive, over the whole text."""
    if pattern == "*":
        return lambda text: True
    if "*" not in pattern and "?" not in pattern:
        return pattern.__eq__  # type: ignore[return-value]
    if pattern.endswith("*") and "*" not in pattern[:-1] and "?" not in pattern:
        prefix = pattern[:-1]
        return lambda text: text.startswith(prefix)
    match = regex(pattern).match
    return lambda text: match(text) is not None


@lru_cache(maxsize=4096)
def regex(pattern: str) -> re.Pattern[str]:
    text = re.sub(r"\*+", "*", pattern)
    return re.compile("".join(_piece(char) for char in text) + r"\Z", re.DOTALL)


def _piece(char: str) -> str:
    return {"*": ".*", "?": "."}.get(char) or re.escape(char)


def arn_glob(pattern: str) -> Matcher:
    """Segment by segment, where the pattern is an ARN; otherwise over the whole text."""
    if pattern == "*":
        return lambda text: True
    segments = pattern.split(":", 5)
    if len(segments) < 6:  # `arn:aws:s3*` is taken as the start of an ARN
        return glob(pattern) if pattern.endswith("*") or segments[0] != "arn" else lambda text: False
    if not any("*" in segment or "?" in segment for segment in segments[:5]):
        if "*" not in segments[5] and "?" not in segments[5]:
            return pattern.__eq__  # type: ignore[return-value]
        head = ":".join(segments[:5]) + ":"
        rest = glob(segments[5])
        length = len(head)
        return lambda text: text.startswith(head) and rest(text[length:])
    matchers = [glob(segment) for segment in segments]

    def matches(text: str) -> bool:
        parts = text.split(":", 5)
        return len(parts) == 6 and all(matcher(part) for matcher, part in zip(matchers, parts, strict=True))

    return matches


def action_matcher(patterns: tuple[str, ...]) -> Matcher:
    """Over an action in lower case; patterns match without regard to case."""
    lowered = [pattern.lower() for pattern in patterns]
    if "*" in lowered or "*:*" in lowered:
        return lambda action: True
    exact = frozenset(pattern for pattern in lowered if "*" not in pattern and "?" not in pattern)
    globs = [glob(pattern) for pattern in lowered if pattern not in exact]
    if not globs:
        return exact.__contains__
    return lambda action: action in exact or any(matches(action) for matches in globs)
