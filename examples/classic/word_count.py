"""Counts the words of a text file.   python word_count.py FILE"""
import re
import sys

from pyspark import SparkContext

if __name__ == "__main__":
    sc = SparkContext(appName="word count")
    words = sc.textFile(sys.argv[1]).flatMap(lambda line: re.findall(r"[a-z']+", line.lower()))
    counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
    for word, n in counts.sortBy(lambda pair: (-pair[1], pair[0])).collect():
        print(word, n)
    sc.stop()
