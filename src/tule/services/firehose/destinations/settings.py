"""A delivery stream's destination: which kind it is, what it was told, and what it does where it was told nothing.

A destination is kept with the members of its `...DestinationConfiguration`.
AWS: Amazon Data Firehose API reference, CreateDeliveryStream, UpdateDestination, DestinationDescription.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tule.services.firehose.state.streams import Stream

Config = dict[str, Any]

MIB = 1024 * 1024


@dataclass(slots=True, frozen=True)
class Kind:
    """`error_type` names the folder of what cannot be delivered; `all_mode` is the S3BackupMode that keeps everything."""

    name: str
    configuration: str
    update: str
    description: str
    error_type: str
    all_mode: str = ""
    failed_mode: str = ""
    retry_s: int = 300
    interval_s: int = 300
    size_mb: float = 5


_ALL = (
    Kind("ExtendedS3", "ExtendedS3DestinationConfiguration", "ExtendedS3DestinationUpdate", "ExtendedS3DestinationDescription", "", "Enabled"),
    Kind("S3", "S3DestinationConfiguration", "S3DestinationUpdate", "S3DestinationDescription", ""),
    Kind(
        "HttpEndpoint", "HttpEndpointDestinationConfiguration", "HttpEndpointDestinationUpdate", "HttpEndpointDestinationDescription",
        "http-endpoint-failed", "AllData", "FailedDataOnly",
    ),
    Kind(
        "Redshift", "RedshiftDestinationConfiguration", "RedshiftDestinationUpdate", "RedshiftDestinationDescription", "redshift-failed", "Enabled",
        "Disabled", retry_s=3600,
    ),
    Kind(
        "Elasticsearch", "ElasticsearchDestinationConfiguration", "ElasticsearchDestinationUpdate", "ElasticsearchDestinationDescription",
        "elasticsearch-failed", "AllDocuments", "FailedDocumentsOnly",
    ),
    Kind(
        "AmazonOpenSearch", "AmazonopensearchserviceDestinationConfiguration", "AmazonopensearchserviceDestinationUpdate",
        "AmazonopensearchserviceDestinationDescription", "AmazonOpenSearchService_failed", "AllDocuments", "FailedDocumentsOnly",
    ),
    Kind(
        "AmazonOpenSearchServerless", "AmazonOpenSearchServerlessDestinationConfiguration", "AmazonOpenSearchServerlessDestinationUpdate",
        "AmazonOpenSearchServerlessDestinationDescription", "AmazonOpenSearchServerless_failed", "AllDocuments", "FailedDocumentsOnly",
    ),
    Kind(
        "Splunk", "SplunkDestinationConfiguration", "SplunkDestinationUpdate", "SplunkDestinationDescription", "splunk-failed", "AllEvents",
        "FailedEventsOnly", interval_s=60,
    ),
    Kind(
        "Snowflake", "SnowflakeDestinationConfiguration", "SnowflakeDestinationUpdate", "SnowflakeDestinationDescription", "snowflake-failed",
        "AllData", "FailedDataOnly", retry_s=60, interval_s=0, size_mb=1,
    ),
    Kind(
        "Iceberg", "IcebergDestinationConfiguration", "IcebergDestinationUpdate", "IcebergDestinationDescription", "iceberg-failed", "AllData",
        "FailedDataOnly",
    ),
)  # fmt: skip
KINDS = {kind.name: kind for kind in _ALL}

_S3_DEFAULTS: Config = {
    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "CompressionFormat": "UNCOMPRESSED",
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "CloudWatchLoggingOptions": {"Enabled": False},
}


@dataclass(slots=True, frozen=True)
class Hints:
    """A buffer is emptied when it holds so much, or when its oldest record is so old."""

    bytes: int
    interval_ms: int


def given(params: Config, part: str) -> tuple[Kind, Config] | None:
    """The destination that a request names by members such as `...DestinationConfiguration` (`part` says which)."""
    for kind in _ALL:
        member = getattr(kind, part)
        if member in params:
            return kind, params[member]
    return None


def kind_of(stream: Stream) -> Kind:
    return KINDS[stream["kind"]]


def complete(kind: Kind, config: Config) -> Config:
    """With the defaults that a description shows."""
    shown: Config
    if kind.name in ("S3", "ExtendedS3"):
        shown = {**_S3_DEFAULTS, **config}
        if "BufferingHints" not in config and (config.get("DynamicPartitioningConfiguration") or {}).get("Enabled"):
            shown["BufferingHints"] = {"SizeInMBs": 128, "IntervalInSeconds": 300}
        if kind.name == "ExtendedS3":
            shown = {"S3BackupMode": "Disabled", "ProcessingConfiguration": {"Enabled": False, "Processors": []}, **shown}
            if "S3BackupConfiguration" in shown:
                shown["S3BackupConfiguration"] = {**_S3_DEFAULTS, **shown["S3BackupConfiguration"]}
        return shown
    shown = {
        "CloudWatchLoggingOptions": {"Enabled": False},
        "ProcessingConfiguration": {"Enabled": False, "Processors": []},
        "RetryOptions": {"DurationInSeconds": kind.retry_s},
        "S3BackupMode": kind.failed_mode,
        **config,
        "S3Configuration": {**_S3_DEFAULTS, **config["S3Configuration"]},
    }
    if kind.name != "Redshift":
        shown.setdefault("BufferingHints", {"SizeInMBs": kind.size_mb, "IntervalInSeconds": kind.interval_s})
    if kind.name == "HttpEndpoint":
        shown.setdefault("RequestConfiguration", {"ContentEncoding": "NONE", "CommonAttributes": []})
    if "S3BackupConfiguration" in shown:
        shown["S3BackupConfiguration"] = {**_S3_DEFAULTS, **shown["S3BackupConfiguration"]}
    return shown


_UPDATE_NAMES = {"S3Update": "S3Configuration", "S3BackupUpdate": "S3BackupConfiguration"}


def merged(kind: Kind, current: Config, update: Config) -> Config:
    """A configuration with what an update says; what it does not say stays."""
    changed = {_UPDATE_NAMES.get(name, name): value for name, value in update.items()}
    for name in ("S3Configuration", "S3BackupConfiguration"):
        if name in changed:
            changed[name] = {**current.get(name, {}), **changed[name]}
    return complete(kind, {**current, **changed})


def described(kind: Kind, config: Config) -> Config:
    """As DestinationDescription's member; the writer leaves out what only a configuration has (secrets)."""
    shown = dict(config)
    for name, new_name in (("S3Configuration", "S3DestinationDescription"), ("S3BackupConfiguration", "S3BackupDescription")):
        if name in shown:
            shown[new_name] = shown.pop(name)
    return shown


