-- What an outer broker needs of the outbox: what to send next, what was sent, what arrived. Times are the database's.
--
-- A message is pending, then sent (the broker has it), then published (a consumer absorbed it, with its effect). What
-- was sent is not yet safe: only the consumer's transaction settles it, so nothing depends on the broker's memory.

-- name: leader_try$
-- A lock of the session, free again when its connection ends.
select pg_try_advisory_lock(hashtextextended('lienthong leader ' || :name::text, 0));

-- name: leader_patience$
-- The server ends the session of a leader that says nothing for so long, and its lock with it: its process stands still.
select set_config('idle_session_timeout', :milliseconds, false);

-- name: leader_beat$
-- A sign of life.
select 1;

-- name: relay_next
-- The first so many of the line of every topic's lane, urgent lanes first, each key's in the order of writing and none
-- behind a dead letter or a message with a later time. Answers at least a row for each line, which says how many were
-- looked at: more than are sent means that some must step aside.
with recursive lines as (
    (select o.topic, o.lane from outbox as o where o.state = 'pending' order by o.topic, o.lane limit 1)
    union all
    select next.topic, next.lane
    from lines
    cross join lateral (
        select o.topic, o.lane from outbox as o
        where o.state = 'pending' and (o.topic, o.lane) > (lines.topic, lines.lane)
        order by o.topic, o.lane
        limit 1
    ) as next
)
select lines.topic, lines.lane, found.looked_at, found.id, found.key, found.type, found.source, found.subject,
    found.schema_version, found.traceparent, found.payload, found.occurred_at, found.version
from lines
cross join lateral (
    with line as materialized (
        (
            select o.key from outbox as o
            where o.topic = lines.topic and o.lane = lines.lane and o.state = 'pending' and o.available_at = '-infinity'
            order by o.position
            limit :batch
        )
        union all
        (
            select o.key from outbox as o
            where o.topic = lines.topic and o.lane = lines.lane and o.state = 'pending'
                and o.available_at > '-infinity' and o.available_at <= now()
            order by o.available_at, o.position
            limit :batch
        )
    ), keys as materialized (
        select line.key, count(*) as places from line group by line.key
    ), run as (
        select o.*,
            bool_and(o.state = 'pending' and (o.available_at <= now() or o.available_at = 'infinity'))
                over (partition by o.key order by o.position) as free
        from keys
        cross join lateral (
            select every.*, every.xmin as version from outbox as every
            where every.topic = lines.topic and every.lane = lines.lane and every.key = keys.key
                and every.settled_at is null and every.state || '' in ('pending', 'dead')
            order by every.position
            limit keys.places
        ) as o
    )
    select looked.at as looked_at, run.*
    from (select count(*) as at from line) as looked
    left join run on run.free
) as found
order by lines.lane, found.position;

-- name: relay_sent!
-- Marks what is still as it was read (``xmin``: who wrote it). A consumer can be faster than the mark: what it has sent
-- back meanwhile has to go again and must not stand as sent.
update outbox set state = 'sent', sent_at = now()
where id = any(:ids::uuid[]) and state || '' = 'pending' and xmin = any(:versions::xid[]);

-- name: relay_forget_sent$
-- Sent long ago and never absorbed: the broker lost it, or nobody reads. It is sent again, the oldest first. How many.
with again as (
    update outbox set state = 'pending', sent_at = null
    where id = any(array(
        select o.id from outbox as o
        where o.state = 'sent' and o.sent_at < now() - make_interval(secs => :older::double precision)
        order by o.sent_at
        limit :batch
    )) and state || '' = 'sent'
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
    select o.id, o.position, o.topic, o.lane, o.key, o.error is not null as failed
    from outbox as o
    where o.id = any(:ids::uuid[]) and o.state || '' in ('pending', 'sent')
    order by o.position
    for update
), keys as materialized (
    select a.topic, a.lane, a.key, count(*) as places, bool_or(a.failed) as failed from arrived as a
    group by a.topic, a.lane, a.key
), run as materialized (  -- of each key as many as arrived, and one more
    select o.id, o.position, o.topic, o.lane, o.key, o.available_at, keys.failed,
        bool_and(o.id in (select a.id from arrived as a)) over (
            partition by o.topic, o.lane, o.key order by o.position
        ) as free
    from keys
    cross join lateral (
        select * from outbox as every
        where every.topic = keys.topic and every.lane = keys.lane and every.key = keys.key
            and every.settled_at is null
        order by every.position
        limit keys.places + 1
    ) as o
), absorbed as (
    insert into inbox (consumer, message_id)
    select :consumer, run.id from run where run.free order by run.id
    on conflict do nothing
    returning message_id
), published as (
    update outbox as o set state = 'published', settled_at = now(), sent_at = null
    where o.id = any(array(select run.id from run where run.free))
), returned as (
    update outbox as o set state = 'pending', sent_at = null
    where o.id = any(array(
        select a.id from arrived as a where a.id not in (select run.id from run where run.free)
    ))
), behind as materialized (  -- the next of each key that had failures, for it may be on its way aside, or is aside
    select left_over.*
    from (
        select distinct on (run.topic, run.lane, run.key) run.* from run where not run.free
        order by run.topic, run.lane, run.key, run.position
    ) as left_over
    where left_over.id not in (select a.id from arrived as a)
        and (left_over.failed or left_over.available_at = 'infinity')
), back as (
    update outbox as o set available_at = '-infinity'
    where o.id = any(array(
        select next.id
        from behind
        cross join lateral (
            select o.id, o.position, o.available_at from outbox as o
            where o.topic = behind.topic and o.lane = behind.lane and o.key = behind.key
                and o.settled_at is null and o.position >= behind.position
            order by o.position
            limit :window
        ) as next
        where (next.available_at = 'infinity' or (behind.failed and next.position = behind.position))
            and next.id not in (select a.id from arrived as a)
    )) and o.state || '' = 'pending' and (o.available_at <= now() or o.available_at = 'infinity')
)
select message_id as id from absorbed;

-- name: relay_unsettled$
-- Whether one of these is still where the relay put it: sent, and neither absorbed nor returned.
select exists (select from outbox where id = any(:ids::uuid[]) and state || '' = 'sent');
