"""Sorts the numbers of a text file.   python sort.py FILE"""
import sys

from pyspark import SparkContext

if __name__ == "__main__":
    sc = SparkContext(appName="sort")
    numbers = sc.textFile(sys.argv[1]).flatMap(str.split).map(lambda text: (int(text), None))
    print(*numbers.sortByKey().keys().collect())
    sc.stop()
