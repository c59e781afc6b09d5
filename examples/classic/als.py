"""Takes a matrix of ratings apart into two thin ones, by turns.   python als.py [ROUNDS]

Each round solves for all users with the films fixed, then for all films with the users fixed.
"""
import sys

import numpy as np
from pyspark import SparkContext

USERS, FILMS, FACTORS, WEIGHT = 20, 30, 4, 0.01


def solve(i, ratings, fixed):
    """The factors of one row that fit its ratings best."""
    square = fixed.T.dot(fixed) + WEIGHT * len(fixed) * np.eye(FACTORS)
    return np.linalg.solve(square, fixed.T.dot(ratings[i]))


def error(ratings, users, films):
    return float(np.sqrt(np.mean((ratings - users.dot(films.T)) ** 2)))


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    sc = SparkContext(appName="als")
    dice = np.random.RandomState(3)
    ratings = dice.rand(USERS, FACTORS).dot(dice.rand(FILMS, FACTORS).T)
    users, films = dice.rand(USERS, FACTORS), dice.rand(FILMS, FACTORS)
    all_ratings = sc.broadcast(ratings)
    for i in range(rounds):
        fixed = sc.broadcast(films)
        users = np.array(sc.parallelize(range(USERS), 2)
                         .map(lambda u: solve(u, all_ratings.value, fixed.value)).collect())
        other = sc.broadcast(users)
        films = np.array(sc.parallelize(range(FILMS), 2)
                         .map(lambda f: solve(f, all_ratings.value.T, other.value)).collect())
        print(f"round {i + 1}: error {error(ratings, users, films):.6f}")
    sc.stop()
