-- Takes records that are due. ARGV: names, how many, microseconds.
-- Returns the records.
local now = clock()
local n, till = tonumber(ARGV[2]), micros(now + ARGV[3])
now = micros(now)

repeat -- first those whose holder let the lease run out
	local ended = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 1000)
	for _, account in ipairs(ended) do free(account) end
until #ended < 1000 or redis.call('ZCOUNT', due, '-inf', now) >= n

local taken = {}
for _, account in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, n)) do
	taken[#taken + 1] = lease(account, till)
end
return taken
