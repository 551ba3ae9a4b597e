#!lua flags=allow-oom
-- FINISH: the one place where a batch becomes analysed (or dead): at most once, whoever calls and however often.
-- It frees memory, so it may run on a full Redis.
-- KEYS  1 pending   2 attempts   3 rows   4 counters   5 detections   6 dead
-- ARGV  1 most rows that may wait for the recorder   then five a batch:
--       id, row, records, detections (JSON lines, "" for none), reason if it is given up ("" else)
-- Also  b:<id> payload
-- Gives one number a batch: 1 done now, 0 done before (nothing is written, the repeat is counted).
-- Each command is given many batches: called for one at a time they cost the server more than the work itself.
local MOST = 1000 -- batches a command: Lua's stack holds 8,000 values
local MOST_PAYLOADS, MOST_BYTES = 1000, 65536 -- of given up batches that are kept, and of each: 64 MB at the most
local MOST_REASONS = 100000
local pending, attempts, rows, counters = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local room = math.max(0, tonumber(ARGV[1]) - redis.call('LLEN', rows))
local outcomes = {}
local batches, records, dead, repeats, dropped = 0, 0, 0, 0, 0
for from = 2, #ARGV, 5 * MOST do
  local last = math.min(from + 5 * MOST - 1, #ARGV)
  local ids = {}
  for at = from, last, 5 do ids[#ids + 1] = ARGV[at] end
  local scores = redis.call('ZMSCORE', pending, unpack(ids))
  local done, payloads, kept, found = {}, {}, {}, {}
  local seen = {}
  for i, id in ipairs(ids) do
    local at = from + 5 * (i - 1)
    if scores[i] and not seen[id] then
      seen[id] = true
      done[#done + 1] = id
      payloads[#payloads + 1] = 'b:' .. id
      if ARGV[at + 4] == '' then
        batches = batches + 1
        records = records + tonumber(ARGV[at + 2])
      else
        dead = dead + 1
        -- To be looked at, not to be kept whole: nobody takes them out, and a client can send as many as it likes.
        local held = redis.call('HLEN', KEYS[6])
        if held < 2 * MOST_PAYLOADS then
          local begin = redis.call('GETRANGE', 'b:' .. id, 0, MOST_BYTES - 1)
          redis.call('HSET', KEYS[6], id, begin, id .. ':reason', ARGV[at + 4])
        elseif held < MOST_REASONS then
          redis.call('HSET', KEYS[6], id .. ':reason', ARGV[at + 4])
        end
      end
      if ARGV[at + 3] ~= '' then found[#found + 1] = ARGV[at + 3] end
      if #kept < room then
        kept[#kept + 1] = ARGV[at + 1]
      else
        dropped = dropped + 1
      end
      outcomes[#outcomes + 1] = 1
    else
      repeats = repeats + 1
      outcomes[#outcomes + 1] = 0
    end
  end
  room = room - #kept
  if #done > 0 then
    redis.call('ZREM', pending, unpack(done))
    redis.call('HDEL', attempts, unpack(done))
    redis.call('DEL', unpack(payloads))
  end
  if #kept > 0 then redis.call('RPUSH', rows, unpack(kept)) end
  if #found > 0 then redis.call('RPUSH', KEYS[5], unpack(found)) end
end
if batches > 0 then
  redis.call('HINCRBY', counters, 'batches_analysed', batches)
  redis.call('HINCRBY', counters, 'records_analysed', records)
end
if dead > 0 then redis.call('HINCRBY', counters, 'batches_dead', dead) end
if repeats > 0 then redis.call('HINCRBY', counters, 'repeat_executions', repeats) end
if dropped > 0 then redis.call('HINCRBY', counters, 'rows_dropped', dropped) end
return outcomes
