-- What operators search by, each by an index. Nothing here changes after its row was written, so no update of a sale
-- touches these indexes, and updates stay on their page (HOT).
--
--   reservations_by_user   one entry a reservation, about 50 bytes of log and under two microseconds
--   bookings_by_code       one entry a booking, the same
--   users_by_name          one entry a user: nothing a booking
--
-- Not here, for they cost more than they bring: seats by label (a look into the unique index of each event does it),
-- and who had a seat before (the claim that is live is indexed, the others are in the sagas' journals).
create index reservations_by_user on booking.reservations (user_id, id);
create index bookings_by_code on booking.bookings (code);
create index users_by_name on booking.users (lower(name) text_pattern_ops);
