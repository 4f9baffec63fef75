-- What other systems may hear, written with the change of state it tells of; and the trace of a document.

-- gateway/public_events.py: which change is which event.
create table public_type (
    subject     text not null,
    from_state  text not null,
    to_state    text not null,
    type        text not null,
    status_code text,
    primary key (subject, from_state, to_state),
    foreign key (subject, from_state, to_state) references transition
);

create table public_outbox (
    position     bigint generated always as identity primary key,
    id           uuid not null unique default gen_random_uuid(),
    key          text not null,
    type         text not null,
    source       text not null,
    subject      text not null,
    traceparent  text,
    payload      jsonb not null,
    occurred_at  timestamptz not null,
    published_at timestamptz,
    error        text,
    constraint public_outbox_published_or_refused check (published_at is null or error is null)
);
comment on table public_outbox is
    'A table of its own: nobody of the node absorbs these, and a public topic that is away holds up nothing.';
comment on column public_outbox.published_at is 'the outer broker has it: then nothing is left to be done';
comment on column public_outbox.error is 'why it can never be sent';
create index public_outbox_waiting on public_outbox (position) where published_at is null and error is null;
create index public_outbox_published on public_outbox (published_at) where published_at is not null;
alter table public_outbox set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- W3C traceparent of the request, or of the reception, that the exchange began with.
alter table exchange add column traceparent text;

-- LIMIT 1 keeps each look-up a look-up by key, whatever the planner thinks of the sizes.
create function tell_in_public() returns trigger language plpgsql as $$
declare
    said_by constant text := current_setting('lienthong.public_source');
begin
    insert into public_outbox (key, type, source, subject, traceparent, payload, occurred_at)
    select 'vb_' || replace(e.id::text, '-', ''), p.type, said_by, 'vb_' || replace(e.id::text, '-', ''), e.traceparent,
        jsonb_strip_nulls(jsonb_build_object(
            'id', 'vb_' || replace(e.id::text, '-', ''), 'direction', e.direction, 'state', told.to_state,
            'previous_state', nullif(told.from_state, ''), 'status_code', p.status_code, 'document_id', e.document_id,
            'number', e.code_number, 'notation', e.code_notation, 'promulgation_date', e.promulgation_date,
            'business_type', e.business_type, 'priority', e.priority, 'sender', e.sender_code,
            'recipient', case told.subject when 'delivery' then d.recipient_code when 'inward' then a.code end,
            'delivery_id', 'nn_' || replace(d.id::text, '-', ''))),
        told.at
    from told
    cross join lateral (
        select * from public_type as t
        where t.subject = told.subject and t.from_state = told.from_state and t.to_state = told.to_state limit 1
    ) as p
    cross join lateral (select * from exchange where exchange.id = told.exchange_id limit 1) as e
    cross join lateral (select code from agency where agency.id = e.agency_id limit 1) as a
    left join lateral (
        select id, recipient_code from delivery where told.subject = 'delivery' and delivery.id = told.subject_id limit 1
    ) as d on true
    order by told.id;

    insert into public_outbox (key, type, source, subject, payload, occurred_at)
    select 'gt_' || replace(i.id::text, '-', ''), p.type, said_by, 'gt_' || replace(i.id::text, '-', ''),
        jsonb_strip_nulls(jsonb_build_object(
            'package_id', 'gt_' || replace(i.id::text, '-', ''), 'direction', 'inward', 'state', told.to_state,
            'axis', i.axis, 'sender', i.listed_sender, 'recipient', i.listed_receiver)),
        told.at
    from told
    cross join lateral (
        select * from public_type as t
        where t.subject = told.subject and t.from_state = told.from_state and t.to_state = told.to_state limit 1
    ) as p
    cross join lateral (
        select * from incoming_package where incoming_package.id = told.subject_id and kind = 'edoc' limit 1
    ) as i
    where told.subject = 'incoming_package'
    order by told.id;
    return null;
end $$;

-- Off unless the session names who speaks: then the condition is all it costs.
create trigger event_told_in_public after insert on event referencing new table as told for each statement
    when (current_setting('lienthong.public_source', true) <> '') execute function tell_in_public();

grant select, insert, update, delete on public_type, public_outbox to lienthong_app;
