"""AWS Key Management Service.  AWS: https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html

A service that encrypts for its callers asks as they, through itself, so that the key's policy, their own policies and
`kms:ViaService` are held, and so that `alias/aws/<service>` comes into being when it is first needed:

    await call.invoke("kms", "GenerateDataKey", {"KeyId": "alias/aws/s3", "KeySpec": "AES_256", "EncryptionContext": {...}},
                      principal=through(call.principal, "s3.amazonaws.com"))      # access/principal.py

`platform/encryption.py` does that for whoever keeps small things: envelopes, and data keys remembered for a while.

Known to differ: what changes a key holds at once, and replicas are never seen in Creating, nor keys in Updating; throughput is not
limited.  Not built, and answered 501: custom key stores, which take an HSM; recipients in enclaves; SM2 and ML-KEM-512; Ed25519ph.
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.kms.state import SCHEMA


def _load() -> Service:
    from tule.services.kms.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("kms", _load, schema=SCHEMA)
