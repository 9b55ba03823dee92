-- What every script begins with. KEYS are the app's sets, ARGV[1] is what the
-- names of its other keys begin with; all of them share one hash tag, and so
-- one slot of a cluster.
--
--   due     sorted set  living records that nobody holds, by due time
--   held    sorted set  living records that somebody holds, by due time
--   leases  sorted set  records that somebody holds, by the end of the lease
--   keys    sorted set  all records, in the order of their names
--   states  hash        how many records there are in each state
--   token:<account>  hash  a record    person:<id>  set  accounts with this app-scoped ID
--
-- Times are microseconds since 1970. Revisions exceed what a Lua number holds
-- and are only compared, as text.
local due, held, leases, keys, states = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local function token(account) return ARGV[1] .. 'token:' .. account end

local function micros(n) return string.format('%.0f', n) end

local function clock()
	local t = redis.call('TIME')
	return t[1] * 1000000 + t[2]
end

-- each runs a command on a set for all arguments, as many at a time as Lua can
-- pass. A thousand calls that change one thing each cost several times as much.
local function each(command, set, arguments)
	for i = 1, #arguments, 1000 do
		redis.call(command, set, unpack(arguments, i, math.min(i + 999, #arguments)))
	end
end

local function push(list, ...)
	for _, value in ipairs({...}) do list[#list + 1] = value end
end

-- free puts records that somebody held back among those that wait for their time.
local function free(accounts)
	local waiting = {}
	for _, account in ipairs(accounts) do
		if redis.call('ZSCORE', held, account) then
			push(waiting, redis.call('HGET', token(account), 'due') or 0, account)
		end
	end
	each('ZREM', leases, accounts)
	each('ZREM', held, accounts)
	each('ZADD', due, waiting)
end

-- lease makes records a new holder's until a time, and returns them.
local function lease(accounts, till)
	local taken, ends, held_back = {}, {}, {}
	for _, account in ipairs(accounts) do
		local r = redis.call('HMGET', token(account), 'revision', 'state', 'reason', 'fails', 'due', 'token', 'fence')
		if r[1] then
			local fence = micros((r[7] or 0) + 1)
			redis.call('HSET', token(account), 'fence', fence, 'until', till)
			push(ends, till, account)
			if r[2] == '0' and r[5] ~= '' then push(held_back, r[5], account) end
			push(taken, {account, r[1], r[2], r[3], r[4], r[5], r[6], fence, till})
		end
	end
	each('ZADD', leases, ends)
	each('ZADD', held, held_back)
	each('ZREM', due, accounts)
	return taken
end
