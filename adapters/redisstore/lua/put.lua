-- Writes records that are as expected. ARGV: names, the mark of this call, and
-- for each record account, from, to, fence, state, reason, fails, due, person,
-- token. "from" is the revision expected, 0 for none; fence '' is any.
-- Returns 1 for each record written, 0 for the others.
local mark = ARGV[2]
local ended, waiting, resting = {}, {}, {}

local function put(account, from, to, fence, state, reason, fails, at, person, secret)
	local key = token(account)
	local old = redis.call('HMGET', key, 'revision', 'fence', 'state', 'person', 'mark', 'until')
	local is = old[1] or '0'
	if is == to and old[5] == mark then return 1 end -- the client lost the answer and sends the call again
	if is ~= from or (fence ~= '' and fence ~= old[2]) then return 0 end

	if not old[1] then redis.call('ZADD', keys, 0, account) end
	if old[3] ~= state then
		if old[3] then redis.call('HINCRBY', states, old[3], -1) end
		redis.call('HINCRBY', states, state, 1)
	end
	if old[4] ~= person then
		if old[4] and old[4] ~= '' then redis.call('SREM', ARGV[1] .. 'person:' .. old[4], account) end
		if person ~= '' then redis.call('SADD', ARGV[1] .. 'person:' .. person, account) end
	end
	redis.call('HSET', key, 'revision', to, 'state', state, 'reason', reason, 'fails', fails,
		'due', at, 'person', person, 'token', secret, 'mark', mark)
	if old[6] then
		redis.call('HDEL', key, 'until')
		push(ended, account)
	end
	if state == '0' and at ~= '' then
		push(waiting, at, account)
	else
		push(resting, account)
	end
	return 1
end

local written = {}
for i = 3, #ARGV, 10 do
	push(written, put(unpack(ARGV, i, i + 9)))
end
each('ZREM', leases, ended)
each('ZREM', held, ended)
each('ZADD', due, waiting)
each('ZREM', due, resting)
return written
