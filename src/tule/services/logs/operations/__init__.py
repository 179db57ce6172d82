"""CloudWatch Logs' operations, named as in the API, by the thing that they work on."""
