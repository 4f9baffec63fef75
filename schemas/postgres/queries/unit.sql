-- name: unit_begin!
begin;

-- name: unit_begin_for_agency!
-- The transaction and the agency it works for, in one round trip (nothing but a UUID stands for <agency_id>).
begin; select set_config('lienthong.agency_id', '<agency_id>', true);

-- name: unit_commit!
commit;

-- name: unit_rollback!
rollback;
