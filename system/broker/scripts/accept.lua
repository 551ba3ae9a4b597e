#!lua
-- ACCEPT: takes a group of batches into the journal and queues one task that names them.
-- KEYS  1 pending   2 queue   3 high   4 counters
-- ARGV  1 message   2 seconds that other clients' ids are remembered   then six a batch:
--       id, stream ("" for another client's chunk), first record, record count, payload, staged
--       Exactly one of payload and staged isn't "": staged is the key under which a large payload lies already, for in ARGV
--       it would be copied twice on its way through Lua. It gets its name here, or goes.
-- Also  b:<id> payload   seen:<id>   gaps:<stream>
-- Gives one number a batch: 1 accepted, 0 known already, -1 in conflict (overlaps records that we hold in part).
-- The message is queued only if every batch of the group was accepted and the message isn't empty: else the caller
-- queues one that names just the new ones. Should it die before that, the sweeper does.
local pending, queue, high = KEYS[1], KEYS[2], KEYS[3]
local now = redis.call('TIME')
now = now[1] .. '.' .. string.format('%06d', now[2])

-- A stream is known up to its high-water mark, but for gaps: ranges that were skipped and may still come.
local function take(stream, first_text, count)
  local first = tonumber(first_text)
  local past = first + count
  local mark = tonumber(redis.call('HGET', high, stream) or '0')
  if first >= mark then
    if first > mark then
      redis.call('HSET', 'gaps:' .. stream, string.format('%.0f', mark), first_text)
    end
    redis.call('HSET', high, stream, string.format('%.0f', past))
    return 1
  end
  local gaps = redis.call('HGETALL', 'gaps:' .. stream)
  for i = 1, #gaps, 2 do
    local from, to = tonumber(gaps[i]), tonumber(gaps[i + 1])
    if first < to and past > from then
      if first < from or past > to then return -1 end
      redis.call('HDEL', 'gaps:' .. stream, gaps[i])
      if from < first then redis.call('HSET', 'gaps:' .. stream, gaps[i], first_text) end
      if past < to then redis.call('HSET', 'gaps:' .. stream, string.format('%.0f', past), gaps[i + 1]) end
      return 1
    end
  end
  if past > mark then return -1 end
  return 0
end

-- Before anything is written: a script that ends halfway leaves what it wrote.
for at = 8, #ARGV, 6 do
  if ARGV[at] ~= '' and redis.call('EXISTS', ARGV[at]) == 0 then
    return redis.error_reply('ERR staged payload ' .. ARGV[at] .. ' is gone')
  end
end

local outcomes = {}
local all = true
local accepted = 0
for at = 3, #ARGV, 6 do
  local id, stream = ARGV[at], ARGV[at + 1]
  local outcome
  if stream ~= '' then
    outcome = take(stream, ARGV[at + 2], tonumber(ARGV[at + 3]))
  elseif redis.call('SET', 'seen:' .. id, '1', 'NX', 'EX', ARGV[2]) then
    outcome = 1
  else
    outcome = 0
  end
  if outcome == 1 then
    if ARGV[at + 5] == '' then
      redis.call('SET', 'b:' .. id, ARGV[at + 4])
    else
      redis.call('RENAME', ARGV[at + 5], 'b:' .. id)
    end
    redis.call('ZADD', pending, now, id)
    accepted = accepted + 1
  else
    if ARGV[at + 5] ~= '' then redis.call('UNLINK', ARGV[at + 5]) end
    all = false
  end
  outcomes[#outcomes + 1] = outcome
end
if accepted > 0 then redis.call('HINCRBY', KEYS[4], 'batches_accepted', accepted) end
if all and ARGV[1] ~= '' then redis.call('LPUSH', queue, ARGV[1]) end
return outcomes
