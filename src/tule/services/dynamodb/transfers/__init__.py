"""Tables into buckets and out of them: exports, imports, bulk operations."""
