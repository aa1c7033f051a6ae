-- GET after GET, each for a number of its own, or the same address again. Arguments: address, key, numbers (0: none)
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init(args)
  address, numbers, answered = args[1], tonumber(args[3]), 0
  wrk.headers["Authorization"] = "Bearer " .. args[2]
  math.randomseed(os.time())
end

function request()
  if numbers == 0 then return wrk.format("GET", address) end
  return wrk.format("GET", address .. string.format("%08d", 90000000 + math.random(0, numbers - 1)))
end

function response(status) if status == 200 then answered = answered + 1 end end

function done(summary, latency)
  local total = 0
  for _, thread in ipairs(threads) do total = total + thread:get("answered") end
  io.write(string.format('{"answered":%d,"seconds":%.6f,"p99_ms":%.3f}\n', total, summary.duration / 1e6,
    latency:percentile(99) / 1e3))
end
