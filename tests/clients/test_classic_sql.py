"""DataFrames of classic PySpark, unmodified, where there is no Java: runs classic_sql.py in a process of its own.

VONK_CLASSIC=spark runs it against the pyspark that is installed, with its Java: that is how the cases are tested."""
import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from gateway import without_java
from server import SLOWER

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "classic_sql.py")
with open(CASES, encoding="utf-8") as file:
    FUNCTIONS = [node.name for node in ast.parse(file.read()).body if isinstance(node, ast.FunctionDef)]
NAMES = [name for name in FUNCTIONS if name.startswith("test_")]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Of each case: None, or what went wrong."""
    folder = tmp_path_factory.mktemp("classic")
    report = str(folder / "report.xml")
    more = {"PYTHONHASHSEED": "0", "PYSPARK_PYTHON": sys.executable}
    env = dict(os.environ, **more) if os.environ.get("VONK_CLASSIC") == "spark" else without_java(**more)
    command = [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", "--junitxml", report]
    command.append(CASES)
    done = subprocess.run(command, env=env, text=True, capture_output=True, timeout=300 * SLOWER)
    assert os.path.exists(report), done.stdout + done.stderr
    return {case.get("name"): next((bad.text for bad in case if bad.tag in ("failure", "error")), None)
            for case in ElementTree.parse(report).iter("testcase")}


@pytest.mark.parametrize("name", NAMES)
def test_case(outcomes, name):
    assert name in outcomes and not outcomes[name], outcomes.get(name)
