"""An observed database of each kind, with two empty tables."""

import pytest
from observed_database import observe


@pytest.fixture(scope="session")
def tracing_postgres(postgres_server):
    return postgres_server.create("tracing")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def observed(request, tmp_path):
    """Either database; for one of them only, parametrise it indirectly."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'observed.db'}"
    else:
        url = request.getfixturevalue("tracing_postgres")
        server = request.getfixturevalue("postgres_server")
        server.run("DROP SCHEMA IF EXISTS public, other CASCADE", "CREATE SCHEMA public", database="tracing")
    observed = observe(url)
    yield observed
    observed.capture.uninstall()
    observed.engine.dispose()
