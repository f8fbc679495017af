dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")

function init()
    local paths = {}
    for i, path in ipairs(data.details) do
        paths[i] = path .. "/verdict"
    end
    request = in_turn(paths)
end
