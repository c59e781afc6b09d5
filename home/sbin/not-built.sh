#!/bin/sh
# Stands for the names of Spark's sbin that Vonk has nothing behind yet: clusters, Thrift, history.
echo "$(basename -- "$0"): not built; a single machine is served by start-connect-server.sh and spark-submit" >&2
exit 1
