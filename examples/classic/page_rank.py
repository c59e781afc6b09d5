"""Ranks pages by who points to them.   python page_rank.py FILE ROUNDS

A line of the file names a page and one that it points to.
"""
import sys

from pyspark import SparkContext


def give(found):
    """What a page hands to each page it points to."""
    targets, rank = found[1]
    return [(target, rank / len(targets)) for target in targets]


if __name__ == "__main__":
    sc = SparkContext(appName="page rank")
    lines = sc.textFile(sys.argv[1]).map(str.split).filter(lambda words: len(words) == 2)
    links = lines.map(tuple).distinct().groupByKey().mapValues(sorted).cache()
    ranks = links.mapValues(lambda _: 1.0)
    for _ in range(int(sys.argv[2])):
        given = links.join(ranks).flatMap(give)
        ranks = given.reduceByKey(lambda a, b: a + b).mapValues(lambda rank: 0.15 + 0.85 * rank)
    for page, rank in sorted(ranks.collect()):
        print(f"{page} {rank:.6f}")
    sc.stop()
