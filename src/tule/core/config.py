"""Configuration: flags over `TULE_*` environment over a file (`tule.toml`) over defaults.  One frozen object."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints


@dataclass(slots=True, frozen=True)
class Config:
    """`TULE_PORT=4567` sets `port`; a file `tule.toml` has the same names; flags win."""

    host: str = "127.0.0.1"
    port: int = 4566
    data: str = ""  # directory; empty: `.tule` in the working directory
    store: str = ""  # postgresql://...; empty: SQLite in `data`
    blobs: str = ""  # s3://bucket/prefix and others that obstore knows; empty: files in `data`
    ephemeral: bool = False  # nothing is fsynced, and all is gone when the node stops
    strict: bool = False  # only known keys; no reset; needed to listen beyond loopback
    strict_runtimes: bool = False  # refuse a runtime whose version is not installed
    tls_certificate: str = ""
    tls_key: str = ""
    account: str = "000000000000"
    region: str = "us-east-1"
    sandbox_minimum: int = 4  # 1 best ... 4 plain processes; functions do not run below it
    egress: str = "open"  # open, none, or a comma-separated allow-list of hosts
    instance_idle_s: float = 300.0
    parked: int = 2  # instances kept started ahead for each runtime in use
    concurrency: int = 1000
    clock: str = "real"  # real, frozen, or a speed such as 60
    log_level: str = "info"
    max_header_bytes: int = 65_536
    max_body_bytes: int = 72 * 1024 * 1024  # of operations that do not stream
    request_timeout_s: float = 60.0  # without any byte from the client
    shutdown_grace_s: float = 10.0
    access_log: bool = False  # one JSON line a request in the data directory's access.log
    throttling: str = ""  # on or off: throughput limits of shards and the like; empty: on in strict mode
    chaos: bool = False  # run every transaction twice; for tests

    @property
    def data_path(self) -> Path:
        return Path(self.data or ".tule").resolve()

    @property
    def throttled(self) -> bool:
        """Whether AWS's throughput limits are held, which keep a laptop's tests waiting for nothing."""
        return self.throttling == "on" or (self.strict and self.throttling != "off")


class ConfigError(ValueError):
    """A value that cannot be used, naming where it came from."""


def load(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None, file: Path | None = None) -> Config:
    """Raises ConfigError for unknown names in the file and for values of the wrong kind."""
    environment = os.environ if environment is None else environment
    hints = get_type_hints(Config)
    values: dict[str, Any] = {}
    path = file or Path(environment.get("TULE_CONFIG", "tule.toml"))
    if path.is_file():
        for name, value in tomllib.loads(path.read_text()).items():
            if name not in hints:
                raise ConfigError(f"{path}: unknown setting {name!r}")
            values[name] = _typed(name, value, hints[name], str(path))
    for name in hints:
        text = environment.get(f"TULE_{name.upper()}")
        if text is not None:
            values[name] = _typed(name, text, hints[name], f"TULE_{name.upper()}")
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = _typed(name, value, hints[name], f"--{name.replace('_', '-')}")
    return dataclasses.replace(Config(), **values)


def _typed(name: str, value: Any, kind: type, origin: str) -> Any:
    try:
        if kind is bool:
            if isinstance(value, bool):
                return value
            lowered = str(value).strip().lower()
            if lowered in ("1", "true", "yes", "on"):
                return True
            if lowered in ("0", "false", "no", "off", ""):
                return False
            raise ValueError(value)
        return kind(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{origin}: {name} must be {kind.__name__}, not {value!r}") from error
