with wanted as materialized (
    select id, bucket, status
    from unnest($1::uuid[], $2::smallint[], $3::text[]) as w (id, bucket, status)
),
held as materialized (
    select r.id, r.bucket
    from booking.reservations as r
    where r.id = any($1) and r.bucket = any($2) and r.status = 'PENDING'
    order by r.id, r.bucket
    for no key update skip locked
),
ended as (
    update booking.reservations as r
    set status = wanted.status, ended_at = $4
    from held
    join wanted on wanted.id = held.id and wanted.bucket = held.bucket
    where r.id = held.id and r.bucket = held.bucket and r.status = 'PENDING'
    returning r.id, r.bucket
),
released as (
    update booking.reservation_seats as c
    set live = false
    from ended
    where c.reservation_id = ended.id and c.bucket = ended.bucket and c.live
    returning c.seat_id, c.bucket, c.reservation_id
),
freed as (
    update booking.seats as s
    set status = 'AVAILABLE', reservation_id = null, reserved_until = null
    from (select * from released order by seat_id, bucket) as own
    where s.id = own.seat_id
        and s.bucket = own.bucket
        and s.reservation_id = own.reservation_id
        and s.status = 'RESERVED'
    returning s.id
),
-- A payment that was ordered and never asked for at the gateway: whoever asks has settled it before we come here.
unasked as (
    update booking.payments as p
    set status = 'FAILED', failure = 'reservation-ended', settled_at = $4
    from ended
    where p.reservation_id = ended.id and p.bucket = ended.bucket and p.live and p.status = 'INITIATED'
    returning p.id
)
select
    wanted.id as "id!",
    before.status as "before?: ReservationStatus",
    ended.id is not null as "ended!"
from wanted
left join booking.reservations as before on before.id = wanted.id and before.bucket = wanted.bucket
left join ended on ended.id = wanted.id
