-- The outbox, the inbox and work. Times are the database's.
--
-- No plan may rest on the planner's statistics, for those of a queue, empty now and full a minute later, are never
-- right. So "the first of its key" is asked with ORDER BY and LIMIT 1; of the outbox, "state = 'pending'" asks for the
-- index of the line and "settled_at is null" for the index of keys; rows that are known are asked for by their id alone
-- (``state || ''`` keeps the indexes that hold the whole pile out of it). No statement of the way of a message looks at
-- more rows than it is told to: tests/queue/test_cost_of_piles.py counts them.
--
-- The line of a topic's lane is what is pending and due. ``available_at`` says where a message stands: -infinity, in line
-- since it was written; a time, after a failure; infinity, aside, because an earlier message of its key cannot go on.
-- Whoever settles a message puts what stands aside behind it back into the line.
--
-- No statement here notifies: NOTIFY holds a lock of the whole database until its transaction is on the disk, which
-- would make all commits wait for one another. Who must be woken is said after the commit (wake_say).

-- name: wake_say$
-- Wakes listeners of other processes; a hint, so the disk is not waited for.
select count(pg_notify(w.channel, w.subject))
from unnest(:channels::text[], :subjects::text[]) as w (channel, subject)
where set_config('synchronous_commit', 'off', true) is not null;

-- name: outbox_append!
-- Writes messages in the order given.
insert into outbox (
    id, topic, lane, key, type, source, subject, schema_version, traceparent, payload, occurred_at
)
select m.id, m.topic, m.lane, m.key, m.type, m.source, m.subject, m.schema_version, m.traceparent, m.payload,
    m.occurred_at
from unnest(
    :ids::uuid[], :topics::text[], :lanes::smallint[], :keys::text[], :types::text[], :sources::text[],
    :subjects::text[], :schema_versions::smallint[], :traceparents::text[], :payloads::jsonb[],
    :occurred::timestamptz[]
) with ordinality as m (
    id, topic, lane, key, type, source, subject, schema_version, traceparent, payload, occurred_at, place
)
order by m.place;

