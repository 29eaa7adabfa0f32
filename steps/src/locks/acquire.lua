-- Locks all seats or none, and leaves a note of the reservation.
-- KEYS: the seats' locks, then the note. ARGV: TTL in ms, the note, then each seat's value.
-- A lock with the same value or a lower hold number gives way. Answers {0, ''} or {index, the value in the way}.
local seats = #KEYS - 1
for i = 1, seats do
  local found = redis.call('GET', KEYS[i])
  if found and found ~= ARGV[i + 2] then
    local theirs = tonumber(string.match(found, ':(%d+)$'))
    local mine = tonumber(string.match(ARGV[i + 2], ':(%d+)$'))
    if theirs and theirs >= mine then
      return {i, found}
    end
  end
end
for i = 1, seats do
  redis.call('SET', KEYS[i], ARGV[i + 2], 'PX', ARGV[1])
end
redis.call('SET', KEYS[#KEYS], ARGV[2], 'PX', ARGV[1])
return {0, ''}
