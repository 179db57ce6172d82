"""AWS Lambda.  AWS: https://docs.aws.amazon.com/lambda/latest/api/welcome.html

Functions from .zip archives: layers, configuration, resource policies, versions and aliases, concurrency reserved and provisioned,
invocation with and without waiting, streamed answers, function URLs, durable executions, event source mappings.  Not built, and
answered 501 by name: container images, customer-managed runtimes, accelerators, event source mappings of Kafka, MQ and
DocumentDB.
Known to differ: a function is active as soon as CreateFunction has answered; capacity providers manage no instances (see
`capacity.py`); VpcConfig is kept but joins no network; file systems are kept but not mounted; every package counts as unsigned; runtimes are
those of the host, whatever the runtime management says; X-Ray samples all of an active function's traces.  Layers of accounts that
are not on this installation (the public ones of AWS and others) are kept in the configuration and left out when the function runs,
which its log and its StateReason say, or refused with `strict_runtimes`.
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.lambda_ import paths, state
from tule.services.lambda_.durable import state as durable


def _load() -> Service:
    from tule.services.lambda_.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("lambda", _load, schema=state.SCHEMA + durable.SCHEMA, pages=(paths.DOWNLOADS, paths.URLS), sites=(paths.URL_SITE,))
