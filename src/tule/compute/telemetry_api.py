"""Subscriptions to telemetry: the Telemetry API, and the Logs API that it superseded.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html and runtimes-logs-api.html
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from tule.compute import platform_events
from tule.compute.extensions import Extensions
from tule.compute.instance_api import refused
from tule.compute.platform_log import PlatformLog
from tule.compute.telemetry import Buffering, Telemetry
from tule.compute.telemetry_push import Dial, HttpDestination, TcpDestination
from tule.wire.http import BodyTooLarge, Request, Response

TELEMETRY, LOGS = "/2022-07-01/", "/2020-08-15/"
SCHEMAS = {TELEMETRY: ("2022-07-01", "2022-12-13", "2025-01-29"), LOGS: ("2020-08-15", "2021-03-18")}
MAX_BODY_BYTES = 64 * 1024
_TYPES = ("platform", "function", "extension")
_HOSTS = ("sandbox.localdomain", "sandbox")
_BOUNDS = {"maxItems": (1000, 10_000, 10_000), "maxBytes": (262_144, 1_048_576, 262_144), "timeoutMs": (25, 30_000, 1000)}


class Malformed(Exception):
    """A subscription that cannot be, with what to say of it."""


class TelemetryApi:
    def __init__(self, extensions: Extensions, telemetry: Telemetry, platform: PlatformLog, dial: Dial) -> None:
        self._extensions = extensions
        self._telemetry = telemetry
        self._platform = platform
        self._dial = dial

    async def handle(self, request: Request) -> Response:
        version = request.path[: request.path.find("/", 1) + 1]
        word = "telemetry" if version == TELEMETRY else "logs"
        if request.method != "PUT" or request.path != version + word:
            return refused(404, "InvalidRequest", "Page not found")
        name = self._extensions.named(request.headers.get("lambda-extension-identifier", ""))
        if name is None:
            return refused(403, "Extension.UnknownExtensionIdentifier", "Unknown extension")
        if not self._extensions.accepts_registrations:
            family = word.capitalize()
            return refused(403, f"{family}.SubscriptionClosed", f"{family} API subscription is closed already")
        try:
            self._subscribe(name, json.loads(await request.stream.read(MAX_BODY_BYTES)), version)
        except (Malformed, BodyTooLarge, ValueError, AttributeError, TypeError) as error:
            return refused(400, "ValidationError", str(error))
        return Response(200, {"content-type": "text/plain"}, b"OK")

    def _subscribe(self, name: str, wanted: dict[str, Any], version: str) -> None:
        schema = str(wanted.get("schemaVersion") or SCHEMAS[version][0])
        if schema not in SCHEMAS[version]:
            raise Malformed(f"schemaVersion {schema} is not supported")
        types = [str(each) for each in wanted.get("types") or ()]
        if not types or any(each not in _TYPES for each in types):
            raise Malformed(f"types must be some of {', '.join(_TYPES)}")
        destination = self._destination(wanted.get("destination") or {})
        buffering = _buffering(wanted.get("buffering") or {})
        self._telemetry.subscribe(name, types, schema, destination, buffering)
        self._platform.tell(platform_events.subscription(version == LOGS, name, types))

    def _destination(self, wanted: dict[str, Any]) -> HttpDestination | TcpDestination:
        protocol = str(wanted.get("protocol", "")).upper()
        if protocol == "TCP":
            return TcpDestination(self._dial, _port(wanted.get("port")))
        if protocol != "HTTP":
            raise Malformed("destination.protocol must be HTTP or TCP")
        place = urlsplit(str(wanted.get("URI", "")))
        if place.scheme != "http" or place.hostname not in _HOSTS:
            raise Malformed("destination.URI must be of the form http://sandbox.localdomain:${PORT}/${PATH}")
        method = str(wanted.get("method", "POST")).upper()
        if method not in ("POST", "PUT"):
            raise Malformed("destination.method must be POST or PUT")
        return HttpDestination(self._dial, _port(place.port), place.path + (f"?{place.query}" if place.query else ""), method)


def _port(value: object) -> int:
    if not isinstance(value, int) or not 1024 <= value <= 65535 or value == 9001:
        raise Malformed("the destination's port must be between 1024 and 65535, and not 9001")
    return value


def _buffering(wanted: dict[str, Any]) -> Buffering:
    values: dict[str, int] = {}
    for key, (least, most, default) in _BOUNDS.items():
        value = wanted.get(key, default)
        if not isinstance(value, int) or not least <= value <= most:
            raise Malformed(f"buffering.{key} must be between {least} and {most}")
        values[key] = value
    return Buffering(values["maxItems"], values["maxBytes"], values["timeoutMs"] / 1000)
