#!/bin/sh
# Ends the server that start-connect-server.sh started.
pid=${SPARK_PID_DIR:-${TMPDIR:-/tmp}}/vonk-connect-$(id -un).pid
if [ ! -f "$pid" ] || ! kill "$(cat "$pid")" 2>/dev/null; then
    echo "no server runs" >&2
    exit 1
fi
rm -f "$pid"
