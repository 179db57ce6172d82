"""UpdateExpression, from text to actions: SET, REMOVE, ADD and DELETE, each at most once."""

from __future__ import annotations

from functools import lru_cache

from tule.lang.dynamodb.syntax import Action, Operand, Sum, Term
from tule.lang.dynamodb.tokens import Reader, invalid

PARAMETER = "UpdateExpression"
SECTIONS = frozenset(("SET", "REMOVE", "ADD", "DELETE"))


@lru_cache(maxsize=2048)
def parse(text: str) -> tuple[tuple[Action, ...], bool]:
    """The actions as written, and whether there are parentheses around parentheses."""
    reader = Reader(PARAMETER, text, SECTIONS)
    seen: set[str] = set()
    actions: list[Action] = []
    repeated = ""
    while True:
        section = _section(reader)
        repeated = repeated or (section if section in seen else "")
        seen.add(section)
        actions.append(_action(reader, section))
        while reader.at(","):
            reader.next()
            actions.append(_action(reader, section))
        if reader.token.kind == "end":
            break
    if repeated:
        raise invalid(PARAMETER, f'The "{repeated}" section can only be used once in an update expression;')
    return tuple(actions), reader.redundant_parentheses


def _section(reader: Reader) -> str:
    if reader.token.kind != "keyword":
        reader.refuse()
    return reader.next().text.upper()


def _action(reader: Reader, section: str) -> Action:
    path = reader.path()
    if section == "REMOVE":
        return Action(section, path, None)
    if section != "SET":
        return Action(section, path, _operand(reader))
    reader.expect("=")
    return Action(section, path, _value(reader))


def _operand(reader: Reader) -> Operand:
    if reader.token.kind != "value":
        reader.refuse()
    return Operand(reader.next().text)


def _value(reader: Reader) -> Term | Sum:
    opened = 0
    while reader.at("("):
        reader.next()
        opened += 1
    value = _sum(reader, reader.term())
    for _ in range(opened):
        reader.expect(")")
        value = value if isinstance(value, Sum) else _sum(reader, value)
    if opened > 1:
        reader.redundant_parentheses = True
    return value


def _sum(reader: Reader, left: Term) -> Term | Sum:
    if not (reader.at("+") or reader.at("-")):
        return left
    operator = reader.next().text
    return Sum(operator, left, reader.term())
