"""Programs that ask the embedded ClickHouse by other languages' clients: fetched or built once a run."""

from pathlib import Path

import clients
import pytest


@pytest.fixture(scope="session")
def jars(tmp_path_factory: pytest.TempPathFactory) -> str:
    return clients.jars(tmp_path_factory.mktemp("jars"))


@pytest.fixture(scope="session")
def go_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clients.go_driver(tmp_path_factory.mktemp("go"))
