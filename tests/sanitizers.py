"""The sanitizers' side of every test that starts programs: how much slower those are, and what has been reported.

A program built with a sanitizer (b_sanitize of its build folder) writes its reports to files of their own. Whoever
started it takes them afterwards, and each is a failure: whatever the program's exit status was, also when the test
killed it. Undefined behaviour ends the program by SIGABRT with the report on stderr; gcc's runtime knows no file.
"""
import json
import os
import pathlib
import shutil
import tempfile

SLOWER = {"none": 1, "address": 8, "thread": 15}
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=32",
    "TSAN_OPTIONS": "second_deadlock_stack=1",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
}


def build_option(program, name, default):
    """An option of the Meson build folder that the program lies in (at any depth)."""
    for folder in pathlib.Path(program).resolve().parents:
        file = folder / "meson-info" / "intro-buildoptions.json"
        if file.exists():
            options = json.loads(file.read_text(encoding="utf-8"))
            return next((o["value"] for o in options if o["name"] == name), default)
    return default


def sanitizer(program):
    """"none", "address" or "thread"."""
    value = str(build_option(program, "b_sanitize", "none"))
    return next((name for name in ("address", "thread") if name in value), "none")


def slower(program):
    """What limits of time are multiplied with; VONK_SLOWER overrides it (a loaded machine, valgrind)."""
    return float(os.environ.get("VONK_SLOWER", SLOWER[sanitizer(program)]))


class Reports:
    """Makes all children of this process, from now on, report to files of one folder."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="vonk-reports-")
        for name, options in OPTIONS.items():
            given = os.environ.get(name, "")
            os.environ[name] = ":".join(filter(None, [options, given, f"log_path={self.folder}/report"]))

    def take(self):
        """The reports since the last call, as texts."""
        texts = []
        for name in sorted(os.listdir(self.folder)):
            path = os.path.join(self.folder, name)
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
            os.remove(path)
        return [text for text in texts if text.strip()]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
