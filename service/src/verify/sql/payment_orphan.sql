-- A payment of a reservation that doesn't exist, or a second live one. Late money may never get its reservation.
select p.id::text as subject,
       case when r.id is null then 'its reservation does not exist'
            else 'its reservation names payment ' || coalesce(r.payment_id::text, '(none)') end as detail
from booking.payments p
left join booking.reservations r on r.id = p.reservation_id and r.bucket = p.bucket
where (r.id is null and p.late_for is null)
   or (r.id is not null and p.live and r.payment_id is distinct from p.id)
