"""Backup and restore of a whole installation: rows and blobs in one file."""

from __future__ import annotations
