"""Reading a statement word by word: literals, names, paths and terms, which all statements are made of."""

from __future__ import annotations

from typing import NoReturn

from tule.core.errors import ServiceError, validation
from tule.lang.dynamodb import numbers
from tule.lang.dynamodb.syntax import Call, Operand, Path, Step, Term
from tule.lang.partiql.syntax import Bag, Constant, Literal, Parameter, Sequence, Structure, Wording
from tule.lang.partiql.tokens import Token, not_well_formed, place, split

_OPERATORS = ("IS", "LIKE", "AND", "OR", "IN", "BETWEEN")
_LARGEST = 2**31 - 1  # of an exponent, and of a scale

DEEPEST = 64  # parentheses, lists and calls within one another


class Reader:
    """`wording` collects names, values and parameters."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = split(text)
        self._at = 0
        self._depth = 0
        self.wording = Wording()

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def next(self) -> Token:
        """This word; the one after it becomes the next."""
        token = self._tokens[self._at]
        self._at += 1
        return token

    def at(self, *symbols: str) -> bool:
        """Whether the next word is one of these symbols."""
        return self.token.kind == "symbol" and self.token.text in symbols

    def at_keyword(self, *keywords: str) -> bool:
        """Whether the next word is one of these keywords."""
        return self.token.kind == "keyword" and self.token.text in keywords

    def at_word(self, *words: str) -> bool:
        """Whether the next word is one of these, keyword or not."""
        return self.token.kind in ("keyword", "name") and self.token.text.upper() in words

    def takes(self, symbol: str) -> bool:
        """Go past this symbol if it comes next."""
        if self.at(symbol):
            self.next()
            return True
        return False

    def takes_keyword(self, keyword: str) -> bool:
        """Go past this keyword if it comes next."""
        if self.at_keyword(keyword):
            self.next()
            return True
        return False

    def expect(self, symbol: str) -> None:
        """Go past this symbol, or refuse."""
        if not self.takes(symbol):
            self.refuse()

    def expect_keyword(self, keyword: str) -> None:
        """Go past this keyword, or refuse."""
        if not self.takes_keyword(keyword):
            self.refuse()

    def refuse(self, what: str = "") -> NoReturn:
        """The next word cannot stand here."""
        kind = "operator" if self.at_keyword(*_OPERATORS) else self.token.kind if self.token.kind == "keyword" else "term"
        raise not_well_formed(what or f"Unexpected {kind}")

    def refuse_at(self, what: str, token: Token) -> NoReturn:
        """Something is wrong with what begins at a word."""
        raise validation(f"{what} at {place(self._text, token)}")

    def check_left_over(self) -> None:
        """Refuse what follows a complete statement."""
        if self.token.kind != "end":
            self.refuse("Unexpected token after expression")

    def deeper(self) -> None:
        """One level down; refuses what is nested without end."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise not_well_formed("Nested too deeply")

    def back(self) -> None:
        """One level up."""
        self._depth -= 1

    def identifier(self) -> str:
        """A name, quoted or not."""
        if self.token.kind not in ("name", "quoted"):
            self.refuse("Unexpected keyword" if self.token.kind == "keyword" else "Expected identifier for simple path")
        return self.next().text

    def path(self) -> Path:
        """`a.b[0]`, with placeholders for the names."""
        steps: list[Step] = [self._named(self.identifier())]
        while True:
            if self.takes("."):
                if self.token.kind not in ("name", "quoted"):
                    self.refuse("Invalid path dot component")
                steps.append(self._named(self.identifier()))
            elif self.takes("["):
                steps.append(self._element())
                self.expect("]")
            else:
                return Path(tuple(steps))

    def term(self) -> Term:
        """A path, a function's value, or a literal, for which a placeholder stands."""
        if self.at_call():
            return self.call()
        if self.token.kind in ("name", "quoted"):
            return self.path()
        return self.placeholder(self.literal())

    def at_call(self) -> bool:
        """Whether a function's name comes next."""
        named = self.token.kind == "name" or self.at_keyword("EXISTS")
        following = self._tokens[self._at + 1] if named else self.token
        return named and following.kind == "symbol" and following.text == "("

    def first_operand(self) -> Token:
        """The word after the parenthesis of the call that comes next."""
        return self._tokens[self._at + 2]

    def call(self) -> Call:
        """Function names are of any case."""
        function = self.next().text.lower()
        self.deeper()
        self.expect("(")
        operands: list[Term] = []
        while not self.at(")"):
            operands.append(self.term())
            if not self.takes(","):
                break
        self.expect(")")
        self.back()
        return Call(function, tuple(operands))

    def placeholder(self, literal: Literal) -> Operand:
        """Something that stands for the literal in a tree."""
        name = f":{len(self.wording.values)}"
        self.wording.values[name] = literal
        return Operand(name)

    def literal(self, path: str = "root") -> Literal:
        """A value that is written out, or a parameter; `path` leads to it from the value that it is part of."""
        token = self.token
        if token.kind == "text":
            return Constant({"S": self.next().text})
        if token.kind == "number" or self.at("-", "+"):
            return Constant({"N": self._number(path)})
        if self.at_keyword("TRUE", "FALSE"):
            return Constant({"BOOL": self.next().text == "TRUE"})
        if self.takes_keyword("NULL"):
            return Constant({"NULL": True})
        if self.takes("?"):
            self.wording.parameters += 1
            return Parameter(self.wording.parameters - 1)
        if self.at_call():
            self.refuse_at(f"Unsupported data type: {token.text.lower()} under key {path}", token)
        return self._collection(path)

    def item(self) -> Literal:
        """What INSERT puts: a structure, of whose members each is a value of its own."""
        return self._structure("") if self.takes("{") else self.literal()

    def _collection(self, path: str) -> Literal:
        self.deeper()
        found: Literal
        if self.takes("["):
            found = Sequence(self._elements("]", path))
        elif self.takes("<<"):
            found = Bag(self._elements(">>", path))
            if not found.elements:
                raise validation("Empty bags are not supported")
        elif self.takes("{"):
            found = self._structure(path)
        else:
            self.refuse()
        self.back()
        return found

    def _elements(self, closing: str, path: str) -> tuple[Literal, ...]:
        elements: list[Literal] = []
        while not self.at(closing):
            elements.append(self.literal(f"{path}[{len(elements)}]"))
            if not self.takes(","):
                break
        self.expect(closing)
        return tuple(elements)

    def _structure(self, path: str) -> Structure:
        members: dict[str, Literal] = {}
        while not self.at("}"):
            if self.token.kind not in ("text", "quoted", "name"):
                self.refuse()
            name = self.next().text
            self.expect(":")
            members[name] = self.literal(f"{path}.{name}" if path else "root")
            if not self.takes(","):
                break
        self.expect("}")
        return Structure(members)

    def _number(self, path: str) -> str:
        sign = self.next().text if self.token.kind == "symbol" else ""
        if self.token.kind != "number":
            self.refuse()
        text = sign + self.next().text
        if not _is_decimal(text):
            raise not_well_formed("")
        try:
            return numbers.canonical(text)
        except ServiceError as error:
            raise validation(f"{error.message} under {path}") from None

    def _element(self) -> Step:
        if self.token.kind == "text":
            return self._named(self.next().text)
        if self.token.kind != "number" or not self.token.text.isdigit():
            self.refuse("Unexpected path component")
        return int(self.next().text)

    def _named(self, name: str) -> str:
        placeholder = f"#{len(self.wording.names)}"
        self.wording.names[placeholder] = name
        return placeholder


def _is_decimal(text: str) -> bool:
    """Whether exponent and scale fit into 32 bits, as those of Java's decimals do."""
    mantissa, _, exponent = text.lower().partition("e")
    power = int(exponent or "0")
    scale = len(mantissa.partition(".")[2]) - power
    return -_LARGEST - 1 <= power <= _LARGEST and -_LARGEST - 1 <= scale <= _LARGEST
