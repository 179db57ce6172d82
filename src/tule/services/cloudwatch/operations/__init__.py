"""CloudWatch's operations."""
