-- What the limiter's scripts begin with: a quota, and the calls that count
-- against it. This is Governor of the core's package pacing, name for name, so
-- that the reasons are told there; a test plays the same hours to both.
--
-- KEYS are two for each quota, the app's first:
--
--   limit:<login>          string  what is known of the app's quota: a map, as MessagePack
--   limit:<login>:calls    list    its calls: end of a slice of time, number, by turns
--   limit:<login>:account:<id>, limit:<login>:account:<id>:calls  the same of an account's
--
-- Beside them, made of the first key, stands
--
--   limit:<login>:told:<process>  string  the number of the last batch that it told, for an hour
--
-- ARGV are the time, '' for Redis's own; the part kept from background calls;
-- the app's window, most slices of time and most while little is used; the same
-- of accounts. Times are microseconds since 1970, lengths of time microseconds.
local second = 1000000
local minute = 60 * second
local slots_per_window = 16384
local min_block, max_backoff = minute, 60 * minute
local look_share = 0.01
local probe_patient = 30 * second
local leak_after = 5 * minute
local way_margin = second

local now = tonumber(ARGV[1])
if not now then
	local t = redis.call('TIME')
	now = t[1] * second + t[2]
end
local background = tonumber(ARGV[2])

local floor, ceil, min, max, exp, sqrt = math.floor, math.ceil, math.min, math.max, math.exp, math.sqrt

local numbers = {'k', 'l', 'most', 'blocked', 'retry', 'full_at', 'probe_at', 'began', 'heard', 'freed', 'since',
	'fly0', 'fly1', 'sent', 'learnt', 'read_sent', 'block', 'good', 'climbed', 'climb_at', 'climb_u', 'epoch', 'hundred', 'ref0', 'ref1', 'ref2',
	'half', 'over', 'strikes', 'at', 'n', 'total', 'olds', 'head', 'shift', 'spent', 'faded', 'light', 'light_at'}

local function point(lo, hi, u, at) return {lo = lo, hi = hi, u = u, at = at} end

-- The ledger: the newest slice of time is at and n, older ones are in the list,
-- olds of them, the first of which ends at head. Slices are 2^shift slots long.

local function slice_end(g, s)
	local w = 2 ^ g.shift
	return s - s % w + w - 1
end

