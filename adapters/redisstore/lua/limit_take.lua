-- Lets a call go when its account's quota and its app's have room, and counts
-- it; both or neither. ARGV from 9 on: priority (0 interactive, 1 normal, 2
-- background), cost, waiting calls of its account that go before it, and of its
-- app. With any of those nothing is let go; the answer says when its turn is.
-- Returns 0 and the call's marks, two for each quota; or the reason, as pacing
-- numbers them, in how many microseconds to ask again (-1: that depends on
-- answers to other calls), and 1 when it is the app's quota.
local free, blocked, probing, full, reserved, unsure_, rate_, turn = 0, 1, 2, 3, 4, 5, 6, 7
local start_flight, flight_share, explore_share, short_steps = 4, 4, 400, 64
local stale_after = 30 * second

local priority, cost = tonumber(ARGV[9]), tonumber(ARGV[10])
local interactive = priority == 0

-- seen bounds the room by what the last header showed.
local function seen(g, r)
	if not g.read or g.quiet or g.lag then return r end
	return min(r, (101 - g.last.u) / 100 * g.l - (g.sent - g.read_sent))
end

-- explore returns how many calls may be in flight where the end is near but not known.
local function explore(g)
	if g.capped or refusals(g) > 0 then return 1 end
	local e = max(1, g.l / explore_share)
	return g.quiet and e + g.good or e
end

-- kept returns how many calls of room the call must leave.
local function kept(g, keep)
	if priority == 2 then return keep + background * (g.lag and g.k or max(g.l, g.k)) end
	return keep
end

local function decide(b, keep)
	local g = b.g
	if now < g.blocked then return blocked end
	local fly = in_flight(g)
	if g.probing then
		if g.probe_at > 0 and now - g.probe_at < probe_patient then return probing end
		return free
	end
	if not g.known then
		local age = g.began > 0 and now - g.began or 0
		if interactive or fly < start_flight + 2 * g.good + 16 * age / second then return free end
		return unsure_
	end
	keep = kept(g, keep)
	local left = room(g) - keep
	if fly > 0 and g.last.u >= 50 and now - g.heard > stale_after and not interactive then return unsure_ end
	if left >= cost then
		if interactive or fly < max(explore(g), (seen(g, left) + fly) / flight_share) then return free end
		return unsure_
	end
	if keep > 0 and room(g) >= cost then return reserved end
	if keep == 0 and not g.capped and not (g.trust and g.last.u >= 100) then
		if interactive or fly < explore(g) then return free end
		return unsure_
	end
	if fly == 0 and keep == 0 and g.read_sent == g.sent and g.last.u <= 99
		and (not g.lag or now - g.full_at > b.window / 4) then return free end
	if fly == 0 and now >= g.retry and unsure(b) then return free end
	return full
end

-- next_at returns when to ask again; 0: when an answer arrives.
local function next_at(b, keep, ahead)
	local g = b.g
	if now < g.blocked then return g.blocked end
	if g.probing or not g.known or decide(b, keep) == unsure_ then return 0 end
	local need = cost + ahead - (room(g) - kept(g, keep))
	if need <= 0 then return 0 end
	local s = slot_of_nth(b, need)
	local t = s and leaves(b, s) or now + b.window
	if g.retry > now and unsure(b) then t = min(t, g.retry) end
	return t
end

-- shortfall returns how many calls will be missing at the worst moment within a
-- window, for callers who want so many in a microsecond, if nothing is left now.
local function shortfall(b, rate)
	local g, worst, free, looked = b.g, 0, 0, -1
	local longest = rate * max(0, leaves(b, g.at) - now)
	local function look(at, n)
		local waits = leaves(b, at) - now
		if waits > looked then
			local want = rate * waits
			worst = max(worst, want - free + 2 * sqrt(want))
			looked = waits + b.window / short_steps
		end
		free = free + n
	end
	for from = 0, 2 * g.olds - 1, 128 do
		local part = redis.call('LRANGE', b.calls, from, from + 127)
		for i = 1, #part, 2 do look(tonumber(part[i]), tonumber(part[i + 1])) end
		if longest - free + 2 * sqrt(longest) <= worst then return worst end -- no later moment is worse
	end
	if g.n > 0 then look(g.at, g.n) end
	return worst
end

-- keep returns how many calls an account must leave to others.
local function keep(app, account)
	local g = app.g
	if not fade(app, account) then return 0 end
	fade_light(app)
	if g.light < 1 / light_fades then return 0 end
	local age = min(now - g.began, app.window / light_fades)
	return min(shortfall(app, g.light / max(age, second)), 0.5 * g.l)
end

-- How many calls a second a proxy lets through; see rate in package pacing.

local function rate_next(r)
	if not r then return 0 end
	if now < r.till then return r.till end
	if not r.probing then return r.due end
	return r.probe_at > 0 and now - r.probe_at < probe_patient and r.probe_at + probe_patient or now
end

local function rate_take(r)
	if not r then return end
	if r.probing then
		r.probe_at = now
		return
	end
	local t, per_second = (now - r.since) / second, 0
	if r.peak == 0 then
		per_second = 2 * 2 ^ min(t, 30)
	else
		local x = t / 20 - 1
		per_second = r.peak * (1 + 0.3 * x * x * x)
	end
	r.due = max(r.due, now) + second / per_second
end

local app, account = open(KEYS[1], KEYS[2], 0), open(KEYS[3], KEYS[4], 1)

local function stop(reason, at, of_app)
	for _, b in ipairs({app, account}) do
		if b.dirty then save(b) end
	end
	return {reason, at == 0 and -1 or max(0, ceil(at - now)), of_app and 1 or 0}
end

local before_own, before = tonumber(ARGV[11]), tonumber(ARGV[12])
local leave = keep(app, account)
if before_own + before > 0 then
	local own, all = next_at(account, 0, before_own), max(next_at(app, leave, before), rate_next(app.g.rate))
	return stop(turn, max(own, all), all >= own)
end
local reason = decide(account, 0)
if reason ~= free then return stop(reason, next_at(account, 0, 0), false) end
local due = rate_next(app.g.rate)
if due > now then return stop(rate_, due, true) end
reason = decide(app, leave)
if reason ~= free then return stop(reason, max(next_at(app, leave, 0), due), true) end

count(account, cost)
count(app, cost)
rate_take(app.g.rate)
spend(app, account, cost)
local a, o = app.g, account.g
local marks = {free, a.sent, a.epoch, o.sent, o.epoch}
save(app)
save(account)
return marks
