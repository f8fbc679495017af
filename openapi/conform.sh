#!/usr/bin/env bash
# The outside judges of the API: `just conform`; `openapi/conform.sh lint` stops after the linters.
#
#   CONFORM_DOCUMENT    default openapi/openapi.json
#   CONFORM_BINARY      default ${CARGO_TARGET_DIR:-target}/debug/preceptor
#   CONFORM_DATABASES   default "sqlite postgres"
#   CONFORM_EXAMPLES    schemathesis examples per operation and phase, default 20
#   CONFORM_SEED        default 1: the same requests each time
#   CONFORM_WORKERS     default 1: with more, CPython 3.11 sometimes fails in ast.parse
#
# 0 findings and 0 failures, or it exits with 1. The tools are pinned and kept under the target folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
# shellcheck source=.ci/postgres.sh
source .ci/postgres.sh

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/conform"
tools=$(cd "$target/conform" && pwd)
document=$(realpath "${CONFORM_DOCUMENT:-openapi/openapi.json}")
binary=$(realpath --canonicalize-missing "${CONFORM_BINARY:-$target/debug/preceptor}")
roles=(participant provider university moderator assessor admin)

work=$(mktemp -d "${TMPDIR:-/tmp}/preceptor-conform.XXXXXX")
chmod 711 "$work" # the cluster's user has to pass through
server=""

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
    if [[ -n $server ]]; then kill -KILL "$server" 2>/dev/null || true; fi
    stop_postgres
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A stamp holds the versions; another set of versions installs anew.
install_tools() {
    local npm=(@stoplight/spectral-cli@6.16.3 @stoplight/spectral-owasp-ruleset@2.0.1 @redocly/cli@2.77.0)
    local pip=(schemathesis==4.32.5 openapi-spec-validator==0.9.0 openapi-generator-cli==7.26.0)
    local wanted="${npm[*]} ${pip[*]}"
    if [[ $(cat "$tools/versions" 2>/dev/null) != "$wanted" ]]; then
        rm -rf "$tools/node" "$tools/python" "$tools/versions"
        npm --prefix "$tools/node" install --save-exact --no-audit --no-fund --ignore-scripts --loglevel=error "${npm[@]}"
        python3 -m venv "$tools/python"
        "$tools/python/bin/pip" install --quiet --disable-pip-version-check "${pip[@]}"
        printf '%s' "$wanted" > "$tools/versions"
    fi
}

judge() {
    local name=$1
    shift
    printf '\n--- %s\n' "$name"
    if "$@"; then return; fi
    echo "--- $name: FAILED" >&2
    failed+=("$name")
}

# spectral looks for the rules package beside its configuration.
spectral() {
    cp openapi/.spectral.yaml "$tools/node/.spectral.yaml"
    "$tools/node/node_modules/.bin/spectral" lint --ruleset "$tools/node/.spectral.yaml" \
        --fail-severity=warn "$document"
}

redocly() {
    REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
        "$tools/node/node_modules/.bin/redocly" lint --config openapi/redocly.yaml "$document"
}

# It exits with 0 on warnings, so its closing sentence is what counts.
generator_validate() {
    local output
    output=$("$tools/python/bin/openapi-generator-cli" validate --input-spec "$document" 2>&1) || true
    echo "$output"
    [[ $output == *"No validation issues detected"* ]]
}

wait_until_ready() {
    for _ in {1..1200}; do
        if curl --silent --fail --max-time 2 --output /dev/null "$1/readyz"; then return; fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    echo "the server did not become ready; its last words:" >&2
    tail -n 40 "$2" >&2
    return 1
}

start_server() {
    "$binary" demo > "$1" 2>&1 &
    server=$!
    wait_until_ready "http://$PRECEPTOR_BIND" "$1"
}

# Makes a secret for the demo's client and writes what gets a token for it: `ID SECRET`.
client_of_provider() {
    local client
    client=$("$binary" client list | awk '$2 == "provider" { print $1; exit }') || return 1
    echo "$client $("$binary" client secret "$client" | sed 's/^client_secret: //')"
}

# Clients and a moderator for what an admin's operations change, revoke and remove, so that they leave alone those that
# schemathesis acts as: it takes ids from the lists that it reads.
spares() {
    local name id
    for name in change revoke; do
        id=$("$binary" client create --role frontend --name "To $name" | sed -n 's/^client_id: //p') || return 1
        echo "$id" > "$1/$name.spare"
    done
    "$binary" token issue --role moderator > "$1/moderator.spare"
}

