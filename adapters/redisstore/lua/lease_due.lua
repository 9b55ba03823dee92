-- Takes records that are due. ARGV: names, how many, microseconds.
-- Returns the records.
local now = clock()
local n, till = tonumber(ARGV[2]), micros(now + ARGV[3])
now = micros(now)

repeat -- first those whose holder let the lease run out
	local ended = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 1000)
	free(ended)
until #ended < 1000 or redis.call('ZCOUNT', due, '-inf', now) >= n

return lease(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, n), till)
