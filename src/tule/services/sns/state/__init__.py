"""SNS's tables.  Nothing else of the service knows SQL."""

from __future__ import annotations

from tule.services.sns.state import archive, fifo, outbox, subscriptions, tokens, topics

SCHEMA = "".join(room.SCHEMA for room in (topics, subscriptions, tokens, fifo, archive, outbox))
