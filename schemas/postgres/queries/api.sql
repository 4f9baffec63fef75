-- What the HTTP surface reads, the keys of its callers, and the claims of Idempotency-Key.

-- name: api_key_by_prefix^
SELECT k.sha256, k.agency_id, a.code, a.name FROM api_key k JOIN agency a ON a.id = k.agency_id
WHERE k.prefix = :prefix AND k.revoked_at IS NULL AND a.active;

-- name: operator_key_by_prefix^
SELECT sha256, name FROM operator_key WHERE prefix = :prefix AND revoked_at IS NULL;

-- name: insert_api_key!
INSERT INTO api_key (id, agency_id, prefix, sha256, label) VALUES (:id, :agency_id, :prefix, :sha256, :label);

-- name: insert_operator_key!
INSERT INTO operator_key (id, name, prefix, sha256) VALUES (:id, :name, :prefix, :sha256);

-- name: revoke_api_key^
UPDATE api_key SET revoked_at = now() WHERE prefix = :prefix AND revoked_at IS NULL RETURNING id;

-- name: revoke_operator_key^
UPDATE operator_key SET revoked_at = now() WHERE prefix = :prefix AND revoked_at IS NULL RETURNING id;

-- name: claim_key^
-- The first to come, or the next after a claim whose process died; a key is forgotten after 72 hours.
INSERT INTO idempotency (agency_id, key, claimed_until, claim, claimed_by)
VALUES (:agency_id, :key, now() + make_interval(secs => :seconds), :claim, :claimed_by)
ON CONFLICT (agency_id, key) DO UPDATE SET claim = excluded.claim, claimed_until = excluded.claimed_until,
    claimed_by = excluded.claimed_by, request_hash = NULL, exchange_id = NULL, answer = NULL, created_at = now()
WHERE (idempotency.answer IS NULL AND idempotency.claimed_until < now())
   OR idempotency.created_at < now() - interval '72 hours'
RETURNING claim;

-- name: claim_of_key^
SELECT request_hash, answer, greatest(1, ceil(extract(epoch FROM claimed_until - now())))::int AS wait
FROM idempotency WHERE agency_id = :agency_id AND key = :key;

-- name: extend_claim^
UPDATE idempotency SET claimed_until = now() + make_interval(secs => :seconds)
WHERE agency_id = :agency_id AND key = :key AND claim = :claim AND answer IS NULL RETURNING claim;

-- name: finish_claim^
-- In the accepting transaction: a claim that was lost meanwhile finds no row, and everything is rolled back.
UPDATE idempotency SET request_hash = :request_hash, exchange_id = :exchange_id, answer = :answer
WHERE agency_id = :agency_id AND key = :key AND claim = :claim AND answer IS NULL RETURNING claim;

-- name: drop_claim!
DELETE FROM idempotency WHERE agency_id = :agency_id AND key = :key AND claim = :claim AND answer IS NULL;

-- name: drop_open_claims!
-- Those of one process, or all of them.
DELETE FROM idempotency WHERE answer IS NULL AND (:claimed_by::text IS NULL OR claimed_by = :claimed_by);

-- name: purge_idempotency^
-- A batch of keys older than 72 hours; repeat while it removes some.
WITH old AS (
    SELECT agency_id, key FROM idempotency WHERE created_at < now() - interval '72 hours'
    ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM idempotency i USING old WHERE i.agency_id = old.agency_id AND i.key = old.key RETURNING 1
)
SELECT count(*) AS removed FROM gone;

