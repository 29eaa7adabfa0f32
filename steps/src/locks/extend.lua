-- Gives those of the locks that still have exactly this value, and the note, a new TTL.
-- KEYS: the seats' locks, then the note. ARGV: TTL in ms, then each seat's value. Answers how many locks got it.
local extended = 0
for i = 1, #ARGV - 1 do
  if redis.call('GET', KEYS[i]) == ARGV[i + 1] then
    extended = extended + redis.call('PEXPIRE', KEYS[i], ARGV[1])
  end
end
redis.call('PEXPIRE', KEYS[#KEYS], ARGV[1])
return extended
