-- Takes in what became of calls. ARGV 9 is the process that tells it, 10 a number
-- that rises with each of its batches: one that comes again, because its answer
-- was lost, is known (0: it is not asked). From 11 on, for each call: the number of
-- its account's first key, its marks as limit_take gave them ('' four times for
-- a call that went without asking: it is counted now), cost, whether it was
-- sent, counted, refused for the app's quota, for the account's, by a proxy (0
-- or 1 each), then the percentages of app and account (-1: not stated), and the
-- waits stated for the app, for the account, by the proxy.
local lag_slack, ghost_margin, min_ghost_wait = 5 * second, 4, 2 * second
local eta_slack, min_window, slope_time = 2 * minute, 20 * second, 30 * second
local climb_least, climb_slack = 20, 1.05
local windows = {5 * minute, 15 * minute, 60 * minute, 120 * minute, 240 * minute, 480 * minute, 720 * minute, 1440 * minute}

-- limbo returns how many calls may have left the platform's window already.
local function limbo(b)
	if b.slot < span(b.g) then return 0 end
	return begun(b, b.slot - span(b.g))
end

-- sure returns how many calls of the window are known to have been let through.
local function sure(b)
	local g = b.g
	return max(0, g.total - limbo(b) - in_flight(g) - refusals(g))
end

-- guess returns when our first call would leave the next longer window that is common.
local function guess(b)
	local s = slot_of_nth(b, 1)
	if s then
		for _, d in ipairs(windows) do
			local at = (s + 1) * b.slot_len + d + way_margin
			if at > now then return at end
		end
	end
	return now + max_backoff
end

-- full notes that the quota is used up, and when to look whether others' calls have left.
local function full(b)
	local g = b.g
	local dt = (now - g.full_at) / second
	if g.full_at > 0 and g.since > 0 and dt > 1 then g.freed = g.since / dt end
	g.full_at, g.since = now, 0
	local rate = g.freed
	if rate == 0 then rate = max(g.l - g.k, 1) / (b.window / second) end
	g.retry = now + min(max(min_ghost_wait, ghost_margin / rate * second), b.window / 16)
	if g.freed == 0 and not others(g) and unsure(b) then g.retry = guess(b) end
end

-- backoff returns the wait after refusals in a row.
local function backoff(b, stated)
	local n = max(b.g.strikes, 1) - 1
	if stated then
		if n == 0 then return 0 end
		n = 2 * n
	end
	local most = b.window / (look_share * max(1, b.g.total))
	return min(min_block * 2 ^ min(n, 16), max(min_block, min(most, max_backoff)))
end

-- shut blocks the quota: at least until one time, at most until another unless
-- our own calls explain that it is full.
local function shut(b, least, most, stated)
	local g, till = b.g, most
	local s = slot_of_nth(b, max(1, g.total - g.k + 1))
	if s then
		local own = leaves(b, s)
		local agrees = stated and not others(g) and math.abs(own - least) <= eta_slack
		if agrees then
			g.window_known = true
			till = max(least, own)
		elseif stated or others(g) then
			till = max(least, min(most, own))
		elseif unsure(b) then
			till = max(least, min(guess(b), own))
		else
			till = max(least, own)
		end
	end
	g.blocked = max(g.blocked, till)
	g.probing, g.block, g.probe_at = true, g.sent, 0
end

local function at_most(g, most)
	most = max(most, 1)
	g.l = min(g.l, most)
	if g.most == 0 or most < g.most then g.most = most end
end

local function at_least(g, least)
	g.l = max(g.l, least)
	if g.most > 0 then g.most = max(g.most, g.l) end
end

-- drop begins a new slope.
local function drop(g, at) g.anchor, g.last, g.anchored = at, at, true end

local function refused(b, mark, cost, usage, hint)
	local g = b.g
	local straggler = g.block > 0 and mark <= g.block
	if not straggler and g.strikes < 16 then g.strikes = g.strikes + 1 end
	if g.strikes >= 2 and g.learnt > 0 and room(g) > g.k / 10 then g.learnt = 0 end
	g.ref0 = g.ref0 + cost
	local fit = sure(b)
	if usage > 101 then fit = max(0, min(fit, fit + (100 - usage) / 100 * max(g.l, fit))) end
	if g.anchored then
		for _, from in ipairs({g.anchor, g.last}) do
			local n = g.total - from.lo
			if n > 0 and from.u <= 98 then at_most(g, 100 * n / (99 - from.u)) end
		end
	end
	if not straggler then
		if g.read and now - g.heard <= lag_slack then
			if g.last.u < 90 then
				g.lag = true
			elseif g.last.u >= 95 then
				g.lag = nil
			end
		end
		if g.over == 0 and g.last.u >= 100 and g.read then g.trust = true end
		if g.since == 0 then g.freed = g.freed / 2 end
		local doubt = 1.1 * max(g.l, g.k)
		if (g.strikes >= 2 or g.began > 0 and now - g.began > b.window) and g.most > doubt then g.most = doubt end
		full(b)
	end
	drop(g, point(fit, fit, max(100, usage), b.slot))
	g.read_sent = g.sent
	if not g.known or fit < g.k then g.k = fit end
	if not g.read or g.window_known or b.window <= max_backoff then at_least(g, g.k) end
	g.known, g.capped = true, true
	g.good = 0
	local least = hint > 0 and hint or min_block
	shut(b, now + least, now + max(least, backoff(b, hint > 0)), hint > 0)
