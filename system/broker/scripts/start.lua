#!lua flags=allow-oom
-- START: a worker begins a group of batches. What it adds is small, and what it begins frees memory: it may run on a full Redis.
-- KEYS  1 pending   2 attempts
-- ARGV  the ids, each once
-- Gives one number an id: which attempt this is, from 1; 0 if the batch is no longer pending (somebody finished it).
-- The refreshed score keeps a batch that goes back to the end of the queue from looking lost.
-- Each command is given many ids: called for one at a time they cost the server more than the work itself.
local MOST = 1000 -- ids a command: Lua's stack holds 8,000 values
local now = redis.call('TIME')
now = now[1] .. '.' .. string.format('%06d', now[2])
local attempts = {}
for from = 1, #ARGV, MOST do
  local ids = {unpack(ARGV, from, math.min(from + MOST - 1, #ARGV))}
  local scores = redis.call('ZMSCORE', KEYS[1], unpack(ids))
  local before = redis.call('HMGET', KEYS[2], unpack(ids))
  local refreshed, counted = {}, {}
  for i, id in ipairs(ids) do
    local attempt = 0
    if scores[i] then
      attempt = tonumber(before[i] or '0') + 1
      refreshed[#refreshed + 1] = now
      refreshed[#refreshed + 1] = id
      counted[#counted + 1] = id
      counted[#counted + 1] = attempt
    end
    attempts[#attempts + 1] = attempt
  end
  if #counted > 0 then
    redis.call('ZADD', KEYS[1], 'XX', unpack(refreshed))
    redis.call('HSET', KEYS[2], unpack(counted))
  end
end
return attempts
