"""Parsing a query: by recursive descent, each expression made into a function of the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from tule.lang.s3_select import functions, timestamps
from tule.lang.s3_select.failures import SelectFailed, unexpected
from tule.lang.s3_select.query import Aggregate, Column, Expression, Query
from tule.lang.s3_select.records import Line, Step, find
from tule.lang.s3_select.tokens import Token, tokens
from tule.lang.s3_select.values import MISSING, Value, cast, compare, is_absent, reckon, shown

_AGGREGATES = ("COUNT", "SUM", "AVG", "MIN", "MAX")
_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_TYPES = ("INT", "INTEGER", "FLOAT", "DECIMAL", "NUMERIC", "STRING", "CHAR", "VARCHAR", "BOOL", "BOOLEAN", "TIMESTAMP")
_ENDS = ("FROM", "WHERE", "LIMIT", "AS")
_MOST_BYTES = 256 * 1024


def parse(text: str) -> Query:
    """Raises SelectFailed."""
    if len(text.encode()) > _MOST_BYTES:
        raise SelectFailed("ExpressionTooLong", "The SQL expression is too long: The maximum byte-length for the SQL expression is 256 KB.")
    return _Parser(tokens(text)).query()


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._aliases: set[str] = {"s3object"}
        self._aggregates: list[Aggregate] = []

    # Tokens.

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._now
        self._at += 1
        return token

    def _word(self, *words: str) -> bool:
        """Take one of these words, if it is next."""
        if self._now.is_word(*words):
            self._at += 1
            return True
        return False

    def _sign(self, *signs: str) -> bool:
        if self._now.is_sign(*signs):
            self._at += 1
            return True
        return False

    def _need_word(self, *words: str) -> str:
        if not self._now.is_word(*words):
            raise unexpected(self._now.value, " or ".join(words))
        return self._next().value.upper()

    def _need_sign(self, sign: str) -> None:
        if not self._sign(sign):
            raise unexpected(self._now.value, sign)

    # The query.

    def query(self) -> Query:
        self._need_word("SELECT")
        began = self._at
        self._skip_columns()
        self._need_word("FROM")
        path = self._source()
        where = self._expression() if self._word("WHERE") else None
        if self._aggregates:
            raise SelectFailed("ParseUnsupportedSyntax", "The SQL expression contains unsupported syntax.")
        limit = self._limit() if self._word("LIMIT") else None
        if self._now.kind != "end":
            raise unexpected(self._now.value)
        self._at = began
        columns = self._columns()
        if not self._now.is_word("FROM"):
            raise unexpected(self._now.value, "FROM")
        return Query(columns, path, where, limit, tuple(self._aggregates))

    def _skip_columns(self) -> None:
        """The alias behind FROM must be known before the columns are read."""
        depth = 0
        while self._now.kind != "end" and (depth or not self._now.is_word("FROM")):
            depth += self._now.is_sign("(") - self._now.is_sign(")")
            self._at += 1

    def _source(self) -> Sequence[Step]:
        name = self._next()
        if not name.is_word("S3OBJECT"):
            raise SelectFailed("InvalidTableAlias", "The SQL expression contains an invalid table alias.")
        steps = self._steps()
        if self._word("AS") or (self._now.kind in ("word", "quoted") and not self._now.is_word(*_ENDS)):
            self._aliases.add(self._next().value.lower())
        return steps[1:] if steps and steps[0].every else steps

    def _limit(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.value.isdigit():
            raise unexpected(token.value, "a whole number")
        return int(token.value)

    def _columns(self) -> list[Column] | None:
        if self._sign("*"):
            return None
        found: list[Column] = []
        while True:
            found.append(self._column(len(found) + 1))
            if not self._sign(","):
                return found

    def _column(self, number: int) -> Column:
        began = self._at
        of = self._expression()
        last = self._tokens[self._at - 1]
        is_path = all(token.kind in ("word", "quoted") or token.is_sign(".") for token in self._tokens[began : self._at])
        name = last.value if is_path and last.kind in ("word", "quoted") else f"_{number}"
        if self._word("AS") or self._now.kind == "quoted" or (self._now.kind == "word" and not self._now.is_word(*_ENDS)):
            name = self._next().value
        return Column(name, of)

    # Expressions, from the loosest operator to the tightest.

    def _expression(self) -> Expression:
        left = self._and()
        while self._word("OR"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._not()
        while self._word("AND"):
            left = _both(left, self._not())
        return left

    def _not(self) -> Expression:
        if not self._word("NOT"):
            return self._comparison()
        of = self._not()
        return lambda scope: _negated(of(scope))

    def _comparison(self) -> Expression:
        left = self._concatenation()
        while True:
            if self._now.is_sign(*_COMPARISONS):
                left = _compared(self._next().value, left, self._concatenation())
            elif self._word("IS"):
                left = self._is(left)
            elif self._now.is_word("NOT", "IN", "LIKE", "BETWEEN"):
                left = self._predicate(left)
            else:
                return left

    def _is(self, left: Expression) -> Expression:
        negated = self._word("NOT")
        what = self._need_word("NULL", "MISSING")
        if what == "NULL":
            return lambda scope: is_absent(left(scope)) != negated
        return lambda scope: (left(scope) is MISSING) != negated

    def _predicate(self, left: Expression) -> Expression:
        negated = self._word("NOT")
        kind = self._need_word("IN", "LIKE", "BETWEEN")
        made = {"IN": self._in, "LIKE": self._like, "BETWEEN": self._between}[kind](left)
        return (lambda scope: _negated(made(scope))) if negated else made

    def _in(self, left: Expression) -> Expression:
        choices = self._arguments()

        def is_in(scope: Any) -> Value:
            value = left(scope)
            return None if is_absent(value) else any(compare("=", value, choice(scope)) for choice in choices)

        return is_in

    def _like(self, left: Expression) -> Expression:
        pattern = self._concatenation()
        escape = self._primary() if self._word("ESCAPE") else None
        return lambda scope: functions.like(left(scope), pattern(scope), "" if escape is None else shown(escape(scope)))

    def _between(self, left: Expression) -> Expression:
        low = self._concatenation()
        self._need_word("AND")
        return _both(_compared(">=", left, low), _compared("<=", left, self._concatenation()))

    def _concatenation(self) -> Expression:
        left = self._sum()
        while self._sign("||"):
            left = _joined(left, self._sum())
        return left

    def _sum(self) -> Expression:
        left = self._product()
        while self._now.is_sign("+", "-"):
            left = _reckoned(self._next().value, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._unary()
        while self._now.is_sign("*", "/", "%"):
            left = _reckoned(self._next().value, left, self._unary())
        return left

    def _unary(self) -> Expression:
        if self._sign("-"):
            return _reckoned("-", lambda scope: 0, self._unary())
        self._sign("+")
        return self._primary()

    def _primary(self) -> Expression:
        token = self._now
        if token.kind in ("number", "text", "time"):
            self._at += 1
            return _constant(_literal(token))
        if self._sign("("):
            inner = self._expression()
            self._need_sign(")")
            return inner
        if token.kind == "quoted":
            return self._path()
        if token.kind != "word":
            raise unexpected(token.value)
        return self._named(token)

    def _named(self, token: Token) -> Expression:
        constants: dict[str, Value] = {"TRUE": True, "FALSE": False, "NULL": None, "MISSING": MISSING}
        name = token.value.upper()
        if name in constants:
            self._at += 1
            return _constant(constants[name])
        if name == "CASE":
            self._at += 1
            return self._case()
        if self._tokens[self._at + 1].is_sign("("):
            self._at += 1
            return self._call(name)
        return self._path()

    def _case(self) -> Expression:
        subject = None if self._now.is_word("WHEN") else self._expression()
        cases: list[tuple[Expression, Expression]] = []
        while self._word("WHEN"):
            condition = self._expression()
            self._need_word("THEN")
            cases.append((condition if subject is None else _compared("=", subject, condition), self._expression()))
        otherwise = self._expression() if self._word("ELSE") else _constant(None)
        self._need_word("END")

        def chosen(scope: Any) -> Value:
            return next((result for condition, result in cases if condition(scope) is True), otherwise)(scope)

        return chosen

    def _path(self) -> Expression:
        first = self._next()
        steps = self._steps()
        if first.value.lower() not in self._aliases:
            steps = [Step(first.value, first.kind == "quoted"), *steps]
        elif not steps:
            return lambda scope: dict(scope.record.pairs()) if isinstance(scope.record, Line) else scope.record
        return lambda scope: find(scope.record, steps)

    def _steps(self) -> list[Step]:
        steps: list[Step] = []
        while True:
            if self._sign("."):
                token = self._next()
                if token.kind not in ("word", "quoted"):
                    raise unexpected(token.value, "a name")
                steps.append(Step(token.value, token.kind == "quoted"))
            elif self._sign("["):
                steps.append(self._index())
                self._need_sign("]")
            else:
                return steps

    def _index(self) -> Step:
        token = self._next()
        if token.is_sign("*"):
            return Step(every=True)
        if token.kind == "text":
            return Step(token.value, True)
        if not token.value.isdigit():
            raise unexpected(token.value, "an index")
        return Step(at=int(token.value))

    # Calls.

    def _arguments(self) -> list[Expression]:
        self._need_sign("(")
        found: list[Expression] = []
        while not self._now.is_sign(")"):
            found.append(self._expression())
            if not self._sign(","):
                break
        self._need_sign(")")
        return found

    def _call(self, name: str) -> Expression:
        if name in _AGGREGATES:
            return self._aggregate(name)
        special: dict[str, Callable[[], Expression]] = {
            "CAST": self._cast,
            "TRIM": self._trim,
            "EXTRACT": self._extract,
            "SUBSTRING": self._substring,
            "DATE_ADD": lambda: self._dated("DATE_ADD"),
            "DATE_DIFF": lambda: self._dated("DATE_DIFF"),
        }
        if name in special:
            return special[name]()
        args = self._arguments()
        if name in ("COALESCE", "NULLIF"):
            of = functions.coalesce if name == "COALESCE" else functions.nullif
            _count(name, args, 2 if name == "NULLIF" else 1, 2 if name == "NULLIF" else 1000)
            return lambda scope: of([arg(scope) for arg in args])
        return _function(name, args)

    def _aggregate(self, kind: str) -> Expression:
        self._need_sign("(")
        of = None if kind == "COUNT" and self._sign("*") else self._expression()
        self._need_sign(")")
        at = len(self._aggregates)
        self._aggregates.append(Aggregate(kind, of))
        return lambda scope: scope.totals[at] if scope.totals else None

    def _cast(self) -> Expression:
        self._need_sign("(")
        of = self._expression()
        self._need_word("AS")
        to = self._need_word(*_TYPES)
        if self._sign("("):
            while not self._sign(")"):
                self._next()
        self._need_sign(")")
        return lambda scope: cast(of(scope), to)

    def _trim(self) -> Expression:
        self._need_sign("(")
        side = self._next().value.upper() if self._now.is_word("LEADING", "TRAILING", "BOTH") else "BOTH"
        of = None if self._now.is_word("FROM") else self._expression()
        chars: Expression = _constant(" ")
        if self._word("FROM"):
            chars, of = of or chars, self._expression()
        self._need_sign(")")
        if of is None:
            raise unexpected(self._now.value)
        return _function("TRIM", [_constant(side), chars, of])

    def _extract(self) -> Expression:
        self._need_sign("(")
        part = self._next().value.upper()
        self._need_word("FROM")
        of = self._expression()
        self._need_sign(")")
        return _function("EXTRACT", [_constant(part), of])

    def _substring(self) -> Expression:
        self._need_sign("(")
        args = [self._expression()]
        while self._word("FROM", "FOR") or self._sign(","):
            args.append(self._expression())
        self._need_sign(")")
        return _function("SUBSTRING", args)

    def _dated(self, name: str) -> Expression:
        self._need_sign("(")
        args = [_constant(self._next().value.upper())]
        while self._sign(","):
            args.append(self._expression())
        self._need_sign(")")
        return _function(name, args)


def _literal(token: Token) -> Value:
    if token.kind == "text":
        return token.value
    if token.kind == "time":
        return timestamps.read(token.value)
    return int(token.value) if token.value.isdigit() else Decimal(token.value)


def _constant(value: Value) -> Expression:
    return lambda scope: value


def _function(name: str, args: list[Expression]) -> Expression:
    if name not in functions.FUNCTIONS:
        raise SelectFailed("UnsupportedFunction", f"Encountered an unsupported SQL function: {name}.")
    _, fewest, most = functions.FUNCTIONS[name]
    _count(name, args, fewest, most)
    return lambda scope: functions.called(name, [arg(scope) for arg in args])


def _count(name: str, args: list[Expression], fewest: int, most: int) -> None:
    if not fewest <= len(args) <= most:
        raise SelectFailed("EvaluatorInvalidArguments", f"Incorrect number of arguments in the function call {name}.")


def _compared(sign: str, left: Expression, right: Expression) -> Expression:
    return lambda scope: compare(sign, left(scope), right(scope))


def _reckoned(sign: str, left: Expression, right: Expression) -> Expression:
    return lambda scope: reckon(sign, left(scope), right(scope))


def _joined(left: Expression, right: Expression) -> Expression:
    def joined(scope: Any) -> Value:
        a, b = left(scope), right(scope)
        return None if is_absent(a) or is_absent(b) else shown(a) + shown(b)

    return joined


def _both(left: Expression, right: Expression) -> Expression:
    def both(scope: Any) -> Value:
        a = left(scope)
        if a is False:
            return False
        b = right(scope)
        return False if b is False else True if a is True and b is True else None

    return both


def _either(left: Expression, right: Expression) -> Expression:
    def either(scope: Any) -> Value:
        a = left(scope)
        if a is True:
            return True
        b = right(scope)
        return True if b is True else False if a is False and b is False else None

    return either


def _negated(value: Value) -> Value:
    return not value if isinstance(value, bool) else None
