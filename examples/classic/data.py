"""Writes what the programs beside this one read.   python data.py FOLDER"""
import os
import random
import sys


def write(folder, name, lines):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def main(folder):
    dice = random.Random(11)
    words = "the engine reads a page and writes another page while the reader sleeps and the writer waits".split()
    write(folder, "text.txt", [" ".join(dice.choice(words) for _ in range(9)) for _ in range(200)])
    write(folder, "numbers.txt", [" ".join(str(dice.randrange(1000)) for _ in range(8)) for _ in range(20)])
    write(folder, "links.txt", [f"p{dice.randrange(12)} p{dice.randrange(12)}" for _ in range(50)])
    middles = [(1.0, 1.0), (5.0, 1.5), (3.0, 6.0)]
    write(folder, "points.txt", [" ".join(f"{m + dice.gauss(0, 0.4):.3f}" for m in middles[i % 3]) for i in range(150)])
    kinds = [(-1.0, 0.5, 0.0), (1.0, -0.5, 1.0)]
    write(folder, "labelled.txt", [f"{i % 2} " + " ".join(f"{m + dice.gauss(0, 0.7):.3f}" for m in kinds[i % 2])
                                   for i in range(200)])


if __name__ == "__main__":
    main(sys.argv[1])
