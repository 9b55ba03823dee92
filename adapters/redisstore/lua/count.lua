-- Counts without looking at records. ARGV: names.
-- Returns how many living records are due, and then state and number by turns.
local now = micros(clock())
local n = redis.call('ZCOUNT', due, '-inf', now) + redis.call('ZCOUNT', held, '-inf', now)
local counts = redis.call('HGETALL', states)
table.insert(counts, 1, micros(n))
return counts
