-- Directory of agencies, policies.

-- name: find_agencies
-- Every directory row that answers to one of the codes (current, QCVN 102, old), valid on the day.
SELECT asked.key AS asked, d.axis, d.axis_id, d.code, d.code102, d.old_code, d.name, d.parent_id,
       (d.code_key = asked.key) AS current
FROM unnest(:keys::text[]) AS asked (key)
JOIN directory d ON (d.code_key = asked.key OR d.code102_key = asked.key OR d.old_code_key = asked.key)
WHERE d.valid_from <= :on_date AND (d.valid_to IS NULL OR d.valid_to >= :on_date)
ORDER BY asked.key, (d.code_key = asked.key) DESC, d.axis;

-- name: sender_and_recipients
-- The sending agency, and every agency that answers to one of the codes: the node's own ('own', whatever code of the
-- directory they were asked by) and the directory's ('axis', current code first), valid on the day.
SELECT 'sender' AS found, NULL AS asked, NULL AS axis, false AS current, id, code, name, in_charge, address, email
FROM agency WHERE id = :agency_id AND active
UNION ALL
SELECT 'own', NULL, NULL, false, id, code, name, in_charge, address, email FROM agency
WHERE active AND upper(code) IN (
    SELECT unnest(:keys::text[])
    UNION
    SELECT same.key FROM directory d
    CROSS JOIN LATERAL (VALUES (d.code_key), (d.code102_key), (d.old_code_key)) AS same (key)
    WHERE d.code_key = ANY(:keys::text[]) OR d.code102_key = ANY(:keys::text[]) OR d.old_code_key = ANY(:keys::text[]))
UNION ALL
SELECT 'axis', asked.key, d.axis, d.code_key = asked.key, NULL, d.code, d.name, NULL, NULL, NULL
FROM unnest(:keys::text[]) AS asked (key)
JOIN directory d ON (d.code_key = asked.key OR d.code102_key = asked.key OR d.old_code_key = asked.key)
WHERE d.valid_from <= :on_date AND (d.valid_to IS NULL OR d.valid_to >= :on_date)
ORDER BY found, asked, current DESC, axis;

-- name: find_own_agencies
-- By their own codes and by every code of the directory that is said of the same agency; each row is looked at once.
SELECT id, code, name, in_charge, address, email FROM agency
WHERE active AND upper(code) IN (
    SELECT unnest(:keys::text[])
    UNION
    SELECT same.key FROM directory d
    CROSS JOIN LATERAL (VALUES (d.code_key), (d.code102_key), (d.old_code_key)) AS same (key)
    WHERE d.code_key = ANY(:keys::text[]) OR d.code102_key = ANY(:keys::text[]) OR d.old_code_key = ANY(:keys::text[]));

-- name: upsert_directory!
INSERT INTO directory (axis, axis_id, code, code102, old_code, name, parent_id, email, generation)
SELECT :axis, axis_id, code, code102, old_code, name, parent_id, email, :generation
FROM unnest(:axis_ids::text[], :codes::text[], :codes102::text[], :old_codes::text[], :names::text[],
            :parent_ids::text[], :emails::text[]) AS d (axis_id, code, code102, old_code, name, parent_id, email)
ON CONFLICT (axis, axis_id, valid_from) DO UPDATE SET code = excluded.code, code102 = excluded.code102,
    old_code = excluded.old_code, name = excluded.name, parent_id = excluded.parent_id, email = excluded.email,
    generation = excluded.generation, synced_at = now(), valid_to = NULL;

-- name: directory_size$
SELECT count(*) FROM directory WHERE axis = :axis AND valid_to IS NULL;

-- name: close_missing!
-- Agencies that the axis no longer lists end yesterday; they stay for old documents.
UPDATE directory SET valid_to = greatest(:on_date::date - 1, valid_from)
WHERE axis = :axis AND generation <> :generation AND valid_to IS NULL;

-- name: policies_of_keys
SELECT id, key, scope, agency_code, valid_from, valid_to, value, legal_basis, binding FROM policy
WHERE key = ANY(:keys::text[]) AND valid_from <= :on_date AND (valid_to IS NULL OR valid_to >= :on_date)
  AND (agency_code IS NULL OR upper(agency_code) = ANY(:agency_keys::text[]));

-- name: insert_certificate!
INSERT INTO certificate (sha256, agency_code, role, holder, valid_from, valid_to)
VALUES (:sha256, :agency_code, :role, :holder, :valid_from, :valid_to)
ON CONFLICT (sha256, agency_code, role) DO UPDATE SET holder = excluded.holder, valid_from = excluded.valid_from,
    valid_to = excluded.valid_to;

-- name: insert_transitions!
INSERT INTO transition (subject, from_state, to_state)
SELECT * FROM unnest(:subjects::text[], :froms::text[], :tos::text[]) ON CONFLICT DO NOTHING;

-- name: insert_agency!
INSERT INTO agency (id, code, name, in_charge, address, email)
VALUES (:id, :code, :name, :in_charge, :address, :email);
