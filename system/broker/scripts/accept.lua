#!lua
-- ACCEPT: takes a group of batches into the journal and queues one task that names them.
-- KEYS  1 pending   2 queue   3 high   4 counters
-- ARGV  1 message   then six a batch:
--       id, stream ("" for another client's chunk), first record (of another client's: for how many seconds its id is
--       remembered), record count, payload, staged
--       Exactly one of payload and staged isn't "": staged is the key under which a large payload lies already, for in ARGV
--       it would be copied twice on its way through Lua. It gets its name here, or goes.
-- Also  b:<id> payload   seen:<id>   gaps:<stream>   unacked (in KEYS a caller that may only read it would be refused)
-- Gives one number a batch: 1 accepted, 0 known already, -1 in conflict (overlaps records that we hold in part); and one
-- number more: how many tasks nobody has finished, queued or held by a worker; 0 if none was added.
-- The message is queued only if every batch of the group was accepted and the message isn't empty: else the caller
-- queues one that names just the new ones. Should it die before that, the sweeper does.
-- Each command is given many batches: called for one at a time they cost the server more than the work itself.
local MOST = 1000 -- values a command: Lua's stack holds 8,000
local MOST_GAPS = 1000 -- a stream: an agent has some batches under way, and skips no more than these
local pending, queue, high = KEYS[1], KEYS[2], KEYS[3]
local now = redis.call('TIME')
now = now[1] .. '.' .. string.format('%06d', now[2])

local function for_each_slice(list, call)
  for from = 1, #list, MOST do call(unpack(list, from, math.min(from + MOST - 1, #list))) end
end

-- Before anything is written: a script that ends halfway leaves what it wrote.
for at = 7, #ARGV, 6 do
  if ARGV[at] ~= '' and redis.call('EXISTS', ARGV[at]) == 0 then
    return redis.error_reply('ERR staged payload ' .. ARGV[at] .. ' is gone')
  end
end

-- High-water marks by stream, as text until one moves.
local streams, marks, moved = {}, {}, {}
for at = 3, #ARGV, 6 do
  local stream = ARGV[at]
  if stream ~= '' and marks[stream] == nil then
    marks[stream] = '0'
    streams[#streams + 1] = stream
  end
end
local at_stream = 0
for_each_slice(streams, function(...)
  for _, mark in ipairs(redis.call('HMGET', high, ...)) do
    at_stream = at_stream + 1
    if mark then marks[streams[at_stream]] = mark end
  end
end)

-- A stream is known up to its high-water mark, but for gaps: ranges that were skipped and may still come.
local function take(stream, first_text, count)
  local first = tonumber(first_text)
  local past = first + count
  local mark = tonumber(marks[stream])
  if first >= mark then
    if first > mark then
      -- Each batch below the mark goes through all of them, and nobody else is served meanwhile.
      if redis.call('HLEN', 'gaps:' .. stream) >= MOST_GAPS then return -1 end
      redis.call('HSET', 'gaps:' .. stream, string.format('%.0f', mark), first_text)
    end
    marks[stream] = string.format('%.0f', past)
    moved[stream] = true
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

local outcomes = {}
local all = true
local stored, journalled = {}, {}
for at = 2, #ARGV, 6 do
  local id, stream = ARGV[at], ARGV[at + 1]
  local outcome
  if stream ~= '' then
    outcome = take(stream, ARGV[at + 2], tonumber(ARGV[at + 3]))
  elseif redis.call('SET', 'seen:' .. id, '1', 'NX', 'EX', ARGV[at + 2]) then
    outcome = 1
  else
    outcome = 0
  end
  if outcome == 1 then
    if ARGV[at + 5] == '' then
      stored[#stored + 1] = 'b:' .. id
      stored[#stored + 1] = ARGV[at + 4]
    else
      redis.call('RENAME', ARGV[at + 5], 'b:' .. id)
    end
    journalled[#journalled + 1] = now
    journalled[#journalled + 1] = id
  else
    if ARGV[at + 5] ~= '' then redis.call('UNLINK', ARGV[at + 5]) end
    all = false
  end
  outcomes[#outcomes + 1] = outcome
end
local changed = {}
for _, stream in ipairs(streams) do
  if moved[stream] then
    changed[#changed + 1] = stream
    changed[#changed + 1] = marks[stream]
  end
end
for_each_slice(changed, function(...) redis.call('HSET', high, ...) end)
for_each_slice(stored, function(...) redis.call('MSET', ...) end)
for_each_slice(journalled, function(...) redis.call('ZADD', pending, ...) end)
if #journalled > 0 then redis.call('HINCRBY', KEYS[4], 'batches_accepted', #journalled / 2) end
local open = 0
if all and ARGV[1] ~= '' then open = redis.call('LPUSH', queue, ARGV[1]) + redis.call('HLEN', 'unacked') end
outcomes[#outcomes + 1] = open
return outcomes
