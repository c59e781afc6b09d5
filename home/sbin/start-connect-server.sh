#!/bin/sh
# A Spark Connect server in the background, with the flags of `vonk server`. Returns when its port is open; its process
# id is kept for stop-connect-server.sh.
here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
name=vonk-connect-$(id -un)
pid=${SPARK_PID_DIR:-${TMPDIR:-/tmp}}/$name.pid
log=${SPARK_LOG_DIR:-${TMPDIR:-/tmp}}/$name.log
if [ -f "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; then
    echo "a server runs already, as process $(cat "$pid")" >&2
    exit 1
fi
nohup "${VONK:-$here/../../../../bin/vonk}" server "$@" >"$log" 2>&1 </dev/null &
server=$!
until grep -q listening "$log" 2>/dev/null; do
    if ! kill -0 $server 2>/dev/null; then
        cat "$log" >&2
        exit 1
    fi
    sleep 0.05
done
echo $server >"$pid"
echo "started, logging to $log"
