"""Climbs ladders: the imperative shell around the judge. It sends, waits, records and asks the pure core what it means.

``step`` carries out one step, ``scenario`` one rung with its cleanup and notes, ``climb`` a ladder with its gates,
``suite`` a whole run from set-up to sealed evidence. Verdicts come from ``harness.judging`` and from nowhere else.
"""
