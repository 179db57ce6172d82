"""What must be known of every service before any model is loaded: enough to tell whose request this is.

The data file is made by `scripts/generate_wire_index.py` from the botocore models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

_FILE = Path(__file__).parent / "data" / "index.json"


@dataclass(slots=True, frozen=True)
class Index:
    """`target_prefixes`: X-Amz-Target's part before the last dot, to service.

    `versions`: API version of query and ec2 services, to service.  `signing_names`: credential scope's service to
    the services that sign so.  `first_segments`: first path segment to the REST services that use it.
    `rpc_names`: the service's name in an rpc path (`GraniteServiceVersion20100801`), to service.
    `protocols`: service to protocol.
    """

    target_prefixes: Mapping[str, str]
    versions: Mapping[str, str]
    signing_names: Mapping[str, Sequence[str]]
    first_segments: Mapping[str, Sequence[str]]
    rpc_names: Mapping[str, str]
    protocols: Mapping[str, str]


def load_index() -> Index:
    return Index(**orjson.loads(_FILE.read_bytes()))
