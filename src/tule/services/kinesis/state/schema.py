"""Kinesis's tables."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE kinesis_numbers (
    name TEXT NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL
);
CREATE TABLE kinesis_streams (
    id INTEGER NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    layout TEXT NOT NULL,
    config BLOB NOT NULL
);
CREATE UNIQUE INDEX kinesis_streams_by_name ON kinesis_streams (account, region, name);
CREATE TABLE kinesis_positions (
    stream INTEGER NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL,
    last_ms INTEGER NOT NULL
);
CREATE TABLE kinesis_shards (
    number INTEGER NOT NULL PRIMARY KEY,
    stream INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    start_key TEXT NOT NULL,
    end_key TEXT NOT NULL,
    parent INTEGER,
    adjacent INTEGER,
    opened_s INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_ms INTEGER,
    closed_at INTEGER
);
CREATE UNIQUE INDEX kinesis_shards_of_stream ON kinesis_shards (stream, shard);
CREATE TABLE kinesis_records (
    id INTEGER NOT NULL PRIMARY KEY,
    arrived_ms INTEGER NOT NULL,
    size INTEGER NOT NULL,
    fragment BLOB NOT NULL
);
CREATE TABLE kinesis_consumers (
    stream INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    config BLOB NOT NULL,
    PRIMARY KEY (stream, name)
);
CREATE TABLE kinesis_queues (
    id INTEGER NOT NULL PRIMARY KEY,
    stream INTEGER NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    config BLOB NOT NULL
);
CREATE UNIQUE INDEX kinesis_queues_by_name ON kinesis_queues (account, region, name);
CREATE INDEX kinesis_queues_of_stream ON kinesis_queues (stream);
CREATE TABLE kinesis_queue_cursors (
    queue INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    after INTEGER NOT NULL,
    PRIMARY KEY (queue, shard)
);
CREATE TABLE kinesis_queue_records (
    queue INTEGER NOT NULL,
    record INTEGER NOT NULL,
    receives INTEGER NOT NULL,
    received INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    PRIMARY KEY (queue, record)
);
CREATE INDEX kinesis_queue_records_visible ON kinesis_queue_records (queue, dead, visible_ms);
"""
