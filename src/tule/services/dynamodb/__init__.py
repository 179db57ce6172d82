"""Amazon DynamoDB, and DynamoDB Streams, which reads what it records.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("dynamodb", operations={})
STREAMS = Service("dynamodbstreams", operations={})
