-- NP_BEST after NP_BEST, each with a number and a message_id of its own, spread over recipients and days.
-- Arguments: first index, how many indexes a thread has, porting days (comma separated), keys (code=key, comma separated)
local threads = {}

function setup(thread)
   thread:set("place", #threads)
   table.insert(threads, thread)
end

function init(args)
   local first, each = tonumber(args[1]), tonumber(args[2])
   index = first + place * each
   accepted, refused = 0, 0
   math.randomseed(first + place)
   days, codes, keys = {}, {}, {}
   for day in string.gmatch(args[3], "[^,]+") do table.insert(days, day) end
   for code, key in string.gmatch(args[4], "([^,=]+)=([^,]+)") do
      table.insert(codes, code)
      keys[code] = "Bearer " .. key
   end
end

local template = '{"type":"NP_BEST","message_id":"%08x-%04x-4%03x-8%03x-%012x","sender":"%s","donor":"B%02d",' ..
   '"number_type":"E","main_number":"%d","porting_time":"%s","customer":{"name":"Kari Nordmann",' ..
   '"birth_date":"1980-01-31"},"authorisation_reference":"A-%d"}'

function request()
   local n = index
   index = index + 1
   local code = codes[n % #codes + 1]
   local body = string.format(template, math.random(0, 2^31 - 1), math.random(0, 65535), math.random(0, 4095),
      math.random(0, 4095), n, code, math.floor(n / 1000000), 90000000 + n, days[math.floor(n / #codes) % #days + 1], n)
   return wrk.format("POST", "/v1/messages",
      {["Content-Type"] = "application/json", ["Authorization"] = keys[code]}, body)
end

function response(status)
   if status == 201 then accepted = accepted + 1 else refused = refused + 1 end
end

function done(summary, latency)
   local yes, no = 0, 0
   for _, thread in ipairs(threads) do
      yes = yes + thread:get("accepted")
      no = no + thread:get("refused")
   end
   io.write(string.format('{"accepted":%d,"refused":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"errors":%d}\n',
      yes, no, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
