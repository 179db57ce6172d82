"""What a destination must say, and must not.  AWS: Amazon Data Firehose API reference and developer guide."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tule.core.errors import not_implemented
from tule.services.firehose import errors, jq, prefixes
from tule.services.firehose.destinations.settings import Config, Kind
from tule.services.firehose.prefixes import InvalidPrefix

_PARTITIONED_MB = 64
_REQUIRED: dict[str, tuple[str, ...]] = {
    "HttpEndpoint": ("EndpointConfiguration",),
    "Redshift": ("ClusterJDBCURL", "CopyCommand", "RoleARN"),
    "Splunk": ("HECEndpoint", "HECEndpointType"),
}


def check(kind: Kind, config: Config, *, strict: bool) -> None:
    """Raises InvalidArgumentException for what contradicts itself, and NotImplemented for what would be without effect.

    AWS takes endpoints with TLS only; so do strict nodes, while a laptop's own servers may go without.
    """
    for name in _REQUIRED.get(kind.name, ()):
        if name not in config:
            raise errors.invalid_argument(f"{name} must be specified.")
    if kind.name == "HttpEndpoint" and strict and not config["EndpointConfiguration"]["Url"].startswith("https://"):
        raise errors.invalid_argument("The URL of an HTTP endpoint must begin with https://.")
    s3: Config = config if kind.name in ("S3", "ExtendedS3") else config["S3Configuration"]
    for part in (s3, config.get("S3BackupConfiguration")):
        if part is not None:
            _check_s3(part)
    if kind.name == "ExtendedS3":
        _check_extended(config)
    _check_processors(config)


def _check_s3(config: Config) -> None:
    for name in ("RoleARN", "BucketARN"):
        if name not in config:
            raise errors.invalid_argument(f"{name} must be specified.")
    prefix, error_prefix = config.get("Prefix", ""), config.get("ErrorOutputPrefix", "")
    try:
        prefixes.check(prefix, is_error=False)
        prefixes.check(error_prefix, is_error=True)
    except InvalidPrefix as error:
        raise errors.invalid_argument(f"Prefix is invalid: {error}.") from error
    if prefixes.has_expression(prefix) and not error_prefix:
        raise errors.invalid_argument("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.")
    if prefixes.has_expression(error_prefix) and "!{firehose:error-output-type}" not in error_prefix:
        raise errors.invalid_argument("ErrorOutputPrefix must contain at least one instance of !{firehose:error-output-type}.")


def _check_extended(config: Config) -> None:
    if (config.get("DataFormatConversionConfiguration") or {}).get("Enabled", "DataFormatConversionConfiguration" in config):
        raise not_implemented("firehose", "DataFormatConversionConfiguration")
    if config.get("S3BackupMode") == "Enabled" and "S3BackupConfiguration" not in config:
        raise errors.invalid_argument("S3BackupConfiguration must be specified when S3BackupMode is Enabled.")
    try:
        ZoneInfo(config.get("CustomTimeZone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise errors.invalid_argument(f"CustomTimeZone {config['CustomTimeZone']} is invalid.") from error
    names = prefixes.partition_names(config.get("Prefix", ""))
    if (config.get("DynamicPartitioningConfiguration") or {}).get("Enabled"):
        if not names:
            raise errors.invalid_argument("Prefix must contain at least one partition key expression when dynamic partitioning is enabled.")
        if config["BufferingHints"].get("SizeInMBs", _PARTITIONED_MB) < _PARTITIONED_MB:
            raise errors.invalid_argument(f"BufferingHints.SizeInMBs must be at least {_PARTITIONED_MB} when Dynamic Partitioning is enabled.")
        _check_sources(config, {space for space, _ in names})
    elif names:
        raise errors.invalid_argument("Prefix must not contain partition key expressions when dynamic partitioning is not enabled.")


def _check_sources(config: Config, spaces: set[str]) -> None:
    kinds = {entry["Type"] for entry in _processors(config)}
    for space, kind in (("partitionKeyFromQuery", "MetadataExtraction"), ("partitionKeyFromLambda", "Lambda")):
        if space in spaces and kind not in kinds:
            raise errors.invalid_argument(f"{kind} processor should be present when S3 Prefix has {space} namespace.")


def _check_processors(config: Config) -> None:
    needed = {
        "Lambda": ("LambdaArn",),
        "MetadataExtraction": ("MetadataExtractionQuery", "JsonParsingEngine"),
        "RecordDeAggregation": ("SubRecordType",),
    }
    for entry in _processors(config):
        given = {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in entry.get("Parameters") or ()}
        for name in needed.get(entry["Type"], ()):
            if name not in given:
                raise errors.invalid_argument(f"Processor {entry['Type']} must have the parameter {name}.")
        if "MetadataExtractionQuery" in given:
            _check_query(given["MetadataExtractionQuery"])
        if entry["Type"] == "RecordDeAggregation" and given["SubRecordType"] == "DELIMITED" and "Delimiter" not in given:
            raise errors.invalid_argument("Delimiter must be specified for the SubRecordType DELIMITED.")
        _check_numbers(given)


def _check_query(query: str) -> None:
    try:
        jq.compile_query(query)
    except jq.InvalidQuery as error:
        raise errors.invalid_argument(f"MetadataExtractionQuery is invalid: {error}") from error


def _check_numbers(given: dict[str, str]) -> None:
    limits = {"NumberOfRetries": (0, 300), "BufferSizeInMBs": (0.2, 3), "BufferIntervalInSeconds": (0, 900)}
    for name, (least, most) in limits.items():
        if name in given and not (_is_number(given[name]) and least <= float(given[name]) <= most):
            raise errors.invalid_argument(f"{name} must be a number from {least} to {most}.")


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _processors(config: Config) -> list[dict[str, Any]]:
    processing: Config = config.get("ProcessingConfiguration") or {}
    return list(processing.get("Processors") or ()) if processing.get("Enabled") else []
