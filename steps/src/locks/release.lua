-- Deletes those of the locks that still have exactly this value, and the reservation's own note.
-- KEYS: the seats' locks, then the note. ARGV: each seat's value. Answers how many locks went.
local gone = 0
for i = 1, #ARGV do
  if redis.call('GET', KEYS[i]) == ARGV[i] then
    gone = gone + redis.call('DEL', KEYS[i])
  end
end
redis.call('DEL', KEYS[#KEYS])
return gone
