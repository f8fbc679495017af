-- Shared by every wrk script: the data read from the running server, and one machine-readable line
-- at the end. wrk starts one Lua state per thread; `setup` numbers them.
local folder = os.getenv("BENCH_WORK")

data = dofile(folder .. "/data.lua")

local threads = 0
function setup(thread)
    thread:set("thread_number", threads)
    threads = threads + 1
end

-- Requests are formatted once, before the measurement, and sent in turn.
function in_turn(paths)
    local requests = {}
    for i, path in ipairs(paths) do
        requests[i] = wrk.format("GET", path)
    end
    -- Threads begin apart, so that they do not ask for the same thing at the same time.
    local next_one = (thread_number * 7919) % #requests
    return function()
        next_one = next_one % #requests + 1
        return requests[next_one]
    end
end

-- rate, p50, p99 (milliseconds), answers of status 400 and above, other failures
function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format("RESULT %.0f %.2f %.2f %d %d\n",
        summary.requests / (summary.duration / 1e6),
        latency:percentile(50) / 1000, latency:percentile(99) / 1000,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