end

-- shorter looks whether most of our calls have left the window before their
-- time, and then takes it for shorter.
local function shorter(b, u)
	local g, s = b.g, b.slot
	local own, left = g.total - limbo(b) - in_flight(g), (u + 1) / 100 * limit(g)
	local factor = g.window_known and 3 or g.learnt > 0 and 1.15 or 1.6
	if own < 8 or own < factor * left then return false end
	local newest = slot_of_nth(b, own - left)
	if not newest or s < newest + slots(b, min_window) then return false end
	local age = s - newest
	local length = age
	for _, d in ipairs(windows) do
		local c = slots(b, d)
		if c <= age + floor(age / 50) and age < c + floor(c / 5) then length = c end
	end
	if length >= span(g) then return false end
	g.learnt, g.window_known, g.anchored = length, nil, nil
	expire(b, s - min(s, length + 1 + slots(b, way_margin)))
	return true
end

local function bound(b, at)
	local g = b.g
	local du = at.u - g.anchor.u
	local calm = g.anchor.u <= 2 or at.at - g.anchor.at <= slots(b, slope_time)
	if calm then at_least(g, 100 * (at.lo - g.anchor.hi) / (du + 1)) end
	if du >= 3 then at_most(g, 100 * (at.hi - g.anchor.lo) / (du - 1)) end
end

-- climb bounds the limit by how steeply the percentage climbs.
local function climb(b, at)
	local g = b.g
	local answered = g.sent - in_flight(g)
	if not g.read or at.u < g.climb_u or at.at - g.climb_at > slots(b, slope_time) then
		g.climbed, g.climb_at, g.climb_u = answered, at.at, min(floor(at.u), 32768)
		return
	end
	local du = at.u - g.climb_u
	if du >= climb_least then at_most(g, climb_slack * 100 * (answered - g.climbed) / du) end
end

-- slope corrects the limit by how much the percentage rose with our own calls.
local function slope(b, at)
	local g = b.g
	local du = at.u - g.last.u
	local expect = 100 * (at.hi - g.last.lo) / max(g.l, 1)
	if expect >= 0 and du < -2 or du > 5 + 3 * max(expect, 0) or at.hi < g.anchor.lo or at.u < g.anchor.u then
		drop(g, at)
		return
	end
	bound(b, at)
	g.last = at
	if g.anchor.u > 2 and (at.u > g.anchor.u + 30 or at.at - g.anchor.at > slots(b, slope_time)) then g.anchor = at end
end

-- read takes in a percentage.
local function read(b, mark, u)
	local g = b.g
	if g.read and u < g.last.u and mark <= g.read_sent then return end
	if u < 100 then
		g.over = 0
	elseif g.last.u < 100 then
		g.hundred = g.sent
	end
	local at = point(sure(b), g.total, u, b.slot)
	g.read_sent = g.sent
	climb(b, at)
	if g.anchored then
		slope(b, at)
	else
		if not g.read then at_least(g, 100 * at.lo / (u + 1)) end
		drop(g, at)
	end
	g.read = true
	if g.lag and g.capped then return end
	shorter(b, u)
	local lo = g.total - limbo(b) - in_flight(g) + (99 - u) / 100 * g.l
	local hi = g.total + (101 - u) / 100 * g.l
	local slack = g.capped and 0.015 * g.l + 1 or 0
	if not g.known or lo > g.k + slack or hi < g.k - slack then
		g.k, g.capped, g.known = lo, nil, true
	end
end

local function answered(b, mark, counted, usage, hint)
	local g = b.g
	local probe = g.probing and mark > g.block
	if probe then g.probe_at = 0 end
	if counted then
		if probe then
			if g.strikes > 1 and room(g) >= 1 then g.window_known = true end
			g.probing, g.strikes = nil, 0
		end
		g.good = g.good + 1
		g.since = g.since + 1
		if g.last.u >= 100 and g.over < 100 and not probe and now - g.heard < lag_slack and mark > g.hundred then
			g.over, g.trust = g.over + 1, nil
		end
		local fit = sure(b)
		if g.known and fit > g.k then
			g.k = fit
			if not g.lag then g.capped = nil end
		end
	end
	if usage >= 0 then
		g.quiet = nil
		read(b, mark, usage)
	else
		g.quiet = true
	end
	if hint > 0 then shut(b, now + hint, now + hint, true) end
	if g.trust and usage >= 100 and in_flight(g) == 0 then
		g.k, g.capped = min(g.k, sure(b)), true
	end
	if g.known and room(g) < 1 and (g.last.u >= 100 or not g.read) then full(b) end
