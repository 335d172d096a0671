"""Measures the budgets of backend and judge against what the same work costs without them: ``python -m tests.bench``.

Every ratio is a median over samples that were taken in turns (one of ours, one bare, the other way round the next time)
in one run on one machine, so that other load and a slow disk weigh on both sides. The bare side of the backend is the
very container that it would make (body, limits, image and request from the backend's own code), driven by the engine's
API alone; that of the judge is a loop over the HTTP client that it uses. Doubt: with two cores, what the measuring
process itself spends weighs on one side; and a budget in milliseconds says as much about the machine as about us.
"""
