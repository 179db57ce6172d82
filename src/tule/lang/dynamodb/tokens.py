"""The words of an expression, and how it is read: which word comes next, and what a syntax error says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb.syntax import Call, Operand, Path, Step, Term

LONGEST = 4096  # bytes of an expression
MOST_OPERATORS = 300
DEEPEST_PATH = 32
DEEPEST_CALL = 60
KEYWORDS = frozenset(("AND", "OR", "NOT", "BETWEEN", "IN"))
LARGEST_INDEX = 2**31 - 1

_TOKEN = re.compile(r"[ \t\r\n\f]*(?:([A-Za-z][A-Za-z0-9_]*)|([#:][A-Za-z0-9_]+)|([0-9]+)|(<>|<=|>=|.)|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind`: name, reference (`#a`), value (`:a`), number, keyword, symbol or end."""

    kind: str
    text: str
    start: int
    end: int


def invalid(parameter: str, what: str) -> ServiceError:
    """`Invalid ConditionExpression: what`; `what` alone where the expression is no parameter."""
    return validation(f"Invalid {parameter}: {what}" if parameter else what)


def split(text: str, keywords: frozenset[str]) -> list[Token]:
    """The words of an expression; the last one is its end."""
    tokens: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        assert match is not None
        position = match.end()
        name, reference, number, symbol = match.groups()
        word = name or reference or number or symbol
        if word is None:
            tokens.append(Token("end", "<EOF>", len(text), len(text)))
            return tokens
        tokens.append(Token(_kind(name, reference, number, keywords), word, position - len(word), position))


def _kind(name: str | None, reference: str | None, number: str | None, keywords: frozenset[str]) -> str:
    if name:
        return "keyword" if name.upper() in keywords else "name"
    if reference:
        return "reference" if reference[0] == "#" else "value"
    return "number" if number else "symbol"


class Reader:
    """Reads an expression word by word; what every kind of expression has in common: paths, values, function calls."""

    def __init__(self, parameter: str, text: str, keywords: frozenset[str] = KEYWORDS) -> None:
        self.parameter = parameter
        self.text = text
        self._tokens = split(_sized(parameter, text), keywords)
        self._at = 0
        self._operators = 0
        self.redundant_parentheses = False

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def next(self) -> Token:
        """This word; the one after it becomes the next."""
        token = self._tokens[self._at]
        self._at += 1
        return token

    def at(self, symbol: str) -> bool:
        """Whether the next word is this symbol."""
        token = self.token
        return token.kind == "symbol" and token.text == symbol

    def at_keyword(self, keyword: str) -> bool:
        """Whether the next word is this keyword, in whatever case."""
        token = self.token
        return token.kind == "keyword" and token.text.upper() == keyword

    def expect(self, symbol: str) -> Token:
        """Go past this symbol, or refuse."""
        if not self.at(symbol):
            self.refuse()
        return self.next()

    def expect_end(self) -> None:
        """Refuse what follows, if anything does."""
        if self.token.kind != "end":
            self.refuse()

    def refuse(self) -> NoReturn:
        """A syntax error at the next word, shown with its neighbours."""
        token = self.token
        start = self._tokens[self._at - 1].start if self._at else token.start
        end = token.end if token.kind == "end" else self._tokens[self._at + 1].end
        raise invalid(self.parameter, f'Syntax error; token: "{token.text}", near: "{self.text[start:end].rstrip()}"')

    def count_operator(self) -> None:
        """AND, OR, NOT, comparisons: at most 300 in an expression."""
        self._operators += 1
        if self._operators > MOST_OPERATORS:
            raise invalid(self.parameter, f"The expression contains too many operators; operator count: {self._operators}")

    def term(self, depth: int = 0) -> Term:
        """A path, a value, a function call, or one of them in parentheses."""
        opened = 0
        while self.at("("):
            self.next()
            opened += 1
        term = self._bare_term(depth)
        for _ in range(opened):
            self.expect(")")
        if opened > 1:
            self.redundant_parentheses = True
        return term

    def path(self) -> Path:
        """`a.b[0]`."""
        steps: list[Step] = [self._name()]
        while True:
            if self.at("."):
                self.next()
                steps.append(self._name())
            elif self.at("["):
                self.next()
                steps.append(self._index())
                self.expect("]")
            else:
                break
        if len(steps) > DEEPEST_PATH:
            raise invalid(self.parameter, "The document path has too many nesting elements; nesting levels exceed the limit of 32")
        return Path(tuple(steps))

    def terms(self, depth: int) -> tuple[Term, ...]:
        """`(a, b)`: at least one."""
        self.expect("(")
        terms = [self.term(depth)]
        while self.at(","):
            self.next()
            terms.append(self.term(depth))
        self.expect(")")
        return tuple(terms)

    def _bare_term(self, depth: int) -> Term:
        token = self.token
        if token.kind == "value":
            self.next()
            return Operand(token.text)
        if token.kind == "name" and self._follows("("):
            if depth > DEEPEST_CALL:
                raise invalid(self.parameter, f"The function is not allowed to be used this way in an expression; function: {token.text}")
            self.next()
            return Call(token.text, self.terms(depth + 1))
        return self.path()

    def _follows(self, symbol: str) -> bool:
        token = self._tokens[self._at + 1]
        return token.kind == "symbol" and token.text == symbol

    def _name(self) -> str:
        if self.token.kind not in ("name", "reference"):
            self.refuse()
        return self.next().text

    def _index(self) -> int:
        if self.token.kind != "number":
            self.refuse()
        index = self.next().text
        if len(index) > 10 or int(index) > LARGEST_INDEX:
            raise invalid(self.parameter, f"List index is not within the allowable range; index: [{index}]")
        return int(index)


def _sized(parameter: str, text: str) -> str:
    if not text.strip():
        raise invalid(parameter, "The expression can not be empty;")
    length = len(text) if text.isascii() else len(text.encode())
    if length > LONGEST:
        raise invalid(parameter, f"Expression size has exceeded the maximum allowed size; expression size: {length}")
    return text
