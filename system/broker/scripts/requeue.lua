#!lua
-- REQUEUE: queues a task for a batch that the sweep found, if it is still pending.
-- KEYS  1 pending   2 queue   3 counters
-- ARGV  1 id   2 message
-- Gives 1 if it was queued.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', now[1] .. '.' .. string.format('%06d', now[2]), ARGV[1])
redis.call('LPUSH', KEYS[2], ARGV[2])
redis.call('HINCRBY', KEYS[3], 'swept', 1)
return 1
