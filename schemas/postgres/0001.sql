-- Step 1: what is still to be done and said. Level: PostgreSQL 15.
--
-- outbox   messages that left no transaction yet unsaid; inbox: messages already absorbed
-- work     things still to be done, claimed with a lease
-- channel  breakers of the ways to the outside
--
-- Owner of the tables: the role that runs the migrations. The application uses lienthong_app.

-- Roles belong to the whole server. An owner who may not make roles has his administrator make this one before.
do $$
begin
    if not exists (select from pg_roles where rolname = 'lienthong_app') then
        create role lienthong_app nologin nosuperuser nocreatedb nocreaterole;
    end if;
exception
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema public to lienthong_app;

create table outbox (
    id uuid primary key,
    position bigint generated always as identity,
    topic text not null check (topic <> ''),
    lane smallint not null default 1 check (lane in (0, 1)),
    key text not null check (key <> ''),
    type text not null check (type <> ''),
    source text not null check (source <> ''),
    subject text,
    schema_version smallint not null default 1 check (schema_version > 0),
    traceparent text,
    payload jsonb not null,
    occurred_at timestamptz not null,
    state text not null default 'pending' check (state in ('pending', 'published', 'dead', 'discarded')),
    failures smallint not null default 0 check (failures >= 0),
    available_at timestamptz not null default now(),
    error text,
    settled_at timestamptz,
    settled_by text,
    constraint outbox_settled check ((state in ('published', 'discarded')) = (settled_at is not null)),
    constraint outbox_dead_says_why check (state <> 'dead' or error is not null),
    constraint outbox_discarded_by_someone check (state <> 'discarded' or settled_by is not null)
);
comment on column outbox.position is 'order of writing; within a key also the order of delivery';
comment on column outbox.lane is '0 urgent (khẩn), 1 normal; each lane is a topic of its own';
comment on column outbox.state is 'dead: set aside after too many failures; blocks the later messages of its key';

create index outbox_due on outbox (topic, lane, position) where state = 'pending';
create index outbox_order on outbox (topic, lane, key, position) where state in ('pending', 'dead');
create index outbox_settled_at on outbox (settled_at) where settled_at is not null;

create table inbox (
    consumer text not null check (consumer <> ''),
    message_id uuid not null,
    absorbed_at timestamptz not null default now(),
    primary key (consumer, message_id)
);
create index inbox_absorbed_at on inbox (absorbed_at);

create table work (
    id uuid primary key,
    position bigint generated always as identity,
    kind text not null check (kind <> ''),
    key text not null check (key <> ''),
    lane smallint not null default 1 check (lane in (0, 1)),
    channel text check (channel <> ''),
    once text check (once <> ''),
    payload jsonb not null default '{}',
    state text not null default 'ready' check (state in ('ready', 'leased', 'done', 'parked', 'cancelled')),
    due_at timestamptz not null default now(),
    leased_until timestamptz,
    lease_owner text,
    attempts integer not null default 0 check (attempts >= 0),
    failures integer not null default 0 check (failures >= 0),
    interruptions integer not null default 0 check (interruptions >= 0),
    last_error text,
    reason text,
    settled_by text,
    created_at timestamptz not null default now(),
    settled_at timestamptz,
    constraint work_lease_is_whole check (
        (state = 'leased') = (leased_until is not null) and (state = 'leased') = (lease_owner is not null)
    ),
    constraint work_settled check ((state in ('done', 'cancelled')) = (settled_at is not null)),
    constraint work_parked_says_why check (state not in ('parked', 'cancelled') or reason is not null),
    constraint work_cancelled_by_someone check (state <> 'cancelled' or settled_by is not null)
);
comment on column work.key is 'what is ordered: an earlier open row of the same key goes first, whatever its kind';
comment on column work.channel is 'the way to the outside this needs; a paused channel keeps its rows waiting';
comment on column work.once is 'at most one open row of a kind carries the same value';
comment on column work.attempts is 'claims so far; never goes back while the row is open, it fences lost leases off';
comment on column work.failures is 'errors nobody foresaw, since a person last released the row';
comment on column work.interruptions is 'leases lost in a row: killed or silent workers';
comment on column work.state is 'parked: waits for a person, with the reason; blocks the later rows of its key';

create index work_due on work (kind, lane, due_at, position) where state = 'ready';
create index work_order on work (key, position) where state in ('ready', 'leased', 'parked');
create index work_leases on work (leased_until) where state = 'leased';
create index work_parked on work (position) where state = 'parked';
create index work_channel on work (channel) where state in ('ready', 'leased', 'parked');
create index work_settled_at on work (settled_at) where settled_at is not null;
create unique index work_once on work (kind, once) where state in ('ready', 'leased', 'parked');

create table channel (
    name text primary key check (name <> ''),
    state text not null default 'active' check (state in ('active', 'paused')),
    reason text,
    since timestamptz not null default now(),
    failures integer not null default 0 check (failures >= 0),
    changed_by text not null,
    constraint channel_paused_says_why check (state = 'active' or reason is not null)
);

grant select, insert, update, delete on outbox, inbox, work, channel to lienthong_app;
grant usage on all sequences in schema public to lienthong_app;
grant select on alembic_version to lienthong_app;  -- the node compares it with what it needs before it starts

-- These tables are written and emptied all the time: clean them long before a fifth of them is dead.
alter table outbox set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
alter table work set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
