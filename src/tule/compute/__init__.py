"""Function instances: supervisor, pools, zygotes, sandboxes, Runtime API, extensions, layers.  Knows no AWS service."""
