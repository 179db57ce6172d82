"""The operations of Amazon SQS."""
