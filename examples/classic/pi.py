"""Estimates pi by throwing points at a square.   python pi.py [PARTITIONS]

The points of a partition come from its number, so that every run throws the same ones.
"""
import random
import sys

from pyspark import SparkContext

THROWS = 20000


def hits(partition, _):
    dice = random.Random(partition)
    yield sum(dice.random() ** 2 + dice.random() ** 2 <= 1 for _ in range(THROWS))


if __name__ == "__main__":
    partitions = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    sc = SparkContext(appName="pi")
    inside = sc.parallelize(range(partitions), partitions).mapPartitionsWithIndex(hits).sum()
    print(f"pi is about {4 * inside / (partitions * THROWS):.4f}")
    sc.stop()
