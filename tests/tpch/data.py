#!/usr/bin/env python3
"""TPC-H data, made by tpchgen-cli when it is not there yet.   tests/tpch/data.py SCALE_FACTOR FOLDER

tpchgen-cli comes with the clients' requirements and is looked for beside the Python that runs this.
"""
import os
import shutil
import subprocess
import sys


def ensure(scale_factor, folder):
    """Eight Parquet files, FOLDER/TABLE.parquet; returns the folder's absolute path. Safe when two do it at once."""
    folder = os.path.abspath(folder)
    if os.path.exists(os.path.join(folder, "made")):
        return folder
    tool = os.path.join(os.path.dirname(sys.executable), "tpchgen-cli")
    making = f"{folder}.{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)
    os.makedirs(making)
    command = [tool, "parquet", "--scale-factor", str(scale_factor), "--output-dir", making]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(making, "made"), "w", encoding="utf-8") as note:
        note.write(f"tpchgen-cli, scale factor {scale_factor}\n")
    try:
        os.rename(making, folder)
    except OSError:                      # another process was first
        shutil.rmtree(making)
    return folder


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(ensure(sys.argv[1], sys.argv[2]))
