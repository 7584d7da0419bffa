-- For wrk: reports conversions until so many were answered, then says how it went, on one line of JSON, and idles until it is
-- ended. Arguments: path, prefix of click ids, prefix of transaction ids, destinations, number of the first, calls.
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long s; long us; } bench_time;
  int gettimeofday(bench_time *time, void *zone);
]]

local function now_ms()
  local time = ffi.new("bench_time")
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.s) * 1000 + tonumber(time.us) / 1000
end

function init(args)
  path, clicks, prefix = args[1], args[2], args[3]
  destinations, first, calls = tonumber(args[4]), tonumber(args[5]), tonumber(args[6])
  allowed, sent, accepted, refused = 0, 0, 0, 0
end

-- Nothing is sent beyond what was asked for.
function delay()
  allowed = allowed + 1
  return allowed <= calls and 0 or 3600000
end

function request()
  started = started or now_ms()
  local n = sent
  sent = sent + 1
  return "GET " .. path .. "?click_id=" .. clicks .. (first + n % destinations) .. "&transaction_id=" .. prefix .. n ..
    "&payout=1.25&status=approved HTTP/1.1\r\nhost: relay\r\n\r\n"
end

function response(status)
  if status == 200 then accepted = accepted + 1 else refused = refused + 1 end
  if accepted + refused < calls then return end
  io.write(string.format('{"accepted":%d,"refused":%d,"ms":%.1f}\n', accepted, refused, now_ms() - started))
  io.flush()
end
