"""Amazon Data Firehose.

AWS: https://docs.aws.amazon.com/firehose/latest/APIReference/Welcome.html

Records are rows until the object that holds them is acknowledged; buffers are emptied by jobs on the node's clock.
Known to differ: streams are ACTIVE at once and gone at once; a Redshift, OpenSearch, Splunk, Snowflake or Iceberg destination
can be configured, but is never reached, so that its records end in the error output; queries of dynamic partitioning are a part
of jq (`jq.py` says which); Snappy's formats are not made smaller; AWS's own key encrypts nothing that the stream keeps; HTTP endpoints
without TLS are taken where the node is not strict.  Not built yet, and answered 501: conversion to Parquet and ORC, MSK and
databases as sources.
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.firehose.state.buffers import SCHEMA


def _load() -> Service:
    from tule.services.firehose.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("firehose", _load, schema=SCHEMA)
