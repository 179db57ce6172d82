"""AWS Security Token Service: who am I, and temporary credentials.

Credentials are not kept anywhere: they carry themselves (`access/sessions.py`).
AWS: https://docs.aws.amazon.com/STS/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.service import Room, Service


def _load() -> Service:
    from tule.services.sts.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("sts", _load)
