#!lua flags=no-writes
-- SWEEP: which batches are in the journal but neither queued nor in a worker's hands.
-- KEYS  1 pending   2 queue   3 unacked
-- ARGV  1 age in seconds below which nothing is looked at   2 most ids to give
-- Gives their ids. By queue position, not by age alone, or a backlog would become a storm of repeats: the queue is first
-- in, first out, so what is older than the oldest message in it is not in it. A batch that was popped a moment ago and
-- isn't noted as unacknowledged yet is covered by the age.
local now = tonumber(redis.call('TIME')[1])
local limit = now - tonumber(ARGV[1])
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. limit, 'LIMIT', 0, tonumber(ARGV[2]))
if #old == 0 then return {} end

local function batches(message)
  local good, decoded = pcall(cjson.decode, message)
  if not good or type(decoded) ~= 'table' then return {} end
  if decoded[1] then decoded = decoded[1] end -- unacked holds [message, exchange, routing key]
  local headers = decoded.headers
  if type(headers) ~= 'table' or type(headers.batches) ~= 'table' then return {} end
  return headers.batches
end

-- JSON text is UTF-8 and an id is bytes, carried as the code points 0 to 255.
local function bytes(text)
  return (string.gsub(text, '([\194\195])([\128-\191])', function(lead, trail)
    return string.char((string.byte(lead) - 192) * 64 + string.byte(trail) - 128)
  end))
end

local oldest = math.huge
local tail = redis.call('LINDEX', KEYS[2], -1)
if tail then
  oldest = -math.huge -- a tail that names no pending batch says nothing: wait until it is consumed
  for _, id in ipairs(batches(tail)) do
    local score = redis.call('ZSCORE', KEYS[1], bytes(id))
    if score then oldest = math.max(oldest, tonumber(score)) end
  end
end
local held = {}
for _, message in ipairs(redis.call('HVALS', KEYS[3])) do
  for _, id in ipairs(batches(message)) do held[bytes(id)] = true end
end
local lost = {}
for _, id in ipairs(old) do
  if not held[id] and tonumber(redis.call('ZSCORE', KEYS[1], id)) < oldest then lost[#lost + 1] = id end
end
return lost
