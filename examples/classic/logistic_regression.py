"""Learns to tell two kinds of points apart.   python logistic_regression.py FILE ROUNDS

A line of the file is a label (0 or 1) and a point. A partition is one matrix, so that numpy does the sums.
"""
import sys

import numpy as np
from pyspark import SparkContext

RATE = 0.05


def matrix(lines):
    yield np.array([[float(x) for x in line.split()] for line in lines if line.strip()])


def gradient(rows, weights):
    signs = 2 * rows[:, 0] - 1
    points = rows[:, 1:]
    return (points.T * ((1 / (1 + np.exp(-signs * points.dot(weights))) - 1) * signs)).sum(axis=1)


if __name__ == "__main__":
    sc = SparkContext(appName="logistic regression")
    rows = sc.textFile(sys.argv[1], 3).mapPartitions(matrix).filter(lambda m: m.size).cache()
    weights = np.zeros(rows.first().shape[1] - 1)
    for _ in range(int(sys.argv[2])):
        known = sc.broadcast(weights)
        weights = weights - RATE * rows.map(lambda m: gradient(m, known.value)).reduce(lambda a, b: a + b)
        known.unpersist()
    good = rows.map(lambda m: int(np.sum((m[:, 1:].dot(weights) > 0) == (m[:, 0] > 0.5)))).sum()
    print(*[f"{w:.6f}" for w in weights])
    print(f"{good} of {rows.map(len).sum()} points are told right")
    sc.stop()
