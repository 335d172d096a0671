"""Revisions, each with a tested downgrade."""
