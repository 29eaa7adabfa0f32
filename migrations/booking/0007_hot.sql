-- Room on each page for the versions that these rows go through: nothing that changes in them is indexed.
alter table booking.reservations set (fillfactor = 45);
alter table booking.payments set (fillfactor = 45);
