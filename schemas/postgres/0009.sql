-- Step 0009: the line of the outbox, so that no pile makes taking from it slow.

-- Where a message stands is told without the clock: only failures give it a time.
alter table outbox alter column available_at set default '-infinity';
comment on column outbox.available_at is
    '-infinity: in line since it was written; a time: after a failure; infinity: aside, behind an earlier message of its'
    ' key that cannot go on';

-- One index for each question, named by its own condition, so that the planner has nothing to choose: "state = 'pending'"
-- asks for the line, "settled_at is null" for what a key still holds.
drop index outbox_due, outbox_waiting, outbox_later, outbox_order;
create index outbox_line on outbox (topic, lane, available_at, position) where state = 'pending';
create index outbox_order on outbox (topic, lane, key, position) where settled_at is null;
