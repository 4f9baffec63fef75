-- What only the command line asks.

-- name: insert_agency_policy$
-- An agency's own rule; the resolver decides whether a higher scope leaves room for it.
INSERT INTO policy (key, scope, agency_code, valid_from, valid_to, value, legal_basis)
VALUES (:key, 'agency', :agency_code, :valid_from, :valid_to, :value, :legal_basis) RETURNING id;

-- name: all_policies
SELECT id, key, scope, agency_code, valid_from, valid_to, value, legal_basis, binding FROM policy
WHERE :on_date::date IS NULL OR (valid_from <= :on_date AND (valid_to IS NULL OR valid_to >= :on_date))
ORDER BY key, array_position(ARRAY['law', 'nation', 'province', 'agency'], scope), agency_code, valid_from;
