-- Ends leases, or makes them last from now on for a while. ARGV: names,
-- microseconds or '' to end, and for each lease account, revision, fence.
for i = 3, #ARGV, 3 do
	local account = ARGV[i]
	local r = redis.call('HMGET', token(account), 'revision', 'fence')
	if r[1] == ARGV[i + 1] and r[2] == ARGV[i + 2] then
		free(account)
		redis.call('HDEL', token(account), 'until')
		if ARGV[2] ~= '' then hold(account, micros(clock() + ARGV[2])) end
	end
end
return 1
