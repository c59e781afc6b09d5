"""Runs the calling generator again under the client environment's interpreter, which sees that client's packages."""
import os
import sys


def enter(venv):
    """Replaces this process by VENV's python unless it already runs there. Fails when VENV holds no interpreter."""
    python = os.path.join(os.path.abspath(venv), "bin", "python")
    if not os.path.exists(python):
        sys.exit(f"{venv}: no client environment there (make one with tools/setup/venv.sh)")
    if os.path.realpath(sys.prefix) != os.path.realpath(venv):
        os.execv(python, [python] + sys.argv)


def write_rows(path, header, rows):
    """Writes a tab-separated table with a header row; a field may hold neither tab nor line end."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for row in [header] + list(rows):
            fields = [str(field) for field in row]
            assert not any("\t" in f or "\n" in f or "\r" in f for f in fields), fields
            out.write("\t".join(fields) + "\n")
    print(f"{path}: {len(rows)} rows")
