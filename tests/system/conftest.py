import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from installation import Installation

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("hotline"))
    installation.start()
    yield installation
    installation.stop()


@pytest.fixture(scope="session")
def january() -> Path:
    path = DATA / "anonbank_january.txt"
    if not path.is_file():
        pytest.skip(f"{path} is not here: the real calls of January 1999 are not part of the project")
    return path