-- name: outbox_take
-- Looks at the first so many of the line, locks the first message of each of their keys and takes it with what follows:
-- nobody else can then hold an earlier or a later message of these keys. What is taken is absorbed by the consumer and
-- marked in the same breath: the transaction that goes wrong afterwards takes all of it back. Always answers a row, which
-- says how many were looked at: more than were taken means that some stand behind others or are somebody else's now.
with line as materialized (
    (
        select o.key from outbox as o
        where o.topic = :topic and o.lane = :lane and o.state = 'pending' and o.available_at = '-infinity'
        order by o.position
        limit :window
    )
    union all
    (
        select o.key from outbox as o
        where o.topic = :topic and o.lane = :lane and o.state = 'pending'
            and o.available_at > '-infinity' and o.available_at <= now()
        order by o.available_at, o.position
        limit :window
    )
), keys as materialized (
    select line.key, count(*) as places from line group by line.key
), firsts as materialized (
    select first.id, keys.places
    from keys
    cross join lateral (
        select o.id, o.state, o.available_at, o.position from outbox as o
        where o.topic = :topic and o.lane = :lane and o.key = keys.key
            and o.settled_at is null and o.state || '' in ('pending', 'dead')
        order by o.position
        limit 1
    ) as first
    where first.state = 'pending' and first.available_at <= now()
    order by first.position
), heads as materialized (
    select held.key, firsts.places
    from firsts
    cross join lateral (
        select o.key from outbox as o
        where o.id = firsts.id and o.state || '' = 'pending' and o.available_at <= now()
        limit 1
        for update skip locked
    ) as held
    limit :batch
), run as materialized (  -- of each key what stands in line, and one more
    select o.*, row_number() over upward as place, heads.places,
        bool_and(o.state = 'pending' and (o.available_at <= now() or o.available_at = 'infinity')) over upward as free,
        bool_or(o.error is not null) over (partition by o.key) as failed
    from heads
    cross join lateral (
        select * from outbox as every
        where every.topic = :topic and every.lane = :lane and every.key = heads.key
            and every.settled_at is null and every.state || '' in ('pending', 'dead')
        order by every.position
        limit heads.places + 1
    ) as o
    window upward as (partition by o.key order by o.position)
), taken as materialized (
    select run.* from run where run.free and run.place <= run.places order by run.position limit :batch
), absorbed as (
    insert into inbox (consumer, message_id)
    select :consumer, t.id from taken as t order by t.id
    on conflict do nothing
    returning message_id
), published as (
    update outbox as o set state = 'published', settled_at = now()
    where o.id = any(array(select t.id from taken as t)) and o.state || '' = 'pending'
), behind as materialized (  -- the next of each key that had failures, for it may be on its way aside, or is aside
    select left_over.key, left_over.position, left_over.failed
    from (
        select distinct on (run.key) run.key, run.position, run.failed, run.available_at from run
        where run.id not in (select t.id from taken as t)
        order by run.key, run.position
    ) as left_over
    where left_over.failed or left_over.available_at = 'infinity'
), back as (
    update outbox as o set available_at = '-infinity'
    where o.id = any(array(
        select next.id
        from behind
        cross join lateral (
            select o.id, o.position, o.available_at from outbox as o
            where o.topic = :topic and o.lane = :lane and o.key = behind.key
                and o.settled_at is null and o.state || '' in ('pending', 'dead') and o.position >= behind.position
            order by o.position
            limit :batch
        ) as next
        where next.available_at = 'infinity' or (behind.failed and next.position = behind.position)
    )) and o.state || '' = 'pending' and (o.available_at <= now() or o.available_at = 'infinity')
)
select t.id, t.topic, t.lane, t.key, t.type, t.source, t.subject, t.schema_version, t.traceparent, t.payload,
    t.occurred_at, t.id in (select a.message_id from absorbed as a) as new, looked.at as looked_at
from (select count(*) as at from line) as looked
left join taken as t on true
order by t.position;

-- name: outbox_step_aside$
-- Takes out of the line what stands behind a dead letter or behind a message whose time has not come; how many. That
-- message is locked meanwhile, so that nobody can settle it without seeing who stands aside behind it.
with line as materialized (
    select o.id, o.key from outbox as o
    where o.topic = :topic and o.lane = :lane and o.state = 'pending' and o.available_at <= now()
    order by o.available_at, o.position
    limit :window
), firsts as materialized (
    select first.id
    from (select distinct line.key from line) as keys
    cross join lateral (
        select o.id, o.state, o.available_at from outbox as o
        where o.topic = :topic and o.lane = :lane and o.key = keys.key
            and o.settled_at is null and o.state || '' in ('pending', 'dead')
        order by o.position
        limit 1
    ) as first
    where first.state = 'dead' or first.available_at > now()
), holding as materialized (
    select o.key from outbox as o
    where o.id = any(array(select firsts.id from firsts))
        and (o.state || '' = 'dead' or (o.state || '' = 'pending' and o.available_at > now()))
    order by o.position
    for share skip locked
), aside as (
    update outbox as o set available_at = 'infinity'
    where o.id = any(array(select line.id from line where (line.key in (select h.key from holding as h)) is true))
        and o.state || '' = 'pending' and o.available_at <= now()
    returning 1
)
select count(*) from aside;

-- name: outbox_failures$
select failures from outbox where id = :id;

-- name: outbox_failed$
-- Counts a failure of a message and sets its next time, or sets it aside; answers the state it is in.
update outbox
set failures = failures + :counts::smallint,
    error = :error,
    available_at = now() + make_interval(secs => :delay::double precision),
    sent_at = null,
    state = case when :counts::smallint > 0 and failures + :counts::smallint >= :max_failures::smallint
        then 'dead' else 'pending' end
where id = :id and state || '' in ('pending', 'sent')
returning state;

