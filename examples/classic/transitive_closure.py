"""Which nodes of a random graph can be reached from which.   python transitive_closure.py [PARTITIONS]

In each round known paths are made longer by one edge at their front, until no new path is found.
"""
import random
import sys

from pyspark import SparkContext

EDGES, NODES = 60, 40


def random_edges():
    dice = random.Random(7)
    edges = set()
    while len(edges) < EDGES:
        start, end = dice.randrange(NODES), dice.randrange(NODES)
        if start != end:
            edges.add((start, end))
    return sorted(edges)


if __name__ == "__main__":
    partitions = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    sc = SparkContext(appName="transitive closure")
    paths = sc.parallelize(random_edges(), partitions).cache()
    by_end = paths.map(lambda edge: (edge[1], edge[0]))  # (end, start)
    before, now = 0, paths.count()
    while now != before:
        longer = paths.join(by_end).map(lambda found: (found[1][1], found[1][0]))  # middle: (end, start)
        paths = paths.union(longer).distinct(partitions).cache()
        before, now = now, paths.count()
    print(f"{now} pairs of nodes are connected")
    sc.stop()
