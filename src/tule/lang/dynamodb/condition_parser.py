"""ConditionExpression, FilterExpression and KeyConditionExpression, from text to tree.

NOT binds closer than AND, AND closer than OR.  Nothing recurses by parentheses, so that no text is too deep.
"""

from __future__ import annotations

from functools import lru_cache

from tule.lang.dynamodb.syntax import And, Between, Call, Comparison, In, Node, Not, Operand, Or, Path, Term
from tule.lang.dynamodb.tokens import Reader, invalid

COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))
MOST_OPTIONS = 100  # of IN


@lru_cache(maxsize=2048)
def parse(parameter: str, text: str) -> tuple[Node, bool]:
    """The tree, and whether it has parentheses around parentheses; `parameter` is named in refusals."""
    reader = Reader(parameter, text)
    node = _Parser(reader).condition()
    return node, reader.redundant_parentheses


class _Level:
    """What stands between two parentheses: ORs of ANDs."""

    def __init__(self) -> None:
        self.alternatives: list[list[Node]] = [[]]
        self.negations = 0
        self.operators = 0

    def add(self, node: Node) -> None:
        self.alternatives[-1].append(_negated(node) if self.negations % 2 else node)
        self.negations = 0

    def node(self) -> Node:
        parts = tuple(_joined(And, part) for part in self.alternatives)
        return _joined(Or, list(parts))


class _Parser:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.levels = [_Level()]
        self.enclosed: Node | Term | None = None  # what was last in parentheses

    def condition(self) -> Node:
        reader = self.reader
        while True:
            self._prefixes()
            node = self._tail(reader.term())
            while True:
                level = self.levels[-1]
                if self._connective(level, node):
                    break
                if not (reader.at(")") and len(self.levels) > 1):
                    reader.expect_end()
                    if len(self.levels) > 1:
                        reader.refuse()
                    level.add(self._condition(node))
                    return level.node()
                node = self._tail(self._closed(node))

    def _prefixes(self) -> None:
        """NOTs and opening parentheses."""
        reader = self.reader
        while True:
            if reader.at_keyword("NOT"):
                reader.count_operator()
                self.levels[-1].negations += 1
                self.levels[-1].operators += 1
            elif reader.at("("):
                self.levels.append(_Level())
            else:
                return
            reader.next()

    def _connective(self, level: _Level, node: Node | Term) -> bool:
        reader = self.reader
        is_or = reader.at_keyword("OR")
        if not is_or and not reader.at_keyword("AND"):
            return False
        level.add(self._condition(node))
        level.operators += 1
        reader.count_operator()
        reader.next()
        if is_or:
            level.alternatives.append([])
        return True

    def _closed(self, node: Node | Term) -> Node | Term:
        """What the parentheses that close here enclose: a condition, or a bare operand."""
        level = self.levels.pop()
        if not level.operators and node is self.enclosed:
            self.reader.redundant_parentheses = True
        if level.operators:
            level.add(self._condition(node))
            node = level.node()
        self.reader.next()
        self.enclosed = node
        return node

    def _tail(self, left: Node | Term) -> Node | Term:
        """The operator and what it compares with, when a term came and one follows."""
        reader = self.reader
        if not isinstance(left, (Path, Operand, Call)):
            return left
        if reader.token.kind == "symbol" and reader.token.text in COMPARATORS:
            reader.count_operator()
            operator = reader.next().text
            return Comparison(operator, left, reader.term())
        if reader.at_keyword("BETWEEN"):
            return self._between(left)
        if reader.at_keyword("IN"):
            return self._in(left)
        return left

    def _between(self, left: Term) -> Between:
        reader = self.reader
        reader.count_operator()
        reader.next()
        lower = reader.term()
        if not reader.at_keyword("AND"):
            reader.refuse()
        reader.next()
        return Between(left, lower, reader.term())

    def _in(self, left: Term) -> In:
        reader = self.reader
        reader.count_operator()
        reader.next()
        options = reader.terms(0)
        if len(options) > MOST_OPTIONS:
            what = f"The IN operator is provided with too many operands; number of operands: {len(options)}"
            raise invalid(reader.parameter, what)
        return In(left, options)

    def _condition(self, node: Node | Term) -> Node:
        if isinstance(node, (Path, Operand)):
            self.reader.refuse()
        return node


def _negated(node: Node) -> Node:
    return node.part if isinstance(node, Not) else Not(node)


def _joined(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))
