-- Takes one record. ARGV: names, account, microseconds.
-- Returns the record, 0 when there is none, 1 when it is held.
local r = redis.call('HMGET', token(ARGV[2]), 'revision', 'until')
local now = clock()
if not r[1] then return 0 end
if r[2] and tonumber(r[2]) > now then return 1 end
free(ARGV[2])
return lease(ARGV[2], micros(now + ARGV[3]))
