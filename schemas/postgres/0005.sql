-- Messages that an outer broker has and no consumer absorbed yet.

alter table outbox drop constraint outbox_state_check;
alter table outbox add constraint outbox_state_check
    check (state in ('pending', 'sent', 'published', 'dead', 'discarded'));
alter table outbox add column sent_at timestamptz;
alter table outbox add constraint outbox_sent_has_a_time check ((state = 'sent') = (sent_at is not null));
comment on column outbox.state is
    'sent: an outer broker has it, no consumer absorbed it yet; dead: set aside, blocks the later messages of its key';

drop index outbox_order;
create index outbox_order on outbox (topic, lane, key, position) where state in ('pending', 'sent', 'dead');
create index outbox_waiting on outbox (position) where state = 'pending';
create index outbox_sent on outbox (sent_at) where state = 'sent';
create index outbox_dead on outbox (position) where state = 'dead';
create index outbox_later on outbox (available_at) where state = 'pending';

-- What a queue holds changes faster than the default settings notice.
alter table outbox set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
alter table inbox set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
alter table work set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
