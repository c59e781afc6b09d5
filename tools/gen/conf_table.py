#!/usr/bin/env python3
"""The table of configuration keys that is compiled in, from the facts in data/.

  tools/gen/conf_table.py data/spark-4.3.0/conf.tsv src/plan/conf_table.inc

One line a key, sorted by bytes: CONF(key, default or NULL, type, options, folds, scope).
"""
import sys

MOST_COLUMNS = 180


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def main():
    facts, out = sys.argv[1], sys.argv[2]
    with open(facts, encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines][1:]
    with open(out, "w", encoding="utf-8") as table:
        table.write("/* Made by tools/gen/conf_table.py from data/spark-4.3.0/conf.tsv. */\n")
        for key, default, kind, options, folds, scope, public, _ in sorted(rows, key=lambda r: r[0].encode()):
            value = "NULL" if default == "<undefined>" else quoted(default)
            head = f"CONF({quoted(key)}, {value},"
            tail = f"{(folds or 'none').upper()}, {scope.upper()}, {public})\n"
            middle = f" {quoted(kind)}, {quoted(options)}, "
            if len(head + middle + tail) > MOST_COLUMNS:  # one text a line
                words = quoted(options).replace(",", ",\"\n    \"") if len(options) > 80 else quoted(options)
                head, middle = head + "\n    ", f"{quoted(kind)},\n    {words},\n    "
            table.write(head + middle + tail)


if __name__ == "__main__":
    main()
