"""Reads the generated catalogue from a running server and writes the Lua table that wrk's scripts use.

usage: read_catalogue.py BASE_URL TOKENS_FILE OUTPUT.lua
"""

import json
import re
import sys
import urllib.parse
import urllib.request

SAMPLE = 2000  # requests formatted per script; larger tables only cost wrk memory


def get(base, path):
    with urllib.request.urlopen(base + path, timeout=30) as answer:
        return json.load(answer)


def all_programs(base):
    cursor = None
    while True:
        query = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = get(base, "/v1/programs?" + urllib.parse.urlencode(query))
        yield from page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def spread(items):
    """At most SAMPLE of them, evenly over the whole."""
    items = list(items)
    step = max(1, len(items) // SAMPLE)
    return items[::step][:SAMPLE]


def lua(values):
    return "{" + ",".join(json.dumps(value) for value in values) + "}"


def main(base, tokens_file, output):
    programs = list(all_programs(base))
    if not programs:
        sys.exit("the server lists no program")
    details = spread(programs)
    # A pair is asked for as often as it occurs, so common pairs, with full pages, are asked for most.
    pairs = [(program["countries"][0], program["specialties"][0]) for program in details]
    words = sorted({word for program in programs for word in re.findall(r"[a-z]{5,}", program["title"].lower())})
    # One word, and two words of one title.
    queries = [[word] for word in words]
    for program in details:
        found = re.findall(r"[a-z]{5,}", program["title"].lower())
        if len(found) >= 2:
            queries.append([found[0], found[-1]])
    with open(tokens_file, encoding="ascii") as lines:
        tokens = lines.read().split()

    def path(parameters):
        return "/v1/programs?" + urllib.parse.urlencode(parameters)

    tables = {
        "programs": [program["id"] for program in programs],
        "details": [f"/v1/programs/{program['id']}" for program in details],
        "reviews": [f"/v1/programs/{program['id']}/reviews?limit=20" for program in details],
        "lists": [
            path({"country": country, "specialty": specialty, "sort": "-score", "limit": 20})
            for country, specialty in pairs
        ],
        "searches": spread(path({"q": " ".join(query), "limit": 20}) for query in queries),
        "tokens": tokens,
    }
    with open(output, "w", encoding="ascii") as file:
        file.write("return {\n")
        for name, values in tables.items():
            file.write(f"{name} = {lua(values)},\n")
        file.write("}\n")

    # A request that fails would be measured as a fast one: try one of each first.
    for name in ("details", "reviews", "lists", "searches"):
        get(base, tables[name][0])
    print(
        f"{len(programs)} listed programs, {len(tokens)} participants, {len(pairs)} country and specialty pairs, "
        f"{len(queries)} queries",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
