"""One trace of each scenario: what the judge, the backend and the worker recorded under one id, put together.

Everything here is pure: records come from the run's own events and from what the backend told, and every list, digest
and picture is derived from them. Nothing is added that nobody recorded.
"""
