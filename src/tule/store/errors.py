"""What can be wrong with a store, each in words that tell what to do."""

from __future__ import annotations

import errno


class StoreError(Exception):
    """The store cannot do what was asked.  Nothing of the transaction was kept, unless the subclass says otherwise."""


class StoreFull(StoreError):
    """No room left on the disk.  The store works again when there is room."""


class StoreUnavailable(StoreError):
    """An I/O error, a lost connection, a lock held by somebody else.  Trying again later may help."""


class CommitUnknown(StoreUnavailable):
    """The connection broke while committing: the transaction may have happened."""


class StoreContended(StoreError):
    """A transaction lost against others again and again."""


class UnstorableText(StoreError):
    """A text with a character that the database cannot keep: NUL, in PostgreSQL."""


class StoreClosed(StoreError):
    """The node is stopping."""


class StoreInUse(StoreError):
    """Another node works in this data directory."""


class SchemaMismatch(StoreError):
    """The database was made by a newer Tule, or one of its migrations is not the one that this Tule knows."""


class BackupError(StoreError):
    """A backup that cannot be read, or a store that is not empty."""


NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def is_no_room(error: OSError) -> bool:
    """Whether a file could not grow: a full disk, a quota, a size limit."""
    return error.errno in NO_ROOM
