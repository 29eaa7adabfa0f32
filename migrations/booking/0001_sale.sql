-- Users, events, seats and reservations: what is for sale and who holds it.
--
-- Every row lives in one of 1,024 buckets and every key names it (after the UUIDv7, for locality), so that on
-- Citus `bucket` can be the distribution column. No foreign key crosses buckets. On the hot tables there are
-- none at all: each costs a lookup and a row lock per write, and the statements in `steps/src/store` name the
-- parent's key in their guard anyway; `usher verify` looks for orphans.
--
-- No double booking, by constraint and not by code:
--   * a seat's owner is one column of one row (`seats.reservation_id`), so it has one or none;
--   * `reservation_seats` keeps who claims what, and its partial unique index admits one live claim a seat.
--     A claim is made once and stays live from the reservation through the booking, so the same index says
--     "at most one live reservation" and "at most one confirmed booking", and confirming writes nothing here;
--   * a reservation has at most one confirmed booking (partial unique index, next migration).
-- A statement that forgot its guard would overwrite an owner; it can't also insert the second claim.
-- A list of seats on the reservation would be one row cheaper, but no index could guard it.

create table booking.users (
    id uuid not null,
    bucket smallint not null,
    name text not null check (name <> ''),
    email text not null check (email = lower(email) and email like '_%@_%'),
    created_at timestamptz not null,
    primary key (id, bucket),
    unique (email, bucket)
);
comment on column booking.users.bucket is 'that of the e-mail address, so that the address is unique';

create table booking.events (
    id uuid not null,
    bucket smallint not null,
    name text not null check (name <> ''),
    venue text not null check (venue <> ''),
    seed bigint,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    starts_at timestamptz not null,
    sale text not null default 'CLOSED' check (sale in ('OPEN', 'CLOSED')),
    hold_ms bigint not null default 300000 check (hold_ms between 1 and 86400000),
    seats_max smallint not null default 10 check (seats_max between 1 and 10),
    version bigint not null default 1 check (version >= 1),
    created_at timestamptz not null,
    primary key (id, bucket),
    unique (venue, seed, bucket)
);
comment on column booking.events.seed is 'what the venue was generated from; null for one that was entered by hand';
comment on column booking.events.seats_max is 'the most seats that one reservation may have';
comment on column booking.events.version is 'raised by every change of this row; seats have numbers of their own';

-- Fixed columns first: an update then shares a long prefix with the old version and the log keeps the tail only.
-- Nothing that changes is indexed, and fillfactor leaves room, so that both updates of a sale stay on the page.
create table booking.seats (
    id uuid not null,
    event_id uuid not null,
    price_minor bigint not null check (price_minor between 1 and 1000000000000),
    bucket smallint not null,
    number smallint not null check (number >= 1),
    x_dm smallint not null,
    y_dm smallint not null,
    section text not null check (section <> ''),
    row_name text not null check (row_name <> ''),
    tier text not null check (tier <> ''),
    accessible boolean not null default false,
    blocked boolean not null default false,
    status text not null default 'AVAILABLE',
    hold bigint not null default 0 check (hold >= 0),
    reservation_id uuid,
    reserved_until timestamptz,
    primary key (id, bucket),
    unique (event_id, section, row_name, number, bucket),
    foreign key (event_id, bucket) references booking.events (id, bucket),
    constraint status_ties check (
        case status
            when 'AVAILABLE' then reservation_id is null and reserved_until is null
            when 'RESERVED' then reservation_id is not null and reserved_until is not null and not blocked
            when 'BOOKED' then reservation_id is not null and reserved_until is null and not blocked
            else false
        end
    )
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on column booking.seats.hold is 'how often the seat has been taken: the fence of the reservation that took it last';
comment on column booking.seats.blocked is 'kept off sale by the house';
comment on column booking.seats.x_dm is 'place on the seat map in decimetres, x to the right, y away from the stage';

create table booking.reservations (
    id uuid not null,
    event_id uuid not null,
    user_id uuid not null,
    saga_id uuid not null,
    amount_minor bigint not null check (amount_minor > 0),
    created_at timestamptz not null,
    reserved_until timestamptz not null,
    bucket smallint not null,
    seat_count smallint not null check (seat_count between 1 and 10),
    currency text not null check (length(currency) = 3),
    revives uuid,
    status text not null default 'PENDING',
    payment_id uuid,
    booking_id uuid,
    ended_at timestamptz,
    primary key (id, bucket),
    constraint status_ties check (
        case status
            when 'PENDING' then booking_id is null and ended_at is null
            when 'CONFIRMED' then booking_id is not null and payment_id is not null and ended_at is not null
            when 'EXPIRED' then booking_id is null and ended_at is not null
            when 'CANCELLED' then booking_id is null and ended_at is not null
            else false
        end
    )
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
comment on column booking.reservations.payment_id is
    'the last payment ordered; once there is one, only the reservation''s own saga gives the seats back';
comment on column booking.reservations.revives is 'the ended reservation whose late money paid for this one';

create table booking.reservation_seats (
    reservation_id uuid not null,
    seat_id uuid not null,
    hold bigint not null check (hold >= 1),
    bucket smallint not null,
    live boolean not null default true,
    primary key (reservation_id, seat_id, bucket)
);
create unique index one_live_claim_a_seat on booking.reservation_seats (seat_id, bucket) where live;
comment on column booking.reservation_seats.hold is 'the seat''s number when this reservation took it';
comment on column booking.reservation_seats.live is 'reserved or booked; false once the seats were given back';
