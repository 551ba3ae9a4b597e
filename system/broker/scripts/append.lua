#!lua flags=allow-oom
-- APPEND: result rows of a system without a journal, into the bounded list.
-- KEYS  1 rows   2 counters
-- ARGV  1 most rows that may wait for the recorder   then the rows
-- What has no room is dropped and counted, as FINISH does.
local room = math.max(0, tonumber(ARGV[1]) - redis.call('LLEN', KEYS[1]))
local fit = math.min(room, #ARGV - 1)
for at = 2, fit + 1 do redis.call('RPUSH', KEYS[1], ARGV[at]) end
local dropped = #ARGV - 1 - fit
if dropped > 0 then redis.call('HINCRBY', KEYS[2], 'rows_dropped', dropped) end
return dropped
