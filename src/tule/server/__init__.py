"""Bytes in, bytes out: HTTP, the front door (which host, which path, which service), the pipeline, our own small API."""
