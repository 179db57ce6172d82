"""The filter patterns of CloudWatch Logs, compiled to a function of a message.

AWS: CloudWatch Logs user guide, "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail".

    ERROR timeout          every term occurs            {"an exact phrase"}
    ?ERROR ?WARN           one of the terms occurs
    ERROR -timeout         the first occurs, the second does not
    %AUTH.*ED%             a regular expression matches somewhere
    { $.a.b[0] = "x*" && ($.n > 3 || $.flag IS TRUE) }     a JSON message
    [ip, user, ..., status = 4*, bytes > 1000]             words between spaces, "quoted" or [bracketed] ones counting as one

Everything is case sensitive.  A message that is not JSON matches no JSON pattern, and one with another number of words no
space-delimited one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from tule.lang.flat_regex import BadRegex, FlatRegex

Matcher = Callable[[str], bool]
Check = Callable[[Any], bool]  # of a field's value; _ABSENT when it is not there

MAX_PATTERN_CHARS = 1024
MAX_NESTING = 50


class InvalidPattern(ValueError):
    """The pattern cannot be read."""


class _Absent:
    pass


_ABSENT = _Absent()


def compile_pattern(text: str) -> Matcher:
    """Raises InvalidPattern."""
    stripped = text.strip()
    if len(text) > MAX_PATTERN_CHARS:
        raise InvalidPattern("the pattern is too long")
    if not stripped:
        return lambda message: True
    if stripped.startswith("{"):
        return _json_matcher(stripped)
    if stripped.startswith("["):
        return _words_matcher(stripped)
    return _terms_matcher(stripped)


# --- terms ---------------------------------------------------------------------------------------------------------------

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)+)%|([^\s"]+))(?=\s|$)')


def _terms_matcher(text: str) -> Matcher:
    needed: list[Matcher] = []
    excluded: list[Matcher] = []
    options: list[Matcher] = []
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise InvalidPattern(f"unexpected {text[position : position + 10]!r}")
        sign, quoted, regex, word = match.groups()
        {"": needed, "-": excluded, "?": options}[sign].append(_term(quoted, regex, word))
        position = match.end()
        while position < len(text) and text[position].isspace():
            position += 1

    def matches(message: str) -> bool:
        if any(term(message) for term in excluded) or not all(term(message) for term in needed):
            return False
        return not options or bool(needed) or any(term(message) for term in options)  # beside needed terms, options count for nothing

    return matches


def _term(quoted: str | None, regex: str | None, word: str | None) -> Matcher:
    if regex is not None:
        return _regex(regex)
    text = _unescape(quoted) if quoted is not None else word or ""
    return lambda message: text in message


def _unescape(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)


_REGEX = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.\s]*")


def _regex(text: str) -> Matcher:
    if not _REGEX.fullmatch(text.replace("\\(", "").replace("\\)", "").replace("\\%", "")):
        raise InvalidPattern(f"unsupported regular expression {text!r}")
    try:
        return FlatRegex(text).found_in
    except BadRegex as error:
        raise InvalidPattern(f"bad regular expression {text!r}") from error


# --- values --------------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_ORDERINGS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _comparison(operator: str, value: str, kind: str) -> Check:
    """`kind` says how `value` was written: `quoted`, `regex` or `bare`."""
    if operator in _ORDERINGS:
        if kind != "bare" or not _NUMBER.fullmatch(value):
            raise InvalidPattern(f"{operator} compares numbers, not {value!r}")
        order, limit = _ORDERINGS[operator], float(value)
        return lambda found: (number := _number(found)) is not None and order(number, limit)
    equals = _equality(value, kind)
    if operator == "=":
        return equals
    return lambda found: not isinstance(found, _Absent) and not equals(found)


def _equality(value: str, kind: str) -> Check:
    if kind == "regex":
        found_in = _regex(value)
        return lambda found: isinstance(found, str | int | float) and found_in(_text(found))
    if kind == "bare" and _NUMBER.fullmatch(value):
        limit = float(value)
        return lambda found: _number(found) == limit
    if "*" in value:
        parts = value.split("*")
        return lambda found: isinstance(found, str | int | float) and _fits(_text(found), parts)
    return lambda found: isinstance(found, str | int | float) and _text(found) == value


def _fits(text: str, parts: list[str]) -> bool:
    """Whether `text` is these parts in order, with anything between them."""
    first, *middle, last = parts
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _text(found: Any) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)


def _number(found: Any) -> float | None:
    if isinstance(found, bool):
        return None
    if isinstance(found, int | float):
        return float(found)
    if isinstance(found, str) and _NUMBER.fullmatch(found):
        return float(found)
    return None


# --- tokens of the two bracketed languages -------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<regex>%(?:[^%\\]|\\.)+%)
      | (?P<operator>&&|\|\||!=|<=|>=|=|<|>)
      | (?P<selector>\$(?:\.[\w\-@\#*]+|\[(?:\d+|\*|'[^']*'|"[^"]*")\])+)
      | (?P<dots>\.\.\.)
      | (?P<mark>[(){}\[\],])
      | (?P<bare>[^\s"%&|!<>=(){}\[\],]+)
    )""",
    re.VERBOSE,
)


