"""DynamoDB's operations."""
