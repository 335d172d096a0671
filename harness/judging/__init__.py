"""Judging: observations in, verdicts out; pure, so that a replay is the same judge on stored data."""
