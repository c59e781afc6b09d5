#!/usr/bin/env python3
"""Files of serve/ui as a C source: embed.py OUT.c FILE... ; the build calls it."""
import os
import sys

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


def main():
    out, files = sys.argv[1], sys.argv[2:]
    with open(out, "w", encoding="utf-8") as to:
        to.write('#include "serve/ui/ui_int.h"\n')
        rows = []
        for i, path in enumerate(files):
            with open(path, "rb") as file:
                data = file.read()
            to.write(f"static const unsigned char file_{i}[] = {{{','.join(map(str, data))}}};\n")
            name = os.path.basename(path)
            kind = TYPES[os.path.splitext(name)[1]]
            rows.append(f'{{"/{name}", "{kind}; charset=utf-8", file_{i}, sizeof file_{i}}}')
        to.write("const ui_file vonk__ui_files[] = {" + ", ".join(rows) + "};\n")
        to.write(f"const size_t vonk__ui_n_files = {len(files)};\n")


if __name__ == "__main__":
    main()