class _Tokens:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.end() == position:
                raise InvalidPattern(f"unexpected {text[position : position + 10]!r}")
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            position = match.end()
        self._at = 0

    @property
    def peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def next(self) -> tuple[str, str]:
        token = self.peek
        self._at += 1
        return token

    def take(self, text: str) -> bool:
        """Step over `text` if it comes next; words without regard to case."""
        kind, found = self.peek
        if kind == "quoted" or found.upper() != text:
            return False
        self._at += 1
        return True

    def need(self, text: str) -> None:
        if not self.take(text):
            raise InvalidPattern(f"expected {text!r}, found {self.peek[1]!r}")

    def end(self) -> None:
        if self.peek[0] != "end":
            raise InvalidPattern(f"unexpected {self.peek[1]!r}")

    def value(self) -> tuple[str, str]:
        """(value, kind): what a comparison compares with."""
        kind, text = self.next()
        if kind == "quoted":
            return _unescape(text[1:-1]), kind
        if kind == "regex":
            return text[1:-1], kind
        if kind == "bare":
            return text, kind
        raise InvalidPattern(f"expected a value, found {text!r}")


# --- JSON ----------------------------------------------------------------------------------------------------------------


def _json_matcher(text: str) -> Matcher:
    tokens = _Tokens(text)
    tokens.need("{")
    holds = _either(tokens, _json_condition, 0)
    tokens.need("}")
    tokens.end()

    def matches(message: str) -> bool:
        try:
            document = orjson.loads(message)
        except orjson.JSONDecodeError:
            return False
        return isinstance(document, dict | list) and holds(document)

    return matches


def _either(tokens: _Tokens, condition: Callable[[_Tokens], Check], depth: int) -> Check:
    """`a || b`; `&&` binds tighter."""
    options = [_both(tokens, condition, depth)]
    while tokens.take("||"):
        options.append(_both(tokens, condition, depth))
    return options[0] if len(options) == 1 else lambda found: any(option(found) for option in options)


def _both(tokens: _Tokens, condition: Callable[[_Tokens], Check], depth: int) -> Check:
    parts = [_part(tokens, condition, depth)]
    while tokens.take("&&"):
        parts.append(_part(tokens, condition, depth))
    return parts[0] if len(parts) == 1 else lambda found: all(part(found) for part in parts)


def _part(tokens: _Tokens, condition: Callable[[_Tokens], Check], depth: int) -> Check:
    if not tokens.take("("):
        return condition(tokens)
    if depth == MAX_NESTING:
        raise InvalidPattern("too many parentheses")
    inner = _either(tokens, condition, depth + 1)
    tokens.need(")")
    return inner


def _json_condition(tokens: _Tokens) -> Check:
    kind, selector = tokens.next()
    if kind != "selector":
        raise InvalidPattern(f"expected a selector such as $.name, found {selector!r}")
    path, check = _path(selector), _json_check(tokens)
    return lambda document: any(check(value) for value in _select(document, path))


