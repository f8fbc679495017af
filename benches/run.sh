#!/usr/bin/env bash
# Load figures on generated data: `just bench`. Prints a Markdown table on standard output, progress on
# standard error. The server, the database and wrk share this machine; traffic stays on 127.0.0.1.
#
#   BENCH_BINARY        default ${CARGO_TARGET_DIR:-target}/release/preceptor
#   BENCH_DATABASES     default "sqlite postgres"
#   BENCH_SECONDS       of each measurement, default 10 (after 2 of warming up)
#   BENCH_CONNECTIONS   default 32
#   BENCH_THREADS       of wrk, default 1: on two cores a second one only takes from the server
#   BENCH_PROGRAMS, BENCH_REVIEWS, BENCH_REPORTS   default 10000, 200000, 20000
#   BENCH_DIR           where the databases go, default /var/tmp (a disk: in memory, a durable write costs nothing)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/postgres.sh
source .ci/postgres.sh

binary=$(realpath "${BENCH_BINARY:-${CARGO_TARGET_DIR:-target}/release/preceptor}")
seconds=${BENCH_SECONDS:-10}
connections=${BENCH_CONNECTIONS:-32}
export BENCH_THREADS=${BENCH_THREADS:-1}
export BENCH_SCRIPTS=$PWD/benches
command -v wrk >/dev/null || { echo "wrk is missing: apt-get install wrk" >&2; exit 1; }

work=$(mktemp -d "${BENCH_DIR:-/var/tmp}/preceptor-bench.XXXXXX")
chmod 711 "$work"
server=""
load=""

stop_server() {
    [[ -n $server ]] || return 0
    kill -TERM "$server" 2>/dev/null || true
    for _ in {1..450}; do
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=""
}

clean_up() {
    if [[ -n $load ]]; then kill "$load" 2>/dev/null || true; fi
    if [[ -n $server ]]; then kill -KILL "$server" 2>/dev/null || true; fi
    stop_postgres
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_server() {
    "$binary" serve > "$BENCH_WORK/server.log" 2>&1 &
    server=$!
    for _ in {1..600}; do
        if curl --silent --fail --max-time 2 --output /dev/null "$base/readyz"; then return; fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 40 "$BENCH_WORK/server.log" >&2
    return 1
}

# In the background, so that an interrupt is acted on at once.
run_wrk() {
    wrk --threads "$BENCH_THREADS" --connections "$connections" --duration "$1s" --latency --timeout 10s \
        --script "benches/$2.lua" "$base" > "$BENCH_WORK/wrk.log" &
    load=$!
    wait "$load"
    load=""
}

measure() {
    local database=$1 name=$2 script=$3 wanted=$4 result rate p50 p99 refused broken
    echo "$database: $name" >&2
    export BENCH_FIRST_PAIR=0
    run_wrk 2 "$script"
    # The measured writes begin where no warm-up write can have come to.
    export BENCH_FIRST_PAIR=1000000
    run_wrk "$seconds" "$script"
    result=$(grep '^RESULT ' "$BENCH_WORK/wrk.log") || { cat "$BENCH_WORK/wrk.log" >&2; return 1; }
    read -r _ rate p50 p99 refused broken <<< "$result"
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' \
        "$database" "$name" "$rate" "$wanted" "$p50" "$p99" "$((refused + broken))"
}

bench() {
    local database=$1
    export BENCH_WORK=$work/$database
    mkdir -m 711 "$BENCH_WORK"
    if [[ $database == postgres ]]; then
        # Durable as delivered (fsync, synchronous_commit); only the cache is sized to the data.
        start_postgres "$BENCH_WORK/cluster" shared_buffers=1GB max_connections=200
        export DATABASE_URL=$POSTGRES_URL
    else
        export DATABASE_URL=sqlite://$BENCH_WORK/preceptor.db
    fi
    export PRECEPTOR_DATA_DIR=$BENCH_WORK/data PRECEPTOR_RATE_LIMITS=off PRECEPTOR_LOG=warn
    PRECEPTOR_BIND=127.0.0.1:$(free_port)
    export PRECEPTOR_BIND
    base=http://$PRECEPTOR_BIND

    echo "$database: generating" >&2
    "$binary" generate --programs "${BENCH_PROGRAMS:-10000}" --reviews "${BENCH_REVIEWS:-200000}" \
        --reports "${BENCH_REPORTS:-20000}" --seed 1 >&2
    # Before the server starts, because a second process may not open the SQLite file beside it.
    "$binary" token issue --role participant --count 500 > "$BENCH_WORK/tokens"
    "$binary" client create --role frontend --name "Load test" | sed -n 's/^client_[a-z]*: //p' > "$BENCH_WORK/client"
    start_server
    python3 benches/read_catalogue.py "$base" "$BENCH_WORK/tokens" "$BENCH_WORK/data.lua"

    measure "$database" "detail" detail 20,000
    measure "$database" "verdict with its reasons" verdict -
    measure "$database" "list: country and specialty, by score, 20 rows" list 4,000
    measure "$database" "reviews page, 20 rows" reviews 5,000
    measure "$database" "full text, 20 rows" search 2,500
    measure "$database" "POST review" post_review 4,000
    measure "$database" "POST /oauth/token" token -

    stop_server
    stop_postgres
    rm -rf "$BENCH_WORK"
}

printf '%s, %d cores, %s; wrk: %s connections, %s threads, %s s each.\n\n' \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
    "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)" \
    "$connections" "$BENCH_THREADS" "$seconds"
echo '| database | request | per second | goal (SQLite) | p50 ms | p99 ms | failed |'
echo '|---|---|---:|---:|---:|---:|---:|'
for database in ${BENCH_DATABASES:-sqlite postgres}; do
    bench "$database"
done
