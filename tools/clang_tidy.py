#!/usr/bin/env python3
"""clang-tidy over every source of the product, less those that were clean before and have not changed since.

  tools/clang_tidy.py CLANG_BUILD [--jobs N] [PATH...]     prints each finding; exit status 1 when there is one

PATH: only sources whose path starts so. What a source depends on is known from the build (ninja's dependencies), so
CLANG_BUILD must be built. A stamp in CLANG_BUILD/tidy-stamps stands for one clean source: command, checks, the text of
the source and of each header of ours that it includes.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIDY = "clang-tidy-19"
FINDING = re.compile(r"(?:warning|error): ")


def dependencies(build):
    """object -> the files below the root (generated ones too) that it was made of."""
    listed = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    found, current = {}, None
    for line in listed.splitlines():
        if line.startswith(" "):
            path = os.path.normpath(os.path.join(build, line.strip()))
            if path.startswith(ROOT):
                current.append(path)
        elif ": #deps" in line:
            current = found.setdefault(line.split(": #deps")[0], [])
    return found


def sources(build, only):
    """(path, command, object) of each product source; of one that is built for several CPU levels the first."""
    seen = set()
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
        for entry in json.load(commands):
            path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
            if path.startswith("src/") and path.endswith(".c") and not path.endswith("_test.c") and path not in seen:
                seen.add(path)
                if not only or path.startswith(only):
                    yield path, entry["command"], entry["output"]


class Digests:
    """Hashes of files, each read once."""

    def __init__(self):
        self.known = {}

    def of(self, path):
        if path not in self.known:
            with open(path, "rb") as file:
                self.known[path] = hashlib.sha256(file.read()).digest()
        return self.known[path]


def stamp_name(source, digests, depends):
    path, command, output = source
    if output not in depends:
        sys.exit(f"clang_tidy: {path} is not built yet")
    text = hashlib.sha256(command.encode())
    for file in [os.path.join(ROOT, ".clang-tidy"), *sorted(depends[output])]:
        text.update(file.encode() + digests.of(file))
    return text.hexdigest()


def findings(build, path):
    """What clang-tidy says about one source: '' when nothing."""
    ran = subprocess.run([TIDY, "--quiet", "-p", build, os.path.join(ROOT, path)], capture_output=True, text=True)
    if ran.returncode and not FINDING.search(ran.stdout):
        return f"{path}: error: {TIDY} gave up: {ran.stderr[-2000:]}\n"
    return ran.stdout if ran.returncode else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("path", nargs="*")
    args = parser.parse_intermixed_args()
    build = os.path.abspath(args.build)
    stamps = os.path.join(build, "tidy-stamps")
    os.makedirs(stamps, exist_ok=True)
    depends, digests = dependencies(build), Digests()
    known = {source: stamp_name(source, digests, depends) for source in sources(build, tuple(args.path))}
    if not known:
        sys.exit("clang_tidy: no sources")
    if not args.path:
        for stale in set(os.listdir(stamps)) - set(known.values()):
            os.remove(os.path.join(stamps, stale))
    todo = [source for source, stamp in known.items() if not os.path.exists(os.path.join(stamps, stamp))]
    seen, bad = set(), 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        said = {pool.submit(findings, build, source[0]): source for source in todo}
        for one in concurrent.futures.as_completed(said):
            text = one.result()
            if not text and known[said[one]] == stamp_name(said[one], Digests(), depends):    # not edited meanwhile
                open(os.path.join(stamps, known[said[one]]), "w", encoding="utf-8").close()
            elif text and text not in seen:
                bad += 1
                seen.add(text)
                print(text, end="", flush=True)
    print(f"clang-tidy: {len(todo)} of {len(known)} sources looked at, {bad} with findings")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
