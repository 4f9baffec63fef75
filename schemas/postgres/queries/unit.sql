-- name: unit_for_agency$
-- The agency this transaction works for.
select set_config('lienthong.agency_id', :agency_id, true);