-- name: outbox_dead
-- Dead letters, oldest first.
select id, topic, lane, key, type, subject, occurred_at, failures, error
from outbox where state = 'dead' order by position limit :limit;

-- name: outbox_requeue$
-- A person sends a dead letter round again; its failures count anew.
update outbox set state = 'pending', failures = 0, available_at = '-infinity'
where id = :id and state || '' = 'dead'
returning topic;

-- name: outbox_discard$
-- A person gives a dead letter up, with a reason; the later messages of its key go on.
with given_up as (
    update outbox set state = 'discarded', settled_at = now(), settled_by = :actor,
        error = error || ' / ' || :reason::text
    where id = :id and state || '' = 'dead'
    returning topic, lane, key, position
), back as (
    update outbox as o set available_at = '-infinity'
    where o.id = any(array(
        select next.id
        from given_up
        cross join lateral (
            select o.id from outbox as o
            where o.topic = given_up.topic and o.lane = given_up.lane and o.key = given_up.key
                and o.settled_at is null and o.state || '' in ('pending', 'dead') and o.position > given_up.position
            order by o.position
            limit 1
        ) as next
    )) and o.state || '' = 'pending' and (o.available_at <= now() or o.available_at = 'infinity')
)
select topic from given_up;

-- name: outbox_lag
select topic, lane, count(*) as waiting from outbox where settled_at is null
group by topic, lane;

-- name: outbox_take_back!
-- What was given to an outer broker and did not arrive is pending again: this broker takes over.
update outbox set state = 'pending', sent_at = null where state = 'sent';

-- name: outbox_line_up!
-- Everything that stands aside is in line again; whatever must not go on steps aside anew. For a start.
update outbox set available_at = '-infinity' where state = 'pending' and available_at = 'infinity';

-- name: outbox_sample
-- Published messages of a topic, some of them, for a broker that says things twice on purpose.
select id, topic, lane, key, type, source, subject, schema_version, traceparent, payload, occurred_at, failures
from outbox where topic = :topic and lane = :lane and state = 'published' order by md5(id::text || :salt) limit :batch;

-- name: outbox_purge!
delete from outbox where settled_at < now() - make_interval(secs => :older::double precision);

-- name: inbox_absorb
-- Takes messages in for a consumer; answers those that are new to it.
insert into inbox (consumer, message_id)
select :consumer, m.id from unnest(:ids::uuid[]) as m (id) order by m.id
on conflict do nothing
returning message_id;

-- name: inbox_purge!
delete from inbox where absorbed_at < now() - make_interval(secs => :older::double precision);

-- name: work_enqueue
-- Opens work in the order given; what is there already (same id, or same kind and once) stays as it is.
insert into work (id, kind, key, lane, channel, once, payload, due_at)
select w.id, w.kind, w.key, w.lane, w.channel, w.once, w.payload, now() + make_interval(secs => w.delay)
from unnest(
    :ids::uuid[], :kinds::text[], :keys::text[], :lanes::smallint[], :channels::text[], :onces::text[],
    :payloads::jsonb[], :delays::double precision[]
) with ordinality as w (id, kind, key, lane, channel, once, payload, delay, place)
order by w.place
on conflict do nothing
returning id;

-- name: work_expire$
-- Leases that ran out: whoever held them is gone or too slow. How many.
with freed as (
    update work
    set state = 'ready', leased_until = null, lease_owner = null, due_at = now(), interruptions = interruptions + 1
    where id = any(array(
        select w.id from work as w where w.state = 'leased' and w.leased_until < now()
        order by w.leased_until
        for update skip locked
    ))
    returning 1
)
select count(*) from freed;

