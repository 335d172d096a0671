"""Alembic migrations: the only code that makes or changes tables."""
