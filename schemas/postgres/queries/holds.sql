-- Holds: why something waits for a person and what he decided.

-- name: open_hold^
INSERT INTO hold (id, agency_id, exchange_id, outgoing_package_id, incoming_package_id, work_id, code, reason, proposal)
VALUES (:id, :agency_id, :exchange_id, :outgoing_package_id, :incoming_package_id, :work_id, :code, :reason, :proposal)
ON CONFLICT DO NOTHING RETURNING id;

-- name: open_holds
SELECT h.*, e.direction, e.document_id, e.subject AS doc_subject, e.sender_code, e.code_number, e.code_notation
FROM hold h LEFT JOIN exchange e ON e.id = h.exchange_id
WHERE h.closed_at IS NULL AND h.id > coalesce(:after::uuid, '00000000-0000-0000-0000-000000000000')
ORDER BY h.id LIMIT :limit;

-- name: hold_by_id^
SELECT h.*, e.direction, e.document_id, e.subject AS doc_subject, e.sender_code, e.code_number, e.code_notation
FROM hold h LEFT JOIN exchange e ON e.id = h.exchange_id WHERE h.id = :id;

-- name: lock_hold^
SELECT * FROM hold WHERE id = :id FOR UPDATE;

-- name: close_hold!
UPDATE hold SET closed_at = now(), closed_by = :actor, closing = :closing, closing_reason = :reason
WHERE id = :id AND closed_at IS NULL;
