"""Looks at everything that a run needs and says what repairs it; changes nothing."""
