-- Channels: the rows of the breakers (queue/breaker.py has the rules). Times are the database's.

-- name: channel_admission^
-- Whether a call may go now, and under which generation; a channel without a row never failed.
select state, generation, failures > 0 as troubled from channel where name = :name;

-- name: channel_know!
insert into channel (name) select n from unnest(:names::text[]) as given (n) on conflict do nothing;

-- name: channel_lock^
select state, since, failures, openings, generation, probe_at, probe_until, probe_by, reason, changed_by,
    clock_timestamp() as now
from channel where name = :name for update;

-- name: channel_lock_due^
-- The same when a probe is due, or is one that this process does no more, and nobody else is just taking it.
select state, since, failures, openings, generation, probe_at, probe_until, probe_by, reason, changed_by,
    clock_timestamp() as now
from channel
where name = :name and (coalesce(probe_at, probe_until) <= clock_timestamp() or probe_by = :process)
for update skip locked;

-- name: channel_probe_due$
-- Cheap, for the look that finds nothing.
select exists (
    select from channel
    where name = :name and (coalesce(probe_at, probe_until) <= clock_timestamp() or probe_by = :process)
);

-- name: channel_write!
-- The breaker after a happening, and the event when there is something to tell.
with told as (
    insert into channel_event (channel, from_state, to_state, actor, reason)
    select name, state, :state, :actor, :event from channel where name = :name and :event::text is not null
)
update channel set state = :state, since = :since, failures = :failures, openings = :openings,
    generation = :generation, probe_at = :probe_at, probe_until = :probe_until, probe_by = :probe_by,
    reason = :reason, changed_by = :changed_by,
    last_error = coalesce(:error, last_error),
    last_error_at = case when :error::text is null then last_error_at else clock_timestamp() end
where name = :name;

-- name: channel_hurry!
-- What waits for its next attempt over this channel is due at once.
update work set due_at = now()
where channel = :name and state = 'ready' and due_at > now() and kind = any(:kinds::text[]);

-- name: channel_list
select name, state, reason, since, failures, openings, changed_by, coalesce(probe_at, probe_until) as next_probe_at,
    last_error, last_error_at
from channel order by name;

-- name: channel_waiting
-- Open work over each channel: how much of each kind and lane, and since when the oldest.
select channel, kind, lane, count(*) as rows, min(created_at) as oldest
from work where channel is not null and state in ('ready', 'leased', 'parked')
group by channel, kind, lane order by channel, lane, kind;

-- name: channel_not_closed
select name, state, since from channel where state <> 'closed' order by name;

-- name: channel_events
-- The latest changes, newest first.
select id, channel, at, from_state, to_state, actor, reason from channel_event
where channel = :name order by id desc limit :limit;
