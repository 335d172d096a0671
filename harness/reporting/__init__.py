"""Stored runs told to others: as reports in the forms that people and programs read, and side by side as differences.

Nothing here judges or changes a run. How far a run can be believed stands at the top of everything that is told of it,
and all that is quoted from a bundle is treated as what a stranger may have put there.
"""