-- name: outgoing_page
-- Newest first; identifiers sort by time.
SELECT * FROM exchange
WHERE agency_id = :agency_id AND direction = 'outward'
  AND id < coalesce(:after::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  AND (:state::text IS NULL OR state = :state)
ORDER BY id DESC LIMIT :limit;

-- name: holds_of_exchange
SELECT * FROM hold WHERE exchange_id = :exchange_id ORDER BY id;

-- name: statuses_sent
SELECT status_code, state, created_at FROM outgoing_package
WHERE exchange_id = :exchange_id AND kind = 'status' ORDER BY id;

-- name: timeline_page
-- Events of the exchange with its deliveries and packages, and of the package it was received in.
SELECT t.*, d.recipient_code FROM (
    SELECT * FROM event WHERE exchange_id = :exchange_id AND id > :after
    UNION ALL
    SELECT * FROM event WHERE exchange_id IS NULL AND id > :after
      AND subject_id = (SELECT incoming_package_id FROM exchange WHERE id = :exchange_id)
) t LEFT JOIN delivery d ON t.subject = 'delivery' AND d.id = t.subject_id
ORDER BY t.id LIMIT :limit;

-- name: arrivals_of_exchange
-- The first word of a receiver proves that it arrived: 03 may overtake 01.
SELECT subject_id, min(at) AS at FROM event
WHERE exchange_id = :exchange_id AND subject = 'delivery'
  AND to_state IN ('arrived', 'registered', 'assigned', 'processing', 'finished', 'refused') GROUP BY subject_id;

-- name: exchange_direction^
SELECT direction FROM exchange WHERE agency_id = :agency_id AND id = :id;

-- name: mailbox_page
SELECT sequence, kind, exchange_id, label, detail, created_at FROM mailbox_item
WHERE agency_id = :agency_id AND sequence > :after ORDER BY sequence LIMIT :limit;

-- name: package_of_incoming^
SELECT p.*, e.state AS exchange_state FROM exchange e JOIN incoming_package p ON p.id = e.incoming_package_id
WHERE e.agency_id = :agency_id AND e.id = :id AND e.direction = 'inward';

-- name: file_of_incoming^
SELECT f.*, e.state AS exchange_state FROM exchange_file f JOIN exchange e ON e.id = f.exchange_id
WHERE e.agency_id = :agency_id AND e.id = :id AND e.direction = 'inward' AND f.position = :position;

-- name: agency_page
-- The directory of every axis and the node's own agencies, valid on the day, in a fixed order. Each half walks its
-- index from the cursor on and ends with the page.
(SELECT axis, axis_id, code, code102, old_code, name, parent_id, email, valid_from, valid_to FROM directory
 WHERE (axis, axis_id) > (coalesce(:after_axis::text, ''), coalesce(:after_id::text, ''))
   AND valid_from <= :on_date AND (valid_to IS NULL OR valid_to >= :on_date)
   AND (:name_part::text IS NULL OR strpos(name_key, lower(:name_part)) > 0)
 ORDER BY axis, axis_id LIMIT :limit)
UNION ALL
(SELECT 'local', code, code, NULL, NULL, name, NULL, email, NULL, NULL FROM agency
 WHERE active AND ('local', code) > (coalesce(:after_axis::text, ''), coalesce(:after_id::text, ''))
   AND (:name_part::text IS NULL OR strpos(lower(name), lower(:name_part)) > 0)
 ORDER BY code LIMIT :limit)
ORDER BY axis, axis_id LIMIT :limit;

-- name: agency_page_of_code
-- The same, of what answers to a code (current, QCVN 102 or old): by the indexes of the codes.
SELECT * FROM (
    SELECT axis, axis_id, code, code102, old_code, name, parent_id, email, valid_from, valid_to FROM directory
    WHERE (code_key = upper(:code) OR code102_key = upper(:code) OR old_code_key = upper(:code))
      AND valid_from <= :on_date AND (valid_to IS NULL OR valid_to >= :on_date)
    UNION ALL
    SELECT 'local', code, code, NULL, NULL, name, NULL, email, NULL, NULL FROM agency
    WHERE active AND upper(code) = upper(:code)
) a
WHERE (:name_part::text IS NULL OR strpos(lower(a.name), lower(:name_part)) > 0)
  AND (a.axis, a.axis_id) > (coalesce(:after_axis::text, ''), coalesce(:after_id::text, ''))
ORDER BY a.axis, a.axis_id LIMIT :limit;

-- name: register_page
SELECT r.*, coalesce((SELECT array_agg(n.text ORDER BY n.id) FROM register_annotation n WHERE n.entry_id = r.id),
                     '{}') AS annotations
FROM register_entry r
WHERE r.agency_id = :agency_id AND r.direction = :direction AND r.book = :book AND r.year = :year
  AND r.id > coalesce(:after::uuid, '00000000-0000-0000-0000-000000000000')
ORDER BY r.id LIMIT :limit;

-- name: schema_step$
-- That it answers, and at which step of the schema it stands; null when it was emptied.
SELECT max(version_num) FROM alembic_version;
