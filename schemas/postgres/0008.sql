-- Channels get their breaker: closed, open, half open; a pause is a person's or a refused key's.

alter table channel drop constraint channel_state_check;
alter table channel drop constraint channel_paused_says_why;
update channel set state = 'closed', reason = null where state = 'active';
alter table channel alter column state set default 'closed';
alter table channel alter column changed_by set default 'node';
alter table channel add column generation bigint not null default 0;
alter table channel add column openings integer not null default 0 check (openings >= 0);
alter table channel add column probe_at timestamptz;
alter table channel add column probe_until timestamptz;
alter table channel add column probe_by text;
alter table channel add column last_error text;
alter table channel add column last_error_at timestamptz;
alter table channel add constraint channel_state_known check (state in ('closed', 'open', 'half_open', 'paused'));
alter table channel add constraint channel_says_why check (state = 'closed' or reason is not null);
alter table channel add constraint channel_probe_comes check ((state = 'open') = (probe_at is not null));
alter table channel add constraint channel_probe_is_leased check (
    (state = 'half_open') = (probe_until is not null) and (state = 'half_open') = (probe_by is not null)
);
comment on column channel.state is
    'open: failed too often in a row, waits for probe_at; half_open: one probe is out; paused: only a person ends it';
comment on column channel.failures is 'in a row, and the fault of the way';
comment on column channel.generation is 'counts the changes of state: what began under an earlier one has no say';
comment on column channel.openings is 'in a row without having stayed closed: each waits longer than the one before';
comment on column channel.probe_until is 'the lease of the probe: one that a killed process took is given to another';

-- Who changed what, and why. (from_state, to_state) is the table of queue/breaker.py.
create table channel_event (
    id bigint generated always as identity primary key,
    channel text not null,
    at timestamptz not null default clock_timestamp(),
    from_state text not null,
    to_state text not null,
    actor text not null check (actor <> ''),
    reason text not null,
    constraint channel_event_is_a_change check ((from_state, to_state) in (
        ('closed', 'open'), ('closed', 'paused'),
        ('open', 'half_open'), ('open', 'open'), ('open', 'closed'), ('open', 'paused'),
        ('half_open', 'closed'), ('half_open', 'open'), ('half_open', 'half_open'), ('half_open', 'paused'),
        ('paused', 'closed'), ('paused', 'paused')
    ))
);
create index channel_event_of on channel_event (channel, id);
grant select, insert on channel_event to lienthong_app;
grant usage on all sequences in schema public to lienthong_app;

-- What failed because the way was away does not count among a package's attempts.
alter table outgoing_package add column excused integer not null default 0 check (excused >= 0);
comment on column outgoing_package.excused is 'attempts that failed while the channel was not closed: the way''s fault';

-- Following a package needs the way as well.
update work set channel = 'axis:' || (payload ->> 'axis')
where kind = 'follow' and channel is null and state in ('ready', 'leased', 'parked') and payload ? 'axis';
