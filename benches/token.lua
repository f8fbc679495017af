-- One service client that asks for an access token, over and over, with its secret in the form.
dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")

function init()
    local file = assert(io.open(os.getenv("BENCH_WORK") .. "/client"))
    local id, secret = file:read("l", "l")
    file:close()
    local body = "grant_type=client_credentials&client_id=" .. id .. "&client_secret=" .. secret
    local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
    local text = wrk.format("POST", "/oauth/token", headers, body)
    request = function()
        return text
    end
end
