"""One installation for all that ask it, ended with the last of them: idle it would take from the tests that follow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import Installation

HERE = Path(__file__).parent
RUNNING = pytest.StashKey[Installation]()
DATA = Path(__file__).parents[3] / "shared" / "data"
SETTINGS = """
data_dir: data
hotlines:
  city: {time_zone: Asia/Shanghai, thresholds_s: [15, 20], queues: {utilities: {}, housing: {thresholds_s: [30]}}}
  kolkata: {time_zone: Asia/Kolkata, queues: {utilities: {}, housing: {}}}
  berlin: {time_zone: Europe/Berlin, queues: {utilities: {}, housing: {}}}
  baltimore-311: {time_zone: America/New_York}
"""


@pytest.fixture(scope="session")
def hotline(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("hotline"), SETTINGS)
    installation.start()
    pytestconfig.stash[RUNNING] = installation
    yield installation
    end(pytestconfig)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Those that share it stand together (tests/conftest.py): who comes after the last one does without."""
    if nextitem is not None and not (HERE in nextitem.path.parents and "hotline" in fixtures_of(nextitem)):
        end(item.config)


def fixtures_of(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


def end(config: pytest.Config) -> None:
    if installation := config.stash.get(RUNNING, None):
        del config.stash[RUNNING]
        installation.stop()


@pytest.fixture(scope="session")
def baltimore() -> Path:
    path = DATA / "baltimore_311_sample.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not here: the requests of the City of Baltimore are not part of the project")
    return path


@pytest.fixture(scope="session")
def january() -> Path:
    path = DATA / "anonbank_january.txt"
    if not path.is_file():
        pytest.skip(f"{path} is not here: the real calls of January 1999 are not part of the project")
    return path
