"""Permissions of IAM's operations where the generated table does not say enough."""

from __future__ import annotations

from collections.abc import Mapping

from tule.platform.service import Needs

NEEDS: Mapping[str, Needs] = {}
