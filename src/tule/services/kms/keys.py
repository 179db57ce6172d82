"""The keys that a node knows, so that an encryption costs no look at the store.

What changes a key wakes `state.CHANGED`, and every node forgets what it knows: this one before the change is answered,
others a moment later.  AWS: "AWS KMS eventual consistency".
"""

from __future__ import annotations

from collections.abc import Callable

from tule.platform.call import Call
from tule.platform.node import Node
from tule.services.kms import ciphertext, errors, managed, names, state
from tule.services.kms.key import Key, Material
from tule.services.kms.names import Ref
from tule.services.kms.sealing import Sealer, bound_to, sealer
from tule.store.store import Tx

_MEMORY = "kms.keys"
_MAX_KNOWN = 100_000


class Keys:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._by_name: dict[tuple[str, str, str], Key] = {}
        self._changes = 0
        node.store.subscribe(state.CHANGED, self.forget)

    def forget(self) -> None:
        self._changes += 1
        self._by_name.clear()

    async def named(self, call: Call, text: str) -> Key:
        """The key that a call names.  Raises NotFoundException, InvalidArnException."""
        known = self._by_name.get((call.account, call.region, text))
        if known is not None:
            return known
        key = await self.find(call, text)
        if key is not None:
            return key
        ref = names.parse(text, call.account, call.region)
        raise errors.no_alias(names.arn_of(ref)) if ref.is_alias else errors.no_key(names.arn_of(ref))

    async def find(self, call: Call, text: str) -> Key | None:
        """The same, or None where there is no such key.  Raises NotFoundException for what cannot be the name of one."""
        ref = names.parse(text, call.account, call.region)
        key = await self._load((call.account, call.region, text), lambda tx: resolve(tx, ref))
        if key is None and ref.id.startswith(names.MANAGED):
            return await self._make_managed(call, ref)
        return key

    async def of_ciphertext(self, call: Call, sealed: ciphertext.Sealed) -> Key | None:
        """The key that a blob names, whoever's it is."""
        name = ("", call.region, sealed.key_id)
        known = self._by_name.get(name)
        if known is not None:
            return known

        def find(tx: Tx) -> Ref | None:
            found = state.key_anywhere(tx, call.region, sealed.key_id)
            return None if found is None else Ref(found[0], call.region, sealed.key_id)

        return await self._load(name, find)

    async def again(self, key: Key) -> Key | None:
        """The key as it stands in the store: another node may have rotated it a moment ago."""
        ref = Ref(key.account, key.region, key.id)
        return await self._load(("", key.region, key.id), lambda tx: ref)

    async def _make_managed(self, call: Call, ref: Ref) -> Key | None:
        if not managed.is_made_for(call, ref):
            return None
        made = await managed.make(call.node, ref)
        return await self._load((call.account, call.region, ref.id), lambda tx: made)

    async def _load(self, name: tuple[str, str, str], find: Callable[[Tx], Ref | None]) -> Key | None:
        box = await sealer(self._node)
        changes = self._changes

        def read(tx: Tx) -> Key | None:
            ref = find(tx)
            return None if ref is None else loaded(tx, box, ref)

        key = await self._node.store.read(read)
        if key is not None and changes == self._changes:  # else it may be old already
            if len(self._by_name) >= _MAX_KNOWN:
                self._by_name.clear()
            self._by_name[name] = key
        return key


def resolve(tx: Tx, ref: Ref) -> Ref | None:
    """The key behind an alias."""
    if not ref.is_alias:
        return ref
    alias = state.ALIASES.get(tx, ref.account, ref.region, ref.id)
    return None if alias is None else Ref(ref.account, ref.region, alias["key"])


def loaded(tx: Tx, box: Sealer, ref: Ref) -> Key | None:
    document = state.key(tx, ref.account, ref.region, ref.id)
    if document is None:
        return None
    home = state.home_of(document, ref.region)
    rows = state.materials(tx, ref.account, home, ref.id)
    unsealed = [Material(row, ref.id, box.open(row.sealed, bound_to(ref.account, home, ref.id, row.id)) if row.sealed else b"") for row in rows]
    return Key(ref.account, ref.region, document, unsealed, state.grants(tx, ref.account, ref.region, ref.id))


def keys(node: Node) -> Keys:
    known = node.memory.get(_MEMORY)
    if known is None:
        known = node.memory[_MEMORY] = Keys(node)
    return known
