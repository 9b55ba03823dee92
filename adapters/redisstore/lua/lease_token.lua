-- Takes one record. ARGV: names, account, microseconds.
-- Returns a list with the record, 0 when there is none, 1 when it is held.
local account = ARGV[2]
local r = redis.call('HMGET', token(account), 'revision', 'until')
local now = clock()
if not r[1] then return 0 end
if r[2] and tonumber(r[2]) > now then return 1 end
return lease({account}, micros(now + ARGV[3]))
