"""The programs in examples/classic, as a user runs them; their answers are those of real Spark 4.3.0.

VONK_CLASSIC=spark runs them on the pyspark that is installed, with its Java; VONK_RECORD=1 writes the answers anew."""
import json
import os
import subprocess
import sys

import pytest

from gateway import without_java
from server import ROOT, SLOWER

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(ROOT, "examples", "classic")
ANSWERS = os.path.join(HERE, "classic_examples.json")
PROGRAMS = {"pi.py": ["4"], "word_count.py": ["text.txt"], "sort.py": ["numbers.txt"], "transitive_closure.py": ["2"],
            "page_rank.py": ["links.txt", "5"], "k_means.py": ["points.txt", "3"],
            "logistic_regression.py": ["labelled.txt", "8"], "als.py": ["4"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("examples")
    subprocess.run([sys.executable, os.path.join(EXAMPLES, "data.py"), str(made)], check=True)
    return made


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_an_example(program, folder):
    more = {"PYTHONHASHSEED": "0", "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_SUBMIT_ARGS": "--master local[2] pyspark-shell"}
    env = dict(os.environ, **more) if os.environ.get("VONK_CLASSIC") == "spark" else without_java(**more)
    done = subprocess.run([sys.executable, os.path.join(EXAMPLES, program), *PROGRAMS[program]], cwd=folder, env=env,
                          capture_output=True, text=True, timeout=120 * SLOWER)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if os.environ.get("VONK_RECORD"):
        known = json.load(open(ANSWERS)) if os.path.exists(ANSWERS) else {}
        known[program] = lines
        with open(ANSWERS, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1, sort_keys=True)
            file.write("\n")
    assert lines == json.load(open(ANSWERS))[program]
