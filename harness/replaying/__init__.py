"""Recorded runs shown again, and judged again: everything here reads what a run has left, and asks nobody.

A run's events are put together to scenarios and steps (``played``), its ladder is read as it was climbed
(``snapshot``), and each check is judged once more on the stored observation (``judging_again``). ``replay`` compares
that with what the run itself came to; ``reeval`` may take another ladder, and stores what it found beside the bundle,
which is never opened for writing. No module here may import what speaks to a backend or to an engine.
"""