end

-- take_back uncounts calls that were never sent.
local function take_back(b, n)
	local g = b.g
	n = min(n, g.total)
	g.total = g.total - n
	local d = min(n, g.n)
	g.n, n = g.n - d, n - d
	for i = 1, g.olds do
		if n <= 0 then return end
		local m = tonumber(redis.call('LINDEX', b.calls, 1 - 2 * i)) or 0
		d = min(n, m)
		redis.call('LSET', b.calls, 1 - 2 * i, m - d)
		n = n - d
	end
end

local function report(b, mark, epoch, cost, sent, counted, was_refused, usage, hint)
	local g = b.g
	mark = min(mark, g.sent) -- Redis may have lost what it knew
	if g.epoch - epoch <= 1 then -- otherwise it is not waited for any more
		local fly = 'fly' .. epoch % 2
		g[fly] = max(0, g[fly] - cost)
	end
	if not sent then
		take_back(b, cost)
		if g.probe_at > 0 and mark > g.block then g.probe_at = 0 end
		return
	end
	if was_refused then
		refused(b, mark, cost, usage, hint)
	else
		answered(b, mark, counted, usage, hint)
	end
	g.heard = now
end

-- rated learns how many calls a second a proxy lets through; see rate in package pacing.
local function rated(g, mark, counted, was_refused, hint)
	local r = g.rate
	local function seen()
		r.seen = r.seen * exp(-max(0, now - r.seen_at) / second)
		r.seen_at = now
	end
	if not was_refused then
		if not r then return end
		if not counted then
			if r.probing and mark > r.mark then r.probe_at = 0 end
			return
		end
		seen()
		r.seen, r.cycle = r.seen + 1, r.cycle + 1
		if r.probing and mark > r.mark then
			if r.strikes >= 3 then r.peak = max(r.cycle / max(1, (now - r.begun) / second), 0.01) end
			r.probing, r.strikes, r.probe_at = false, 0, 0
			r.since, r.due, r.cycle, r.begun = now, now, 0, now
		end
		if not r.probing and now - r.since > 10 * minute then g.rate = nil end
		return
	end
	r = r or {till = 0, strikes = 0, probing = false, probe_at = 0, peak = 0, since = 0, due = 0, mark = 0,
		seen = 0, seen_at = 0, cycle = 0, begun = 0}
	g.rate = r
	if r.mark > 0 and mark <= r.mark then
		r.till = max(r.till, now + hint)
		return
	end
	r.mark = g.sent
	seen()
	if not r.probing and r.begun > 0 then r.peak = max(r.seen, 0.5) end
	r.strikes = min(r.strikes + 1, 16)
	r.probing, r.probe_at = true, 0
	r.till = max(r.till, now + (hint > 0 and hint or min(30 * second, second * 2 ^ (r.strikes - 1))))
end

-- mark_of returns the mark of a call that went without asking. It was sent
-- before a block that lasts was known to whoever sent it.
local function mark_of(g) return now < g.blocked and g.block or g.sent end

local batch = tonumber(ARGV[10])
if batch > 0 then
	local told = KEYS[1] .. ':told:' .. ARGV[9]
	if batch <= tonumber(redis.call('GET', told) or 0) then return 0 end
	redis.call('SET', told, ARGV[10], 'PX', 60 * minute / 1000)
end

local app, accounts = open(KEYS[1], KEYS[2], 0), {}
for i = 11, #ARGV, 16 do
	local key, cost = tonumber(ARGV[i]), tonumber(ARGV[i + 5])
	local account = accounts[key]
	if not account then
		account = open(KEYS[key], KEYS[key + 1], 1)
		accounts[key] = account
	end
	local marks = {}
	for m = 1, 4 do marks[m] = tonumber(ARGV[i + m]) end
	if not marks[1] then
		count(account, cost)
		count(app, cost)
		spend(app, account, cost)
		marks = {mark_of(app.g), app.g.epoch, mark_of(account.g), account.g.epoch}
	end
	local function is(n) return ARGV[i + n] == '1' end
	local function number(n) return tonumber(ARGV[i + n]) end
	local counted, by_proxy = is(7), is(10)
	local sent = is(6) and not by_proxy
	report(account, marks[3], marks[4], cost, sent, counted, is(9), number(12), number(14))
	report(app, marks[1], marks[2], cost, sent, counted, is(8), number(11), number(13))
	rated(app.g, min(marks[1], app.g.sent), counted, by_proxy, number(15))
end
save(app)
for _, account in pairs(accounts) do save(account) end
return 1
