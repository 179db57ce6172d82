"""Statements, from text to what they ask.

AWS: Developer Guide, "PartiQL select/insert/update/delete statements for DynamoDB".
"""

from __future__ import annotations

from functools import lru_cache

from tule.core.errors import validation
from tule.lang.dynamodb.syntax import Action, Call, Node, Operand, Path, Sum, Term
from tule.lang.partiql.reading import Reader
from tule.lang.partiql.syntax import Bag, Delete, Exists, Insert, Parameter, Select, Statement, Update
from tule.lang.partiql.tokens import Token, not_well_formed
from tule.lang.partiql.where import condition

_SETTING = {"set_add": "ADD", "set_delete": "DELETE"}


@lru_cache(maxsize=1024)
def parse(text: str) -> Statement:
    """The statement of this text; raises ValidationException for what is none."""
    reader = Reader(text)
    statement = _statement(reader)
    reader.check_left_over()
    return statement


def _statement(reader: Reader) -> Statement:
    if reader.takes_keyword("SELECT"):
        return _select(reader)
    if reader.takes_keyword("EXISTS"):
        reader.expect("(")
        reader.expect_keyword("SELECT")
        select = _select(reader)
        reader.expect(")")
        return Exists(select)
    if reader.takes_keyword("INSERT"):
        return _insert(reader)
    if reader.takes_keyword("UPDATE"):
        return _update(reader)
    if reader.takes_keyword("FROM"):
        return _update_from(reader)
    if reader.takes_keyword("DELETE"):
        return _delete(reader)
    raise not_well_formed("Expected data manipulation")


def _select(reader: Reader) -> Select:
    columns = None if reader.takes("*") else _columns(reader)
    reader.expect_keyword("FROM")
    if reader.token.kind not in ("name", "quoted"):
        reader.refuse()
    table = reader.identifier()
    index = reader.identifier() if reader.takes(".") else None
    _check_alias(reader)
    where = _where(reader)
    order: list[tuple[str, bool]] = []
    if reader.takes_keyword("ORDER"):
        reader.expect_keyword("BY")
        order.append(_order(reader))
        while reader.takes(","):
            order.append(_order(reader))
    if reader.at_keyword("LIMIT", "GROUP", "HAVING", "OFFSET", "UNION"):
        raise validation(f"Unsupported clause: {reader.token.text}")
    return Select(table, index, columns, where, tuple(order), reader.wording)


def _check_alias(reader: Reader) -> None:
    if reader.token.kind in ("name", "quoted") or reader.at_keyword("AS"):
        raise validation("Aliasing is not supported")


def _columns(reader: Reader) -> tuple[Path, ...]:
    columns = [_column(reader)]
    while reader.takes(","):
        columns.append(_column(reader))
    return tuple(columns)


def _column(reader: Reader) -> Path:
    if reader.at_call():
        reader.refuse_at("Unexpected path component", reader.token)
    return reader.path()


def _order(reader: Reader) -> tuple[str, bool]:
    name = reader.identifier()
    descends = reader.at_keyword("DESC")
    if descends or reader.at_keyword("ASC"):
        reader.next()
    return name, descends


def _insert(reader: Reader) -> Insert:
    reader.expect_keyword("INTO")
    table = reader.identifier()
    if reader.at_keyword("VALUES") or reader.at("<<"):
        raise validation(
            "Unsupported operation: Inserting multiple items in a single statement is not supported yet, "
            'use "INSERT INTO tableName VALUE item" instead'
        )
    if reader.token.kind in ("name", "quoted"):
        reader.refuse("Unexpected token after expression")
    if not reader.takes_keyword("VALUE"):
        reader.refuse("Unexpected keyword")
    return Insert(table, reader.item(), reader.wording)


def _update(reader: Reader) -> Update:
    table = reader.identifier()
    _check_alias(reader)
    if not reader.at_keyword("SET", "REMOVE"):
        raise not_well_formed("Expected data manipulation")
    actions = _actions(reader)
    return Update(table, actions, _where(reader), _returning(reader), reader.wording)


def _update_from(reader: Reader) -> Update:
    """`FROM table WHERE key SET path = value`."""
    table = reader.identifier()
    where = _where(reader)
    if not reader.at_keyword("SET", "REMOVE"):
        raise not_well_formed("Expected data manipulation")
    return Update(table, _actions(reader), where, _returning(reader), reader.wording)


def _actions(reader: Reader) -> tuple[Action, ...]:
    actions: list[Action] = []
    while reader.at_keyword("SET", "REMOVE"):
        section = reader.next().text
        actions.append(_action(reader, section))
        while reader.takes(","):
            actions.append(_action(reader, section))
    return tuple(actions)


def _action(reader: Reader, section: str) -> Action:
    path = reader.path()
    if section == "REMOVE":
        return Action(section, path, None)
    reader.expect("=")
    token = reader.token
    first = reader.first_operand() if reader.at_call() else token
    left = reader.term()
    if isinstance(left, Call) and left.function in _SETTING:
        return _set_action(reader, path, left, token, first)
    if not reader.at("+", "-"):
        return Action(section, path, left)
    return Action(section, path, Sum(reader.next().text, left, reader.term()))


def _set_action(reader: Reader, path: Path, call: Call, token: Token, first: Token) -> Action:
    """`SET a = set_add(a, <<1>>)` adds to the set that the path holds."""
    name, operands, wording = call.function.upper(), list(call.operands), reader.wording
    if len(operands) != 2:
        reader.refuse_at(f"{name} must have exactly two arguments", token)
    if not _same(operands[0], path, wording.names):
        reader.refuse_at(f"The first argument to {name} must equal the assignment value", token)
    added = operands[1]
    if not isinstance(added, Operand) or not isinstance(wording.values[added.name], (Bag, Parameter)):
        reader.refuse_at(f"The second argument to {name} must be a value with type SET", first)
    return Action(_SETTING[call.function], path, added)


def _same(term: Term, path: Path, names: dict[str, str]) -> bool:
    if not isinstance(term, Path):
        return False
    return [names.get(str(step), step) for step in term.steps] == [names.get(str(step), step) for step in path.steps]


def _delete(reader: Reader) -> Delete:
    reader.expect_keyword("FROM")
    if reader.token.kind not in ("name", "quoted"):
        reader.refuse("Expected identifier for simple path")
    table = reader.identifier()
    _check_alias(reader)
    return Delete(table, _where(reader), _returning(reader), reader.wording)


def _where(reader: Reader) -> Node | None:
    return condition(reader) if reader.takes_keyword("WHERE") else None


def _returning(reader: Reader) -> str:
    """`RETURNING ALL OLD *` and its like, as ReturnValues names them."""
    if not reader.takes_keyword("RETURNING"):
        return "NONE"
    words: list[str] = []
    for choices in (("ALL", "MODIFIED"), ("OLD", "NEW")):
        if not reader.at_word(*choices):
            reader.refuse()
        words.append(reader.next().text.upper())
    reader.expect("*")
    return f"{words[0].replace('MODIFIED', 'UPDATED')}_{words[1]}"
