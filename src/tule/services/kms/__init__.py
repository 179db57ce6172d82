"""AWS Key Management Service.

AWS: https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("kms", operations={})
