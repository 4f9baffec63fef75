-- Step 0009: the line of the outbox, so that no pile makes taking from it slow.

-- Where a message stands is told without the clock: only failures give it a time.
alter table outbox alter column available_at set default '-infinity';
comment on column outbox.available_at is
    '-infinity: in line since it was written; a time: after a failure; infinity: aside, behind an earlier message of its'
    ' key that cannot go on';

drop index outbox_due, outbox_waiting, outbox_later;
create index outbox_line on outbox (topic, lane, available_at, position) where state = 'pending';
