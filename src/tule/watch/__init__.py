"""Telemetry, in a store of its own that may lose its last second: logs, metrics, traces, the meter.  Knows no AWS service's API."""