-- join puts slices together that have become one.
local function join(b)
	local g, all, out = b.g, redis.call('LRANGE', b.calls, 0, -1), {}
	for i = 1, #all, 2 do
		local at = slice_end(g, tonumber(all[i]))
		if out[#out - 1] == at then
			out[#out] = out[#out] + all[i + 1]
		else
			out[#out + 1] = at
			out[#out + 1] = tonumber(all[i + 1])
		end
	end
	redis.call('DEL', b.calls)
	for i = 1, #out, 1000 do
		redis.call('RPUSH', b.calls, unpack(out, i, min(i + 999, #out)))
	end
	g.olds, g.head = #out / 2, out[1] or 0
end

-- push moves the newest slice to the list.
local function push(b, limit)
	local g = b.g
	while g.olds >= limit and g.shift < 31 do
		g.shift = g.shift + 1
		join(b)
	end
	b.pushed = true
	if g.olds > 0 and g.shift > 0 then
		local tail = redis.call('LRANGE', b.calls, -2, -1)
		if tail[2] and tonumber(tail[1]) >= g.at then
			redis.call('LSET', b.calls, -1, tail[2] + g.n)
			return
		end
	end
	redis.call('RPUSH', b.calls, g.at, g.n)
	if g.olds == 0 then g.head = g.at end
	g.olds = g.olds + 1
end

local function add(b, n, limit)
	local g = b.g
	local s = slice_end(g, b.slot)
	g.total = g.total + n
	if g.n == 0 then
		g.at, g.n = s, n
	elseif s <= g.at then
		g.n = g.n + n
	else
		push(b, limit)
		g.at, g.n = slice_end(g, b.slot), n
	end
end

-- expire forgets the calls of slices that ended at edge or before, and returns
-- how many there were.
local function expire(b, edge)
	local g, left = b.g, 0
	while g.olds > 0 and g.head <= edge do
		local part, i = redis.call('LRANGE', b.calls, 0, 127), 1
		while part[i] and tonumber(part[i]) <= edge do
			left = left + part[i + 1]
			i = i + 2
		end
		redis.call('LTRIM', b.calls, i - 1, -1)
		b.dirty = true -- what is left in the list must agree with the numbers
		g.olds, g.head = g.olds - (i - 1) / 2, tonumber(part[i]) or g.head
		if #part == 0 then -- somebody removed it
			left, g.olds = g.total - g.n, 0
		end
	end
	if g.n > 0 and g.at <= edge then
		left = left + g.n
		g.at, g.n, g.olds, g.shift = 0, 0, 0, 0
	end
	g.total = g.total - left
	return left
end

-- begun returns how many calls are in slices that began at edge or before.
local function begun(b, edge)
	local g, n = b.g, 0
	edge = edge + 2 ^ g.shift - 1
	if g.olds > 0 and g.head <= edge then
		for from = 0, 2 * g.olds - 1, 32 do
			local part = redis.call('LRANGE', b.calls, from, from + 31)
			for i = 1, #part, 2 do
				if tonumber(part[i]) > edge then return n end
				n = n + part[i + 1]
			end
		end
	end
	if g.n > 0 and g.at <= edge then n = n + g.n end
	return n
end

-- slot_of_nth returns the end of the slice with which the n-th oldest call
-- leaves, nil when there are fewer.
local function slot_of_nth(b, n)
	local g = b.g
	n = max(floor(n), 1)
	if n > g.total then return nil end
	local from, step = 0, 16
	while from < 2 * g.olds do
		local part = redis.call('LRANGE', b.calls, from, from + step - 1)
		for i = 1, #part, 2 do
			if tonumber(part[i + 1]) >= n then return tonumber(part[i]) end
			n = n - part[i + 1]
		end
		from, step = from + step, 256
	end
	return g.at
end

-- What is known of time.

local function slots(b, d) return ceil(d / b.slot_len) end

local function span(g) return g.learnt > 0 and g.learnt or slots_per_window end

-- leaves returns when the calls of a slice have left the window for sure.
local function leaves(b, s) return (s + span(b.g) + 1 + slots(b, way_margin)) * b.slot_len end

local function roll(b)
	local g = b.g
	local gone = span(g) + 1 + slots(b, way_margin)
	if b.slot > gone and expire(b, b.slot - gone) > 0 then g.anchored = nil end
	local half = floor(b.slot / floor(span(g) / 2))
	if half ~= g.half then
		local d = half - g.half
		g.ref0, g.ref1, g.ref2 = 0, d == 1 and g.ref0 or 0, d == 1 and g.ref1 or d == 2 and g.ref0 or 0
		g.half = half
	end
	local epoch = floor(now / leak_after)
	if epoch ~= g.epoch then
		if epoch - g.epoch ~= 1 then g.fly0, g.fly1 = 0, 0 end
		g['fly' .. epoch % 2], g.epoch = 0, epoch
	end
end

-- open reads what is known of a quota; kind is 0 for an app's, 1 for an account's.
local function open(key, calls, kind)
	local text = redis.call('GET', key)
	local g = text and cmsgpack.unpack(text) or {}
	for _, name in ipairs(numbers) do g[name] = g[name] or 0 end
	g.anchor = g.anchor or point(0, 0, 0, 0)
	g.last = g.last or point(0, 0, 0, 0)
	local at = 3 + 3 * kind
	local window = tonumber(ARGV[at])
	local slot_len = max(floor(window * 1000 / slots_per_window), 1) / 1000
	local b = {key = key, calls = calls, g = g, window = window, most = tonumber(ARGV[at + 1]),
		few = tonumber(ARGV[at + 2]), slot_len = slot_len, slot = floor(now / slot_len)}
	roll(b)
	return b
end

-- save keeps what is not zero. Redis forgets a quota when all its calls have
-- left the window long ago and no wait is stated.
local function save(b)
	local g = b.g
	local rest = max(0, g.blocked - now, g.rate and g.rate.till - now or 0)
	local ttl = string.format('%.0f', ceil((2 * b.window + rest) / 1000))
	for _, name in ipairs(numbers) do
		if g[name] == 0 then g[name] = nil end
	end
	if g.anchor.at == 0 then g.anchor = nil end
	if g.last.at == 0 then g.last = nil end
	redis.call('SET', b.key, cmsgpack.pack(g), 'PX', ttl)
	if b.pushed then redis.call('PEXPIRE', b.calls, ttl) end
end

-- What both steps ask.

local function in_flight(g) return g.fly0 + g.fly1 end

local function room(g) return g.k - g.total end

local function refusals(g) return g.ref0 + g.ref1 + g.ref2 end

-- limit returns the quota's limit where it must not be taken for too low.
local function limit(g) return max(g.l, g.most) end

local function others(g) return not g.read or g.k < 0.9 * limit(g) end

-- unsure reports whether it pays to look before our own calls leave.
local function unsure(b)
	local g = b.g
	if others(g) then return true end
	if g.window_known or g.learnt > 0 then return false end
	local s = slot_of_nth(b, 1)
	return s and leaves(b, s) - now > max_backoff
end

-- count counts a call that goes.
local function count(b, cost)
	local g = b.g
	if g.probing then g.probe_at = now end
	if g.began == 0 then g.began = now end
	add(b, cost, (not g.known or g.total < g.k / 4) and b.few or b.most)
	g.sent = g.sent + cost
	local fly = 'fly' .. g.epoch % 2
	g[fly] = g[fly] + cost
end

-- How an app's budget is shared by its accounts.

local fade_slots, light_fades = 16, 4

local function fade_light(app)
	local g = app.g
	local dt = now - g.light_at
	if dt > app.slot_len * fade_slots then
		g.light = g.light * exp(-dt * light_fades / app.window)
		g.light_at = now
		app.dirty = true
	end
end

-- fade lets an account's spent calls fade, and reports whether it uses much.
local function fade(app, account)
	local g, a, step = app.g, account.g, floor(app.slot / fade_slots)
	if step > a.faded then -- another server's clock may be behind
		a.spent = a.spent * exp(-(step - a.faded) * fade_slots / slots_per_window)
		a.faded = step
	end
	local heavy = g.known and a.spent > max(4, 0.05 * g.l)
	if heavy and not a.heavy then
		fade_light(app)
		g.light = max(0, g.light - a.spent)
		app.dirty, account.dirty = true, true
	end
	a.heavy = heavy or nil
	return heavy
end

local function spend(app, account, cost)
	local heavy = fade(app, account)
	account.g.spent = account.g.spent + cost
	if heavy then return end
	fade_light(app)
	app.g.light = app.g.light + cost
end
