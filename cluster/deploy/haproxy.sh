#!/bin/sh
# Serve starts this in HAProxy's place (RAY_SERVE_HAPROXY_BINARY_PATH), with a configuration that it has just written and
# that has no settings for the following. So, before HAProxy reads it:
#   - requests are not logged: the log holds addresses and paths, and goes to whoever listens on UDP port 514;
#   - metrics and statistics answer on the loopback only;
#   - the admin socket is for its owner only;
#   - the address of a caller is what the connection says, not what the caller says.
set -eu
for argument; do
    case $argument in
    *.cfg)
        sed -i \
            -e '/^ *log .* local0 info$/d' \
            -e 's/^\( *bind \)\*\{0,1\}:\([0-9]*\)$/\1127.0.0.1:\2/' \
            -e 's/^\( *stats socket .* mode \)666 /\1600 /' \
            -e '/^frontend http_frontend$/,/^ *bind /s/^ *bind .*$/&\n    http-request set-header X-Forwarded-For %[src]/' \
            "$argument"
        ;;
    esac
done
exec "$EDGE_HAPROXY" "$@"
