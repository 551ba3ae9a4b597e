#!lua
-- START: a worker begins a group of batches.
-- KEYS  1 pending   2 attempts
-- ARGV  the ids
-- Gives one number an id: which attempt this is, from 1; 0 if the batch is no longer pending (somebody finished it).
-- The refreshed score keeps a batch that goes back to the end of the queue from looking lost.
local now = redis.call('TIME')
now = now[1] .. '.' .. string.format('%06d', now[2])
local attempts = {}
for i, id in ipairs(ARGV) do
  if redis.call('ZSCORE', KEYS[1], id) then
    redis.call('ZADD', KEYS[1], 'XX', now, id)
    attempts[i] = redis.call('HINCRBY', KEYS[2], id, 1)
  else
    attempts[i] = 0
  end
end
return attempts
