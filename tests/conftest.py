"""What every test shares: how long Hypothesis may take, which is as long as it takes, and that signals are heard.

On a cold or busy machine the first example of a test imports, compiles and builds tables of characters for seconds;
that says nothing about the code under test. How much is tried and what else may be amiss stays with each test.

Ten thousand collected tests are half a million objects that live to the end. Every look for garbage would go through
them again, also those that tests ask for by themselves; so they are set aside, once.

Whoever starts the tests in the background may have them ignore Ctrl-C, and what is ignored is inherited by every
process that a test starts; then a test about interrupts would test nothing.
"""

import gc
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Whoever runs the tests may have a key of their own that signs runs; those of tests are unsigned unless they say so.
os.environ["LADDER_SIGNING_KEY"] = ""

HEARD = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
for number, handler in HEARD.items():
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish():
    """Nothing that a test leaves behind is set aside, since none has run."""
    gc.collect()
    gc.freeze()
