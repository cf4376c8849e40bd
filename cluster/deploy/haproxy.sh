#!/bin/sh
# Serve starts this in HAProxy's place (RAY_SERVE_HAPROXY_BINARY_PATH), with a configuration that it has just written.
# edge.py completes it; where that fails, HAProxy does not start.
set -eu
for argument; do
    case $argument in
    *.cfg) "$EDGE_PYTHON" -I -S "${0%/*}/edge.py" "$argument" "$EDGE_ORDERS" ;;
    esac
done
exec "$EDGE_HAPROXY" "$@"
