#!lua flags=allow-oom
-- REQUEUE: queues a task of its own for a batch that is still pending. On a full Redis too: the batch lies there already.
-- KEYS  1 pending   2 queue   3 counters   4 attempts
-- ARGV  1 id   2 message   3 why: swept (nobody had it), split (its group's worker died; that start wasn't an attempt)
-- Gives 1 if it was queued; the counter named by the reason counts it.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', now[1] .. '.' .. string.format('%06d', now[2]), ARGV[1])
redis.call('LPUSH', KEYS[2], ARGV[2])
redis.call('HINCRBY', KEYS[3], ARGV[3], 1)
if ARGV[3] == 'split' then redis.call('HINCRBY', KEYS[4], ARGV[1], -1) end
return 1