def _json_check(tokens: _Tokens) -> Check:
    if tokens.take("IS"):
        if tokens.take("NULL"):
            return lambda found: found is None
        if tokens.take("TRUE"):
            return lambda found: found is True
        tokens.need("FALSE")
        return lambda found: found is False
    if tokens.take("NOT"):
        tokens.need("EXISTS")
        return lambda found: isinstance(found, _Absent)
    if tokens.take("EXISTS"):
        return lambda found: not isinstance(found, _Absent)
    kind, operator = tokens.next()
    if kind != "operator" or operator in ("&&", "||"):
        raise InvalidPattern(f"expected a comparison, found {operator!r}")
    return _comparison(operator, *tokens.value())


_STEP = re.compile(r"""\.([\w\-@#*]+)|\[(\d+|\*)\]|\['([^']*)'\]|\["([^"]*)"\]""")


def _path(selector: str) -> list[str | int]:
    """Names and indexes; `*` stands for every element."""
    path: list[str | int] = []
    for name, index, single, double in _STEP.findall(selector[1:]):
        path.append(int(index) if index.isdecimal() else index or name or single or double)
    return path


def _select(document: Any, path: list[str | int]) -> list[Any]:
    """The values that a path reaches: one, or many by `*`; [_ABSENT] when it reaches nothing."""
    found = [document]
    for step in path:
        reached: list[Any] = []
        for value in found:
            reached += _children(value, step)
        found = reached
    return found or [_ABSENT]


def _children(value: Any, step: str | int) -> list[Any]:
    if step == "*":
        return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    if isinstance(step, int):
        return [value[step]] if isinstance(value, list) and step < len(value) else []
    return [value[step]] if isinstance(value, dict) and step in value else []


# --- words between spaces ------------------------------------------------------------------------------------------------

_WORD = re.compile(r'"([^"]*)"|\[([^\]]*)\]|(\S+)')


def _words_matcher(text: str) -> Matcher:
    tokens = _Tokens(text)
    tokens.need("[")
    before: list[Check] = []
    after: list[Check] | None = None
    while True:
        if tokens.peek[0] == "dots":
            tokens.next()
            if after is not None:
                raise InvalidPattern("... can be used only once")
            after = []
        else:
            (before if after is None else after).append(_field(tokens))
        if not tokens.take(","):
            break
    tokens.need("]")
    tokens.end()
    head, tail = before, after

    def matches(message: str) -> bool:
        words = [quoted or bracketed or plain for quoted, bracketed, plain in _WORD.findall(message)]
        if tail is None:
            return len(words) == len(head) and _all_hold(head, words)
        if len(words) < len(head) + len(tail):
            return False
        return _all_hold(head, words) and _all_hold(tail, words[len(words) - len(tail) :])

    return matches


def _all_hold(checks: list[Check], words: list[str]) -> bool:
    return all(check(word) for check, word in zip(checks, words, strict=False))


def _field(tokens: _Tokens) -> Check:
    """A name, alone or with conditions: `w1`, `status = 4*`, `w = A || w = B`."""
    if tokens.peek[1] in (",", "]"):
        return lambda word: True
    kind, _ = tokens.peek
    if kind == "bare":
        name = tokens.next()
        if tokens.peek[1] in (",", "]"):
            return lambda word: True
        condition = _word_condition(tokens, named=True)
        return _more_conditions(tokens, condition, name[1])
    return _either(tokens, lambda inner: _word_condition(inner, named=False), 0)


def _more_conditions(tokens: _Tokens, first: Check, name: str) -> Check:
    """What follows the first condition of a field: `&& name > 3 || ...`."""
    both = first
    options: list[Check] = []
    while tokens.peek[1] in ("&&", "||"):
        _, joint = tokens.next()
        following = _part(tokens, lambda inner: _word_condition(inner, named=False), 0)
        if joint == "&&":
            both = _and(both, following)
        else:
            options.append(both)
            both = following
    options.append(both)
    return lambda word: any(option(word) for option in options)


def _and(first: Check, second: Check) -> Check:
    return lambda word: first(word) and second(word)


def _word_condition(tokens: _Tokens, *, named: bool) -> Check:
    if not named and tokens.peek[0] == "bare":
        tokens.next()
    kind, operator = tokens.next()
    if kind != "operator" or operator in ("&&", "||"):
        raise InvalidPattern(f"expected a comparison, found {operator!r}")
    return _comparison(operator, *tokens.value())
