-- Writes down who owns seats by Postgres, each for itself: over nothing or a lower hold number.
-- KEYS: the seats' locks. ARGV: for each seat its value and its TTL in ms. Answers how many were written.
local written = 0
for i = 1, #KEYS do
  local value = ARGV[2 * i - 1]
  local found = redis.call('GET', KEYS[i])
  local theirs = found and tonumber(string.match(found, ':(%d+)$'))
  if not theirs or theirs < tonumber(string.match(value, ':(%d+)$')) then
    redis.call('SET', KEYS[i], value, 'PX', ARGV[2 * i])
    written = written + 1
  end
end
return written
