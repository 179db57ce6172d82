"""The tables of SQS, and all SQL about them."""

from __future__ import annotations

from tule.services.sqs.state import attempts, backlogs, deduplication, groups, messages

SCHEMA = messages.SCHEMA + groups.SCHEMA + deduplication.SCHEMA + attempts.SCHEMA + backlogs.SCHEMA
