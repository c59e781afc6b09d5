"""Finds the middles of groups of points.   python k_means.py FILE GROUPS

A line of the file is a point; the first points are the first guesses.
"""
import sys

import numpy as np
from pyspark import SparkContext


def nearest(point, middles):
    return int(np.argmin([np.sum((point - middle) ** 2) for middle in middles]))


if __name__ == "__main__":
    sc = SparkContext(appName="k-means")
    points = sc.textFile(sys.argv[1]).map(lambda line: np.array([float(x) for x in line.split()])).cache()
    middles, moved = points.take(int(sys.argv[2])), 1.0
    while moved > 1e-6:
        groups = points.map(lambda p: (nearest(p, middles), (p, 1)))
        sums = groups.reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1])).collect()
        moved = sum(float(np.sum((middles[i] - total / n) ** 2)) for i, (total, n) in sums)
        for i, (total, n) in sums:
            middles[i] = total / n
    for middle in sorted(tuple(round(float(x), 4) for x in m) for m in middles):
        print(*middle)
    sc.stop()
