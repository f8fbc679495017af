-- Every request is another (participant, program) pair, because a participant has one review per
-- program and period. Pair number i is participant i % P and program (i / P + 17 * (i % P)) % N:
-- no pair comes twice before P * N, and neighbours hit different programs.
dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")

local count = tonumber(os.getenv("BENCH_THREADS"))
local number = tonumber(os.getenv("BENCH_FIRST_PAIR"))
local bodies = {}
local headers = {}
local run = os.time() % 1000000
local levels = { "pre_health", "preclinical", "clinical", "licensed" }

function init()
    local year = tonumber(os.date("!%Y")) - 1
    for i = 1, 64 do
        bodies[i] = string.format([[{"period":{"start_month":"%d-03","end_month":"%d-05"},"weeks":%d,]]
            .. [["training_level":"%s","ratings":{"supervision":%d,"scope_clarity":%d,"patient_respect":%d,"learning":%d},]]
            .. [["would_recommend":%s,"text":{"what_i_did":"Ward rounds in the morning and the outpatient clinic after noon, always beside the resident.",]]
            .. [["good":"The supervisor explained each case, and asked every patient before we came in."},]]
            .. [["tasks_done":[],"claims_checked":[],"disclosure":{"incentive":"none","relationship":"none"}}]],
            year, year, i % 12 + 1, levels[i % 4 + 1], i % 5 + 1, (i + 1) % 5 + 1, (i + 2) % 5 + 1,
            (i + 3) % 5 + 1, i % 3 == 0 and "false" or "true")
    end
    for i, token in ipairs(data.tokens) do
        headers[i] = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }
    end
    number = number + thread_number
end

function request()
    local participants, programs = #data.tokens, #data.programs
    local participant = number % participants
    local program = (math.floor(number / participants) + 17 * participant) % programs
    local body = bodies[number % 64 + 1]
    number = number + count
    local with = headers[participant + 1]
    with["Idempotency-Key"] = string.format("review-%06d-%012d", run, number)
    return wrk.format("POST", "/v1/programs/" .. data.programs[program + 1] .. "/reviews", with, body)
end