-- name: work_claim
-- So many of each kind. Urgent first, then by due time; only over closed channels, not before an earlier open row of
-- the same key.
with chosen as (
    select one.id
    from unnest(:kinds::text[], :places::integer[]) as wanted (kind, places)
    cross join lateral (
        select w.id
        from work as w
        where w.kind = wanted.kind and w.state = 'ready' and w.due_at <= now()
            and (w.channel is null
                or not exists (select from channel as c where c.name = w.channel and c.state <> 'closed'))
            and w.position = (
                select first.position from work as first
                where first.key = w.key and first.state in ('ready', 'leased', 'parked')
                order by first.position limit 1
            )
        order by w.lane, w.due_at, w.position
        limit wanted.places
        for update of w skip locked
    ) as one
), leased as (
    update work as w
    set state = 'leased', lease_owner = :owner, attempts = w.attempts + 1,
        leased_until = clock_timestamp() + make_interval(secs => :lease::double precision)
    where w.id = any(array(select chosen.id from chosen))
    returning w.id, w.kind, w.key, w.lane, w.channel, w.once, w.payload, w.attempts, w.failures,
        w.interruptions, w.lease_owner, w.last_error, w.due_at, w.position
)
select * from leased order by lane, due_at, position;

-- name: work_complete^
-- Done; answers the kind of what waited behind it under the same key, for that can go on now.
with changed as (
    update work set state = 'done', settled_at = now(), leased_until = null, lease_owner = null
    where id = :id and state || '' = 'leased' and lease_owner = :owner and attempts = :attempts
    returning key, position
)
select (
    select w.kind from work as w
    where w.key = changed.key and w.position > changed.position and w.state = 'ready'
    order by w.position limit 1
) as following
from changed;

-- name: work_retry$
-- Foreseen retries do not count as failures.
update work set state = 'ready', leased_until = null, lease_owner = null, last_error = :error, interruptions = 0,
    failures = failures + :failures::integer,
    due_at = now() + make_interval(secs => :delay::double precision)
where id = :id and state || '' = 'leased' and lease_owner = :owner and attempts = :attempts
returning true;

-- name: work_repeat$
-- The same row again later, as a fresh piece of work; only the fence of the leases counts on.
update work set state = 'ready', leased_until = null, lease_owner = null, last_error = null, failures = 0,
    interruptions = 0,
    due_at = now() + make_interval(secs => :delay::double precision)
where id = :id and state || '' = 'leased' and lease_owner = :owner and attempts = :attempts
returning true;

-- name: work_park$
update work set state = 'parked', leased_until = null, lease_owner = null, reason = :reason,
    last_error = coalesce(:error, last_error)
where id = :id and state || '' = 'leased' and lease_owner = :owner and attempts = :attempts
returning true;

-- name: work_extend
-- Longer leases for what is still being worked on; answers the ids that are still ours.
update work as w set leased_until = clock_timestamp() + make_interval(secs => :lease::double precision)
from unnest(:ids::uuid[], :attempts::integer[]) as held (id, attempts)
where w.id = any(:ids::uuid[]) and w.id = held.id and w.attempts = held.attempts and w.state || '' = 'leased'
    and w.lease_owner = :owner
returning w.id;

-- name: work_give_back$
-- What this owner holds is ready again at once: at start what it held when it was killed, at a stop what is left.
with freed as (
    update work set state = 'ready', leased_until = null, lease_owner = null, due_at = now(),
        interruptions = interruptions + :interruptions::integer
    where state = 'leased' and lease_owner = :owner returning 1
)
select count(*) from freed;

-- name: work_release$
-- A person lets parked work go on; failures count anew.
update work set state = 'ready', reason = null, failures = 0, interruptions = 0, due_at = now()
where id = :id and state = 'parked'
returning kind;

-- name: work_cancel$
-- A person gives open work up, with a reason; work that is being done is not cancelled.
update work set state = 'cancelled', settled_at = now(), settled_by = :actor, reason = :reason
where id = :id and state in ('ready', 'parked')
returning true;

-- name: work_parked
-- What waits for a person, oldest first.
select id, kind, key, lane, channel, payload, attempts, last_error, reason, created_at
from work where state = 'parked' order by position limit :limit;

-- name: work_purge!
delete from work where settled_at < now() - make_interval(secs => :older::double precision);
