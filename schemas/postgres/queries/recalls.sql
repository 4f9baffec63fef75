-- Documents that their senders take back.

-- name: documents_to_recall
-- What an agency has of a sender under this DocumentId, or under this số/ký hiệu and date; never a recall itself.
SELECT e.id FROM exchange e
WHERE e.agency_id = :agency_id AND e.direction = 'inward' AND e.business_type <> 1
  AND upper(e.sender_code) = ANY(:sender_keys::text[])
  AND (e.document_id = :document_id OR (:document_id::text IS NULL AND e.promulgation_date = :promulgation_date
      AND upper(e.code_number || '/' || e.code_notation) = upper(:code)))
ORDER BY e.id;

-- name: insert_recall!
INSERT INTO recall (id, agency_id, sender_code, document_id, route, incoming_package_id, reason, exchange_id, from_state)
VALUES (:id, :agency_id, :sender_code, :document_id, :route, :incoming_package_id, :reason, :exchange_id, :from_state);

-- name: recalls_ahead
-- Recalls that came before the document they name, whoever asked.
SELECT id, sender_code, reason FROM recall
WHERE agency_id = :agency_id AND document_id = :document_id AND exchange_id IS NULL ORDER BY id;

-- name: meet_recalls!
-- The document of these recalls has come.
UPDATE recall SET exchange_id = :exchange_id, from_state = ''
WHERE agency_id = :agency_id AND document_id = :document_id AND exchange_id IS NULL
  AND upper(sender_code) = ANY(:sender_keys::text[]);

-- name: answer_recalls!
UPDATE recall SET answer = :answer, answered_at = now(), answered_by = :actor, answer_reason = :reason
WHERE exchange_id = :exchange_id AND answer IS NULL;

-- name: open_recall^
-- The request that waits for an answer.
SELECT id, from_state FROM recall WHERE exchange_id = :exchange_id AND answer IS NULL ORDER BY id LIMIT 1;

-- name: last_recall^
SELECT route, sender_code, reason, asked_at, answer, answer_reason, answered_at FROM recall
WHERE exchange_id = :exchange_id ORDER BY id DESC LIMIT 1;

-- name: close_holds_of_inward!
-- Before the exchange is locked: whoever decides about a hold locks in this order.
UPDATE hold SET closed_at = now(), closed_by = :actor, closing = 'cancel', closing_reason = :reason
WHERE exchange_id = :exchange_id AND closed_at IS NULL AND work_id IS NULL AND outgoing_package_id IS NULL;
