import pytest
from staged import Stage


@pytest.fixture
def staged(tmp_path):
    stage = Stage(tmp_path)
    yield stage
    stage.staging.close()
