"""What all tests share: the scripts' folder on the path, and where parts of real sets lie."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "data_scripts"))


@pytest.fixture
def real_set():
    """Call it with a set's name: its folder under $COURSE_TEST_DATA; without one the test is skipped."""

    def folder(name: str) -> Path:
        named = os.environ.get("COURSE_TEST_DATA")
        if not named:
            pytest.skip("COURSE_TEST_DATA is not set: no real images to test with")
        if not (Path(named) / name).is_dir():
            pytest.skip(f"COURSE_TEST_DATA holds no {name}")
        return Path(named) / name

    return folder
