"""WHERE clauses, from words to the tree of a condition."""

from __future__ import annotations

from tule.lang.dynamodb.syntax import And, Between, Call, Comparison, In, Node, Not, Operand, Or, Path, Term
from tule.lang.partiql.reading import Reader
from tule.lang.partiql.syntax import Constant

_COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
FUNCTIONS = frozenset(("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"))
_NUMERIC = ("INT", "INT2", "INT4", "INT8", "INTEGER", "INTEGER2", "INTEGER4", "INTEGER8", "SMALLINT", "BIGINT", "FLOAT", "REAL", "DECIMAL", "NUMERIC")
_TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_NUMERIC, ("N",)),
    **dict.fromkeys(("STRING", "VARCHAR", "CHAR", "CHARACTER", "SYMBOL"), ("S",)),
    **dict.fromkeys(("BOOL", "BOOLEAN"), ("BOOL",)),
    **dict.fromkeys(("BLOB", "CLOB"), ("B",)),
    **dict.fromkeys(("STRUCT", "TUPLE"), ("M",)),
    "LIST": ("L",),
    "BAG": ("SS", "NS", "BS"),
    "NULL": ("NULL",),
}
_CLOSING = {"(": ")", "[": "]", "<<": ">>"}


def condition(reader: Reader) -> Node:
    """OR binds least, then AND, then NOT."""
    parts = [_conjunction(reader)]
    while reader.takes_keyword("OR"):
        _check_right_side(reader)
        parts.append(_conjunction(reader))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _conjunction(reader: Reader) -> Node:
    parts = [_negation(reader)]
    while reader.takes_keyword("AND"):
        _check_right_side(reader)
        parts.append(_negation(reader))
    if len(parts) == 1:
        return parts[0]
    return And(tuple(part for one in parts for part in (one.parts if isinstance(one, And) else (one,))))


def _check_right_side(reader: Reader) -> None:
    if reader.token.kind == "end":
        reader.refuse("Missing right-hand side expression of infix operator")


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
    token = reader.token
    left = reader.term()
    if isinstance(left, Call) and left.function not in FUNCTIONS:
        reader.refuse_at(f"Unrecognized function: {left.function}", token)
    return _comparison(reader, left)


def _comparison(reader: Reader, left: Term) -> Node:
    if reader.at(*_COMPARATORS):
        operator = _COMPARATORS[reader.next().text]
        return _compared(reader, operator, left, reader.term())
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


def _compared(reader: Reader, operator: str, left: Term, right: Term) -> Node:
    """A comparison; what is a condition itself may be compared with true and false."""
    if isinstance(left, Call) and left.function != "size" and isinstance(right, Operand) and operator in ("=", "<>"):
        literal = reader.wording.values[right.name]
        if isinstance(literal, Constant) and "BOOL" in literal.value:
            del reader.wording.values[right.name]
            return left if literal.value["BOOL"] == (operator == "=") else Not(left)
    return Comparison(operator, left, right)


def _is(reader: Reader, left: Term) -> Node:
    """`IS MISSING`, `IS NULL`, `IS STRING` and its like, and their negations."""
    negated = reader.takes_keyword("NOT")
    if not isinstance(left, (Path, Operand)):
        reader.refuse()
    if reader.takes_keyword("MISSING"):
        return Call("attribute_exists" if negated else "attribute_not_exists", (left,))
    name = reader.token.text.upper() if reader.token.kind in ("name", "keyword") else ""
    if name not in _TYPES:
        reader.refuse("Expected type name")
    reader.next()
    tests = tuple(Call("attribute_type", (left, reader.placeholder(Constant({"S": kind})))) for kind in _TYPES[name])
    node: Node = tests[0] if len(tests) == 1 else Or(tests)
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
