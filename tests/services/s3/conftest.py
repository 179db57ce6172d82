from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.node import Account

_numbers = itertools.count()


@pytest.fixture
def new_bucket(aws: Account) -> Callable[[], str]:
    """Makes buckets of their own for a test: names are unique in the whole installation."""

    def make() -> str:
        name = f"b-{aws.id}-{next(_numbers)}"
        aws.s3.create_bucket(Bucket=name)
        return name

    return make


@pytest.fixture
def bucket(new_bucket: Callable[[], str]) -> str:
    return new_bucket()


@pytest.fixture
def versioned(aws: Account, bucket: str) -> str:
    """A bucket with versioning enabled."""
    aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket
