"""XML in: expat into small nodes.  DOCTYPE and entities are refused, depth is limited; so there are no XML bombs."""

from __future__ import annotations

from xml.parsers import expat

from tule.wire.malformed import Malformed

MAX_DEPTH = 100


class Node:
    """One element: its name without namespace prefix, attributes as written, children in order, and text."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Node] = []
        self.text = ""


def parse(data: bytes) -> Node:
    """The root element; raises Malformed for anything that is not one well-formed document."""
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, UnicodeError, ValueError) as error:
        raise Malformed(str(error)) from error
    if builder.root is None:
        raise Malformed("no element found")
    return builder.root


def _refuse_doctype(*_: object) -> None:
    raise Malformed("a DOCTYPE is not allowed")


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        node = Node(name.rpartition(":")[2], attributes)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)
        if len(self._open) > MAX_DEPTH:
            raise Malformed("the document is nested too deeply")

    def end(self, _: str) -> None:
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].text += text
