"""Who may do what with metrics.  AWS: Service authorization reference, Amazon CloudWatch."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Need, Needs, Params
from tule.store.store import Tx


def _put(call: Call, tx: Tx, params: Params) -> list[Need]:
    return [Need("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": params["Namespace"]})]


NEEDS: dict[str, Needs] = {"PutMetricData": _put}
