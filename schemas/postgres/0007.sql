-- Which process claimed an Idempotency-Key: when it starts again under its name, what it left open is free at once.

alter table idempotency add column claimed_by text not null default '';
comment on column idempotency.claimed_by is 'name of the process (instance) that is at work on it, or was';
