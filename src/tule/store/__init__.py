"""Transactions of closures over SQLite or PostgreSQL; documents; migrations; backup; the chaos store for tests."""
