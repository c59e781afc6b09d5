#!/usr/bin/env python3
"""The include rule: which folder of src/ may include which (tools/layers.txt).

  tools/layers.py [--stamp FILE]       checks every source, prints each breach; exit status 1 when there is one
  tools/layers.py --draw               writes docs/layers.svg

A file may include: headers of its own folder; headers of a folder that has an edge, unless their name ends in _int.h;
the C library; a library's headers where layers.txt lets its folder. Tests beside the code follow the same rule.
"""
import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "src")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
# The embedding API stands outside src/ and includes nothing of it; these folders implement and use it.
API_USERS = {"session", "cmd"}
# Folders of serve/ that are there for every door.
SHARED = ("translate", "ui")


def read_rules(path):
    """Edges folder -> folders, and library header starts -> folders."""
    edges, libraries = {}, {}
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        name, colon, rest = (part.strip() for part in line.partition(":"))
        if not colon:
            sys.exit(f"{path}:{number}: expected 'name : names'")
        (libraries if name.startswith("<") else edges)[name.lstrip("<")] = rest.split()
    return edges, libraries


def levels(edges):
    """Level of each folder: 0 includes nobody, else one more than the highest it includes. Exits on a circle."""
    level, open_ = {}, []

    def of(name):
        if name in open_:
            sys.exit("layers.txt: a circle: " + " -> ".join(open_[open_.index(name):] + [name]))
        if name not in level:
            if name not in edges:
                sys.exit(f"layers.txt: no row for '{name}', which another row names")
            open_.append(name)
            level[name] = 1 + max((of(below) for below in edges[name]), default=-1)
            open_.pop()
        return level[name]

    for name in edges:
        of(name)
    return level


def sources():
    """Every C file below src/, as path relative to src/."""
    for folder, _, files in os.walk(SRC):
        for name in sorted(files):
            if name.endswith((".c", ".h", ".def", ".inc")):
                yield os.path.relpath(os.path.join(folder, name), SRC)


def is_other_door(path, name):
    """Whether a file of one folder in serve/ includes another one's header; SHARED ones are there for all."""
    here, there = path.split(os.sep), name.split("/")
    return here[0] == there[0] == "serve" and len(here) > 2 < len(there) and there[1] not in (here[1], *SHARED)


def breaches_of(path, edges, libraries):
    """(line, what is wrong) for each include of a file that the rule forbids."""
    folder = path.split(os.sep)[0]
    door = "/".join(path.split(os.sep)[:2])
    allowed = set(edges.get(folder, [])) | set(edges.get(door, [])) | {folder}
    text = open(os.path.join(SRC, path), encoding="utf-8").read()
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        kind, name = match.groups()
        if kind == "<":
            for start, may in libraries.items():
                if name.startswith(start) and folder not in may:
                    yield line, f"<{name}> belongs to {' and '.join(may)}, not to {folder}"
        elif "/" not in name:
            yield line, f'"{name}": write the folder too, as in "{folder}/{name}"'
        elif name.startswith("vonk/"):
            if folder not in API_USERS:
                yield line, f'"{name}": the embedding API is above {folder}'
        else:
            target = name.split("/")[0]
            if target not in edges:
                yield line, f'"{name}": layers.txt has no folder {target}'
            elif target not in allowed:
                may = " ".join(sorted(allowed - {folder}))
                yield line, f'"{name}": {folder} may not include {target} (it may: {may})'
            elif is_other_door(path, name):
                yield line, f'"{name}": a door of serve/ sees no other door'
            elif target != folder and name.endswith("_int.h"):
                yield line, f'"{name}" is for {target} only'


def check(edges, libraries, quiet):
    n_breaches = n_files = 0
    for path in sources():
        n_files += 1
        if path.split(os.sep)[0] not in edges:
            print(f"src/{path}:1: layers.txt has no folder {path.split(os.sep)[0]}")
            n_breaches += 1
            continue
        for line, what in breaches_of(path, edges, libraries):
            print(f"src/{path}:{line}: {what}")
            n_breaches += 1
    if n_breaches:
        print(f"layers: {n_breaches} breaches of the include rule (docs/checks.md says how to repair them)")
    elif not quiet:
        print(f"layers: {n_files} files keep the include rule")
    return n_breaches == 0


def drawn_edges(edges):
    """Edges without those that follow from others (base is below everything: drawing each arrow hides the shape)."""
    def below(name, seen):
        for target in edges[name]:
            if target not in seen:
                seen.add(target)
                below(target, seen)
        return seen

    for name, targets in edges.items():
        for target in targets:
            others = [t for t in targets if t != target]
            if not any(target in below(other, set()) for other in others):
                yield name, target


def draw(edges, path):
    """One box per folder, a row per level, arrows downwards from who includes to what is included."""
    level = levels(edges)
    rows = [sorted(n for n in level if level[n] == i) for i in range(max(level.values()) + 1)]
    box_w, box_h, gap_x, gap_y = 92, 30, 26, 62
    width = max(len(row) for row in rows) * (box_w + gap_x) + 60
    height = len(rows) * gap_y + 70
    place = {}
    for i, row in enumerate(rows):
        left = (width - len(row) * (box_w + gap_x) + gap_x) / 2 + (24 if i % 2 else -24)
        for j, name in enumerate(row):
            place[name] = (left + j * (box_w + gap_x), height - 30 - (i + 1) * gap_y)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="13">',
           '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
           '<path d="M0 0 8 4 0 8z" fill="#667"/></marker></defs>',
           f'<rect width="{width}" height="{height}" fill="#fff"/>',
           '<text x="16" y="22" fill="#445">Who may include whom (tools/layers.txt); what follows is left out.</text>']
    for name, target in drawn_edges(edges):
        (x0, y0), (x1, y1) = place[name], place[target]
        from_x, to_x = x0 + box_w / 2, x1 + box_w / 2
        out.append(f'<path d="M{from_x:.0f} {y0 + box_h} C{from_x:.0f} {y0 + box_h + 24} {to_x:.0f} {y1 - 26} '
                   f'{to_x:.0f} {y1 - 2}" fill="none" stroke="#889" marker-end="url(#a)"/>')
    for name, (x, y) in place.items():
        out.append(f'<rect x="{x:.0f}" y="{y}" width="{box_w}" height="{box_h}" rx="5" fill="#eef3fa" '
                   'stroke="#47a"/>'
                   f'<text x="{x + box_w / 2:.0f}" y="{y + 20}" text-anchor="middle" fill="#123">{name}</text>')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w", encoding="utf-8").write("\n".join(out + ["</svg>"]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", action="store_true")
    parser.add_argument("--stamp", help="file to write when all is well (for the build)")
    args = parser.parse_args()
    edges, libraries = read_rules(os.path.join(ROOT, "tools", "layers.txt"))
    folders = {name: targets for name, targets in edges.items() if "/" not in name}
    levels(folders)
    if args.draw:
        draw(folders, os.path.join(ROOT, "docs", "layers.svg"))
    elif not check(edges, libraries, quiet=bool(args.stamp)):
        sys.exit(1)
    if args.stamp:
        open(args.stamp, "w", encoding="utf-8").close()


if __name__ == "__main__":
    main()
