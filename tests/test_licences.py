"""What is said of licences in one place is said in the others. (What a deck carries: test_course_export.py.)"""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETS = sorted(path.stem for path in (ROOT / "data_scripts").glob("*.py"))
CODE = r"CC BY(?:-[A-Z]+)* \d\.\d|ODC-By \d\.\d|Apache-\d\.\d|MIT|acknowledgement|academic use only"


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SETS)
def test_the_table_of_sets_has_the_licence_that_the_script_prints(name):
    row = next(line for line in read("data_scripts/README.md").splitlines() if f"data_scripts/{name}.py" in line)
    printed = importlib.import_module(name).CARD.licence
    assert set(re.findall(CODE, row.split("|")[-2])) == set(re.findall(CODE, printed)) != set()


def test_code_is_apache_and_text_is_cc_by_wherever_it_is_said():
    assert tomllib.loads(read("pyproject.toml"))["project"]["license"] == "Apache-2.0"
    assert "license: Apache-2.0\n" in read("CITATION.cff")
    assert "Apache License" in read("LICENSE")[:200]
    assert "Creative Commons Attribution 4.0 International Public License" in read("LICENSE-TEXT")
    for name in ("README.md", "CONTRIBUTING.md"):
        assert re.search(r"Apache-2\.0.* CC BY 4\.0", read(name)), name
