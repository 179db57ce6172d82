"""WHERE clauses, from words to the tree of a condition."""

from __future__ import annotations

from tule.lang.dynamodb.syntax import And, Between, Call, Comparison, In, Node, Not, Operand, Or, Path, Term
from tule.lang.partiql.reading import Reader
from tule.lang.partiql.syntax import Constant

_COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CLOSING = {"(": ")", "[": "]", "<<": ">>"}


def condition(reader: Reader) -> Node:
    """OR binds least, then AND, then NOT."""
    parts = [_conjunction(reader)]
    while reader.takes_keyword("OR"):
        parts.append(_conjunction(reader))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _conjunction(reader: Reader) -> Node:
    parts = [_negation(reader)]
    while reader.takes_keyword("AND"):
        parts.append(_negation(reader))
    if len(parts) == 1:
        return parts[0]
    return And(tuple(part for one in parts for part in (one.parts if isinstance(one, And) else (one,))))


def _negation(reader: Reader) -> Node:
    if not reader.takes_keyword("NOT"):
        return _primary(reader)
    reader.deeper()
    node = _negation(reader)
    reader.back()
    return Not(node)


def _primary(reader: Reader) -> Node:
    if reader.takes("("):
        reader.deeper()
        node = condition(reader)
        reader.back()
        reader.expect(")")
        return node
    return _comparison(reader, reader.term())


def _comparison(reader: Reader, left: Term) -> Node:
    if reader.at(*_COMPARATORS):
        return Comparison(_COMPARATORS[reader.next().text], left, reader.term())
    if reader.takes_keyword("IS"):
        return _is(reader, left)
    negated = reader.takes_keyword("NOT")
    node: Node
    if reader.takes_keyword("BETWEEN"):
        lower = reader.term()
        reader.expect_keyword("AND")
        node = Between(left, lower, reader.term())
    elif reader.takes_keyword("IN"):
        node = In(left, _options(reader))
    elif not negated and isinstance(left, Call):
        node = left
    else:
        reader.refuse()
    return Not(node) if negated else node


def _is(reader: Reader, left: Term) -> Node:
    """`IS MISSING`, `IS NULL`, and their negations."""
    negated = reader.takes_keyword("NOT")
    if not isinstance(left, (Path, Operand)) or not reader.at_keyword("MISSING", "NULL"):
        reader.refuse()
    if reader.next().text == "MISSING":
        return Call("attribute_exists" if negated else "attribute_not_exists", (left,))
    node = Call("attribute_type", (left, reader.placeholder(Constant({"S": "NULL"}))))
    return Not(node) if negated else node


def _options(reader: Reader) -> tuple[Term, ...]:
    if not reader.at(*_CLOSING):
        reader.refuse()
    closing = _CLOSING[reader.next().text]
    options = [reader.term()]
    while reader.takes(","):
        options.append(reader.term())
    reader.expect(closing)
    return tuple(options)
