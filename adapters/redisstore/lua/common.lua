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

-- free ends the lease of a record, which becomes due when its time has come.
local function free(account)
	if redis.call('ZREM', leases, account) == 0 then return end
	if redis.call('ZREM', held, account) == 1 then
		redis.call('ZADD', due, redis.call('HGET', token(account), 'due'), account)
	end
end

-- hold keeps the record from others until a time.
local function hold(account, till)
	redis.call('HSET', token(account), 'until', till)
	redis.call('ZADD', leases, till, account)
	if redis.call('ZREM', due, account) == 1 then
		redis.call('ZADD', held, redis.call('HGET', token(account), 'due'), account)
	end
end

-- lease makes the record a new holder's until a time, and returns it.
local function lease(account, till)
	hold(account, till)
	local fence = redis.call('HINCRBY', token(account), 'fence', 1)
	local r = redis.call('HMGET', token(account), 'revision', 'state', 'reason', 'fails', 'due', 'token')
	return {account, r[1], r[2], r[3], r[4], r[5], r[6], micros(fence), till}
end
