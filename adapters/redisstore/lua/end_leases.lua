-- Ends leases, or makes those that have not run out last from now on for a
-- while. ARGV: names, microseconds or '' to end, and for each lease account,
-- revision, fence.
local ended = {}
for i = 3, #ARGV, 3 do
	local account = ARGV[i]
	local r = redis.call('HMGET', token(account), 'revision', 'fence')
	if r[1] == ARGV[i + 1] and r[2] == ARGV[i + 2] then
		if ARGV[2] == '' then
			redis.call('HDEL', token(account), 'until')
			push(ended, account)
		elseif redis.call('ZSCORE', leases, account) then
			local till = micros(clock() + ARGV[2])
			redis.call('HSET', token(account), 'until', till)
			redis.call('ZADD', leases, till, account)
		end
	end
end
free(ended)
return 1
