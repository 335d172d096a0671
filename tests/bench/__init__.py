"""Measures the budgets of the backend against what the same work costs without it: ``python -m tests.bench``.

Every ratio is a median over samples that were taken in turns (one of ours, one bare, the other way round the next time)
in one run on one machine, so that other load and a slow disk weigh on both sides. The bare side is the very container
that the backend would make (body, limits, image and request from the backend's own code), driven by the engine's API
alone. Doubt: with two cores, what the measuring process itself spends on HTTP weighs on the backend's side only.
"""