def s3_of(stream: Stream) -> Config:
    """The S3 configuration for the data (S3 destinations) and for what goes wrong."""
    config: Config = stream["destination"]
    return config if stream["kind"] in ("S3", "ExtendedS3") else config["S3Configuration"]


def backup_of(stream: Stream) -> Config | None:
    """Where all source records are kept as well, or None."""
    config: Config = stream["destination"]
    if not kind_of(stream).all_mode or config.get("S3BackupMode") != kind_of(stream).all_mode:
        return None
    return config["S3BackupConfiguration"] if stream["kind"] in ("ExtendedS3", "Redshift") else config["S3Configuration"]


def output_hints(stream: Stream) -> Hints:
    config: Config = stream["destination"]
    return _hints(config.get("BufferingHints") or s3_of(stream)["BufferingHints"], kind_of(stream))


def s3_hints(config: Config) -> Hints:
    return _hints(config["BufferingHints"], KINDS["S3"])


def _hints(hints: Config, kind: Kind) -> Hints:
    return Hints(int(hints.get("SizeInMBs", kind.size_mb) * MIB), hints.get("IntervalInSeconds", kind.interval_s) * 1000)


def retry_ms(stream: Stream) -> int:
    """How long a delivery is tried again before it goes to the errors."""
    return (stream["destination"].get("RetryOptions") or {}).get("DurationInSeconds", kind_of(stream).retry_s) * 1000


def role_of(stream: Stream) -> str:
    config: Config = stream["destination"]
    return config.get("RoleARN") or s3_of(stream)["RoleARN"]


def processors(stream: Stream) -> list[Config]:
    processing: Config = stream["destination"].get("ProcessingConfiguration") or {}
    return list(processing.get("Processors") or ()) if processing.get("Enabled") else []


def processor(stream: Stream, kind: str) -> dict[str, str] | None:
    """A processor's parameters by name; None when it is not configured."""
    for entry in processors(stream):
        if entry["Type"] == kind:
            return {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in entry.get("Parameters") or ()}
    return None


def is_partitioned(stream: Stream) -> bool:
    return bool((stream["destination"].get("DynamicPartitioningConfiguration") or {}).get("Enabled"))


def logging_of(stream: Stream) -> Config | None:
    """The group and stream of CloudWatch Logs that errors are told to, or None."""
    options: Config = stream["destination"].get("CloudWatchLoggingOptions") or {}
    if not options.get("Enabled") or not options.get("LogGroupName") or not options.get("LogStreamName"):
        return None
    return options
