"""Which service, bucket and region a Host header names."""

import pytest

from tule.server.hosts import HostMeaning, meaning


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:4566", HostMeaning()),
        ("localhost:4566", HostMeaning()),
        ("lambda.us-east-1.amazonaws.com", HostMeaning("lambda", region="us-east-1", label="lambda.us-east-1")),
        ("monitoring.eu-west-1.amazonaws.com:443", HostMeaning("cloudwatch", region="eu-west-1", label="monitoring.eu-west-1")),
        ("streams.dynamodb.us-west-2.amazonaws.com", HostMeaning("dynamodbstreams", region="us-west-2")),
        ("s3.amazonaws.com", HostMeaning("s3")),
        ("s3.eu-central-1.amazonaws.com", HostMeaning("s3", region="eu-central-1")),
        ("my.bucket.s3.eu-central-1.amazonaws.com", HostMeaning("s3", "my.bucket", "eu-central-1")),
        ("b.s3.dualstack.eu-central-1.amazonaws.com", HostMeaning("s3", "b", "eu-central-1")),
        ("b.s3-us-west-2.amazonaws.com", HostMeaning("s3", "b", "us-west-2")),
        ("b.s3.localhost:4566", HostMeaning("s3", "b")),
        ("b.s3.localhost.localstack.cloud:4566", HostMeaning("s3", "b")),
        ("b.s3.us-east-1.localhost.localstack.cloud:4566", HostMeaning("s3", "b", "us-east-1")),
        ("000000000000.s3-control.us-east-1.amazonaws.com", HostMeaning("s3control", region="us-east-1")),
        ("bucket.localhost:4566", HostMeaning("", label="bucket")),
        ("streaming-logs.localhost:4566", HostMeaning("logs", label="streaming-logs")),
    ],
)
def test_a_host_tells(host: str, expected: HostMeaning):
    assert meaning(host) == expected
