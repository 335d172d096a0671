"""Climbs ladders: the imperative shell around the judge. It sends, waits, records and asks the pure core what it means.

``step`` carries out one step, ``scenario`` one scenario with its cleanup, ``climb`` a ladder with its gates, ``suite``
a whole run from set-up to sealed evidence. Verdicts come from ``harness.judging`` and from nowhere else.

The words: an *order* is what was asked for, a *plan* what will be done for it. A *part* is one ladder's share of a run:
the climb, or the proof of the rollback. The *stand* is the stack that it takes place on. A *scene* is one scenario
while it is climbed, a *course* what has become of a scenario or a part so far. The *book* is the run on disk.
"""
