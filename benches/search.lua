dofile(os.getenv("BENCH_SCRIPTS") .. "/common.lua")

function init()
    request = in_turn(data.searches)
end
