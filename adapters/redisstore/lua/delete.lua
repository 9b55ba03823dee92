-- Removes a record and every trace of it. ARGV: names, account.
local account = ARGV[2]
local r = redis.call('HMGET', token(account), 'state', 'person')
if not r[1] then return 0 end
redis.call('DEL', token(account))
redis.call('HINCRBY', states, r[1], -1)
if r[2] and r[2] ~= '' then redis.call('SREM', ARGV[1] .. 'person:' .. r[2], account) end
for _, set in ipairs({due, held, leases, keys}) do redis.call('ZREM', set, account) end
return 1
