#!lua flags=allow-oom
-- FINISH: the one place where a batch becomes analysed (or dead): at most once, whoever calls and however often.
-- It frees memory, so it may run on a full Redis.
-- KEYS  1 pending   2 attempts   3 rows   4 counters   5 detections   6 dead
-- ARGV  1 most rows that may wait for the recorder   then five a batch:
--       id, row, records, detections (JSON lines, "" for none), reason if it is given up ("" else)
-- Also  b:<id> payload
-- Gives one number a batch: 1 done now, 0 done before (nothing is written, the repeat is counted).
local pending, attempts, rows, counters = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local waiting = redis.call('LLEN', rows)
local most = tonumber(ARGV[1])
local outcomes = {}
local batches, records, dead, repeats, dropped = 0, 0, 0, 0, 0
for at = 2, #ARGV, 5 do
  local id = ARGV[at]
  if redis.call('ZREM', pending, id) == 1 then
    redis.call('HDEL', attempts, id)
    if ARGV[at + 4] == '' then
      batches = batches + 1
      records = records + tonumber(ARGV[at + 2])
    else
      dead = dead + 1
      redis.call('HSET', KEYS[6], id, redis.call('GET', 'b:' .. id) or '', id .. ':reason', ARGV[at + 4])
    end
    if ARGV[at + 3] ~= '' then redis.call('RPUSH', KEYS[5], ARGV[at + 3]) end
    redis.call('DEL', 'b:' .. id)
    if waiting < most then
      redis.call('RPUSH', rows, ARGV[at + 1])
      waiting = waiting + 1
    else
      dropped = dropped + 1
    end
    outcomes[#outcomes + 1] = 1
  else
    repeats = repeats + 1
    outcomes[#outcomes + 1] = 0
  end
end
if batches > 0 then
  redis.call('HINCRBY', counters, 'batches_analysed', batches)
  redis.call('HINCRBY', counters, 'records_analysed', records)
end
if dead > 0 then redis.call('HINCRBY', counters, 'batches_dead', dead) end
if repeats > 0 then redis.call('HINCRBY', counters, 'repeat_executions', repeats) end
if dropped > 0 then redis.call('HINCRBY', counters, 'rows_dropped', dropped) end
return outcomes
