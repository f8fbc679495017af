# Sourced by openapi/conform.sh and benches/run.sh: a throw-away PostgreSQL cluster.
#
#   start_postgres DIR [postgres option...]   DIR must not exist yet; sets POSTGRES_URL
#   stop_postgres                             stops it and removes DIR; harmless when none runs
#
# The cluster listens on 127.0.0.1 alone, with a random password. The server refuses to run as root,
# so root hands it to the user postgres, or nobody.

POSTGRES_DIR=""

# The folder of the server's binaries: Debian's newest, else where the path has them.
postgres_bin() {
    local dir newest=""
    for dir in /usr/lib/postgresql/*/bin; do
        if [[ -x $dir/initdb && -x $dir/pg_ctl ]]; then newest=$dir; fi
    done
    if [[ -z $newest ]]; then
        newest=$(command -v initdb) || return 1
        newest=$(dirname "$(realpath "$newest")")
    fi
    echo "$newest"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

as_postgres() {
    if [[ $(id -u) -ne 0 ]]; then "$@"; return; fi
    local user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
    # From / because that user may not enter the current folder.
    (cd / && runuser -u "$user" -- env -u HOME LC_ALL=C.UTF-8 "$@")
}

start_postgres() {
    local dir=$1 bin port password option options
    shift
    bin=$(postgres_bin) || { echo "no PostgreSQL binaries found" >&2; return 1; }
    port=$(free_port)
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories="
    for option in "$@"; do options+=" -c $option"; done
    mkdir -m 700 "$dir" || return 1
    POSTGRES_DIR=$dir
    printf '%s' "$password" > "$dir/password"
    if [[ $(id -u) -eq 0 ]]; then
        chown -R "$(as_postgres id -un):$(as_postgres id -gn)" "$dir"
    fi
    as_postgres "$bin/initdb" --pgdata="$dir/cluster" --username=preceptor --pwfile="$dir/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-instructions >/dev/null || return 1
    as_postgres "$bin/pg_ctl" --pgdata="$dir/cluster" --log="$dir/log" --wait --timeout=60 \
        --options="$options" start >/dev/null || { cat "$dir/log" >&2; return 1; }
    PGPASSWORD=$password "$bin/createdb" --host=127.0.0.1 --port="$port" --username=preceptor preceptor || return 1
    POSTGRES_URL="postgres://preceptor:$password@127.0.0.1:$port/preceptor"
}

stop_postgres() {
    [[ -n $POSTGRES_DIR ]] || return 0
    local bin
    bin=$(postgres_bin)
    as_postgres "$bin/pg_ctl" --pgdata="$POSTGRES_DIR/cluster" --mode=immediate --wait stop >/dev/null 2>&1 || true
    rm -rf "$POSTGRES_DIR"
    POSTGRES_DIR=""
}
