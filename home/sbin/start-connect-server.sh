#!/bin/sh
# A Spark Connect server in the background; its process id is kept for stop-connect-server.sh.
here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
logs=${SPARK_LOG_DIR:-${TMPDIR:-/tmp}}
pid=${SPARK_PID_DIR:-${TMPDIR:-/tmp}}/vonk-connect-$(id -un).pid
if [ -f "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; then
    echo "a server runs already, as process $(cat "$pid")" >&2
    exit 1
fi
log=$logs/vonk-connect-$(id -un).log
nohup "${VONK:-$here/../../../../bin/vonk}" server "$@" >"$log" 2>&1 </dev/null &
echo $! >"$pid"
echo "started, logging to $log"
