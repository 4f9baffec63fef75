-- Events for other systems: waiting, then published once the outer broker has them. Nobody of the node absorbs them.

-- name: insert_public_types!
insert into public_type (subject, from_state, to_state, type, status_code)
select * from unnest(:subjects::text[], :froms::text[], :tos::text[], :types::text[], :codes::text[])
on conflict (subject, from_state, to_state) do update set type = excluded.type, status_code = excluded.status_code
where (public_type.type, public_type.status_code) is distinct from (excluded.type, excluded.status_code);

-- name: public_next
select id, key, type, source, subject, traceparent, payload, occurred_at
from public_outbox where published_at is null and error is null order by position limit :batch;

-- name: public_published!
update public_outbox set published_at = now() where id = any(:ids::uuid[]) and published_at is null;

-- name: public_refused!
update public_outbox set error = :error where id = :id and published_at is null;

-- name: public_waiting^
-- How many wait and since when, for an operator.
select count(*) as waiting, min(occurred_at) as since from public_outbox
where published_at is null and error is null;

-- name: public_purge!
delete from public_outbox where published_at < now() - make_interval(secs => :older::double precision);
