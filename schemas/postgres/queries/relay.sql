-- What an outer broker needs of the outbox: what to send next, what was sent, what arrived. Times are the database's.
--
-- A message is pending, then sent (the broker has it), then published (a consumer absorbed it, with its effect). What
-- was sent is not yet safe: only the consumer's transaction settles it, so nothing depends on the broker's memory.

-- name: leader_try$
-- A lock of the session, free again when its connection ends.
select pg_try_advisory_lock(hashtextextended('lienthong leader ' || :name::text, 0));

-- name: relay_next
-- In the order of writing; nothing whose key has a dead letter or a message with a later time before it.
with waiting as materialized (
    select topic, lane, key, position from outbox where state = 'dead'
    union all
    select topic, lane, key, position from outbox where state = 'pending' and available_at > now()
)
select o.id, o.topic, o.lane, o.key, o.type, o.source, o.subject, o.schema_version, o.traceparent, o.payload,
    o.occurred_at
from outbox as o
where o.state = 'pending' and o.available_at <= now()
    and not exists (
        select from waiting as earlier
        where earlier.topic = o.topic and earlier.lane = o.lane and earlier.key = o.key
            and earlier.position < o.position
    )
order by o.position
limit :batch;

-- name: relay_sent!
update outbox set state = 'sent', sent_at = now() where id = any(:ids::uuid[]) and state = 'pending';

-- name: relay_forget_sent$
-- Sent long ago and never absorbed: the broker lost it, or nobody reads. It is sent again. How many.
with again as (
    update outbox set state = 'pending', sent_at = null
    where state = 'sent' and sent_at < now() - make_interval(secs => :older::double precision)
    returning 1
)
select count(*) from again;

-- name: relay_waiting
-- For each topic and lane, the seconds since the oldest message was sent that nobody absorbed.
select topic, lane, extract(epoch from now() - min(sent_at))::double precision as seconds
from outbox where state = 'sent' group by topic, lane;

-- name: outbox_absorb
-- Absorbs what arrived from the broker and marks it, in the consumer's transaction. Not before an earlier message of its
-- key: what arrives too early is pending again and comes behind it. What is settled already is left out.
with arrived as materialized (
    select o.id, o.position, o.topic, o.lane, o.key
    from outbox as o
    where o.id = any(:ids::uuid[]) and o.state in ('pending', 'sent')
    order by o.position
    for update
), early as (
    select a.id from arrived as a
    where exists (
        select from outbox as earlier
        where earlier.topic = a.topic and earlier.lane = a.lane and earlier.key = a.key
            and earlier.position < a.position and earlier.state in ('pending', 'sent', 'dead')
            and earlier.id not in (select b.id from arrived as b)
    )
), absorbed as (
    insert into inbox (consumer, message_id)
    select :consumer, a.id from arrived as a where a.id not in (select e.id from early as e) order by a.id
    on conflict do nothing
    returning message_id
), published as (
    update outbox as o set state = 'published', settled_at = now(), sent_at = null
    from arrived as a where o.id = a.id and a.id not in (select e.id from early as e)
), returned as (
    update outbox as o set state = 'pending', sent_at = null from early as e where o.id = e.id
)
select message_id as id from absorbed;

-- name: relay_unsettled$
-- Whether one of these is still where the relay put it: sent, and neither absorbed nor returned.
select exists (select from outbox where id = any(:ids::uuid[]) and state = 'sent');
