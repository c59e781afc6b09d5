"""CPython's pickle on the rows of pickle.c: nanoseconds per row.

    pickle_python.py [ROWS [ROWS_PER_PICKLE]]
"""

import pickle
import sys
import time

rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
each = int(sys.argv[2]) if len(sys.argv) > 2 else 4096
batch = [(i * 31, f"name-{i * 7919 % 2**32}", i * 0.5) for i in range(each)]
times = {"dumps": 0, "loads": 0}
for _ in range(0, rows, each):
    t0 = time.perf_counter_ns()
    content = pickle.dumps(batch, 5)
    t1 = time.perf_counter_ns()
    pickle.loads(content)
    times["loads"] += time.perf_counter_ns() - t1
    times["dumps"] += t1 - t0
n = -(-rows // each) * each
dumps, loads = times["dumps"] / n, times["loads"] / n
print(f"CPython dumps {dumps:5.1f}  loads {loads:5.1f} ns/row, {len(content) // each} bytes/row")
