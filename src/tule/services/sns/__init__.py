"""Amazon SNS: topics and their subscribers.  AWS: https://docs.aws.amazon.com/sns/latest/api/welcome.html

Standard and FIFO topics; subscriptions of all protocols with filter policies, retries and dead letters; archives and replays;
mobile applications and text messages, which are kept and can be looked at (`pages.py`), as e-mail is (`platform/mailbox.py`).
Known to differ: data protection policies find what has
a pattern or check digits (`data_identifiers.py`), and neither names nor what only a keyword nearby gives away; no account is in
the SMS sandbox; filter policies hold at once, not within fifteen minutes.
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.sns import paths
from tule.services.sns.state import SCHEMA


def _load() -> Service:
    from tule.services.sns.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("sns", _load, schema=SCHEMA, pages=(paths.CERTIFICATES, paths.OPT_OUT))