# One table per bearer scheme: a scheme named after a role gets that role's token, any other the moderator's. For the
# provider's operations schemathesis logs in by itself, as a service client does.
write_config() {
    cp openapi/schemathesis.toml "$2"
    python3 - "$document" "$1" >> "$2" <<'PYTHON'
import base64, json, pathlib, sys
document, folder = json.load(open(sys.argv[1])), pathlib.Path(sys.argv[2])
for name, operations in ("change", "^PATCH /v1/clients/"), ("revoke", "^POST /v1/clients/.*/revocation$"):
    client = (folder / f"{name}.spare").read_text().strip()
    print(f'\n[[operations]]\ninclude-name-regex = "{operations}"\nparameters = {{ client = "{client}" }}')
claims = (folder / "moderator.spare").read_text().split(".")[1]
principal = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
print(f'\n[[operations]]\ninclude-name-regex = "^POST /v1/principals/"\nparameters = {{ principal = "{principal}" }}')
for name, scheme in document["components"].get("securitySchemes", {}).items():
    if scheme.get("scheme") != "bearer":
        continue
    client = folder / f"{name}.client"
    if client.exists():
        client_id, secret = client.read_text().split()
        payload = f'grant_type = "client_credentials", client_id = "{client_id}", client_secret = "{secret}"'
        print(f'\n[auth.dynamic.openapi."{name}"]\npath = "/oauth/token"\npayload = {{ {payload} }}')
        print('payload_content_type = "application/x-www-form-urlencoded"\nextract_selector = "/access_token"')
        continue
    token = folder / name
    if not token.exists():
        token = folder / "moderator"
    print(f'\n[auth.openapi."{name}"]\nbearer = "{token.read_text().strip()}"')
PYTHON
}

against_database() {
    local database=$1 dir=$work/$1
    mkdir -m 711 "$dir"
    if [[ $database == postgres ]]; then
        if ! postgres_bin >/dev/null; then
            echo "SKIPPED schemathesis on postgres: no server binaries" >&2
            [[ -z ${CI:-} ]]
            return
        fi
        start_postgres "$dir/postgres" fsync=off || return 1
        export DATABASE_URL=$POSTGRES_URL
    else
        export DATABASE_URL=sqlite://$dir/preceptor.db
    fi
    export PRECEPTOR_DATA_DIR=$dir/data PRECEPTOR_RATE_LIMITS=off
    PRECEPTOR_BIND=127.0.0.1:$(free_port)
    export PRECEPTOR_BIND

    # The first start loads the demo data. Tokens are made between the two starts, because a second
    # process may not open the SQLite file while a server has it.
    start_server "$dir/first.log" || return 1
    stop_server
    mkdir -m 700 "$dir/tokens"
    for role in "${roles[@]}"; do
        "$binary" token issue --role "$role" > "$dir/tokens/$role" || return 1
    done
    client_of_provider > "$dir/tokens/provider.client" || return 1
    spares "$dir/tokens" || return 1
    start_server "$dir/server.log" || return 1

    write_config "$dir/tokens" "$dir/schemathesis.toml"
    local status=0
    # From the scratch folder, because it keeps notes in the current one.
    cd "$dir"
    "$tools/python/bin/schemathesis" --config-file "$dir/schemathesis.toml" run "$document" \
        --url "http://$PRECEPTOR_BIND" --checks all --phases examples,coverage,fuzzing,stateful \
        --max-examples "${CONFORM_EXAMPLES:-20}" --seed "${CONFORM_SEED:-1}" \
        --workers "${CONFORM_WORKERS:-1}" || status=1
    cd "$root"

    # A server that died under the requests has failed, whatever the judge says.
    if ! curl --silent --fail --max-time 5 --output /dev/null "http://$PRECEPTOR_BIND/livez"; then
        echo "the server no longer answers; its last words:" >&2
        tail -n 40 "$dir/server.log" >&2
        status=1
    fi
    stop_server
    stop_postgres
    return "$status"
}

failed=()
install_tools
judge "spectral" spectral
judge "redocly" redocly
judge "openapi-spec-validator" "$tools/python/bin/openapi-spec-validator" "$document"
judge "openapi-generator-cli validate" generator_validate
if [[ ${1:-} != lint ]]; then
    for database in ${CONFORM_DATABASES:-sqlite postgres}; do
        judge "schemathesis on $database" against_database "$database"
        stop_server
        stop_postgres
    done
fi

if [[ ${#failed[@]} -gt 0 ]]; then
    printf '\nconform: %d judges failed:\n' "${#failed[@]}" >&2
    printf '  %s\n' "${failed[@]}" >&2
    exit 1
fi
printf '\nconform: every judge is content\n'
