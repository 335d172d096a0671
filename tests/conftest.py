"""What every test shares: how long Hypothesis may take, which is as long as it takes.

On a cold or busy machine the first example of a test imports, compiles and builds tables of characters for seconds;
that says nothing about the code under test. How much is tried and what else may be amiss stays with each test.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
