-- Received packages, statuses, mailbox.

-- name: known_items
-- Which of the listed items are already stored, and whether a fetch is already asked for.
SELECT receiver_doc_id, id, state, acknowledged_at FROM incoming_package
WHERE axis = :axis AND receiver_doc_id = ANY(:receiver_doc_ids::text[]);

-- name: incoming_by_id^
SELECT * FROM incoming_package WHERE id = :id;

-- name: move_incoming^
WITH moved AS (
    UPDATE incoming_package SET state = :to_state, note = :reason, findings = coalesce(:findings, findings)
    WHERE id = :id AND state = :from_state RETURNING id
), told AS (
    INSERT INTO event (subject, subject_id, from_state, to_state, actor, reason)
    SELECT 'incoming_package', id, :from_state, :to_state, :actor, :reason FROM moved
)
SELECT id FROM moved;

-- name: lock_document^
SELECT pg_advisory_xact_lock(hashtextextended(:key, 0));

-- name: business_twins
-- What this agency already has under the business key without the content digest.
SELECT id, content_digest, state FROM exchange
WHERE agency_id = :agency_id AND direction = 'inward' AND upper(sender_code) = upper(:sender_code)
  AND document_id = :document_id AND business_type = :business_type;

-- name: agencies_that_have
-- Which of these agencies already have exactly this document; once it is so it stays so.
SELECT DISTINCT agency_id FROM exchange
WHERE agency_id = ANY(:agency_ids::uuid[]) AND direction = 'inward' AND upper(sender_code) = upper(:sender_code)
  AND document_id = :document_id AND business_type = :business_type AND content_digest = :content_digest;

-- name: insert_mailbox_item!
-- Locks the agency's counter until the delivering transaction ends: nothing appears behind a cursor handed out.
WITH next AS (
    INSERT INTO mailbox_counter (agency_id, last) VALUES (:agency_id, 1)
    ON CONFLICT (agency_id) DO UPDATE SET last = mailbox_counter.last + 1 RETURNING agency_id, last
)
INSERT INTO mailbox_item (agency_id, sequence, kind, exchange_id, label, detail)
SELECT agency_id, last, :kind, :exchange_id, :label, :detail FROM next;

-- name: outward_by_document_id
-- Outgoing documents of ours with this DocumentId (an update package shares it with its document).
SELECT e.id, e.agency_id, e.sender_code, e.business_type FROM exchange e
WHERE e.direction = 'outward' AND e.document_id = :document_id ORDER BY e.id DESC;

-- name: outward_by_code
-- Second way to match a status (axis.md 7.3): addressee, số/ký hiệu and date.
SELECT e.id, e.agency_id, e.sender_code, e.business_type FROM exchange e
WHERE e.direction = 'outward' AND e.promulgation_date = :promulgation_date
  AND upper(e.code_number || '/' || e.code_notation) = upper(:code) ORDER BY e.id DESC;

-- name: deliveries_for_update
SELECT * FROM delivery WHERE exchange_id = :exchange_id ORDER BY id FOR UPDATE;

-- name: insert_status_entry^
INSERT INTO status_entry (id, agency_id, exchange_id, delivery_id, incoming_package_id, from_code, status_code,
    description, staff, stamped_at)
VALUES (:id, :agency_id, :exchange_id, :delivery_id, :incoming_package_id, :from_code, :status_code, :description,
    :staff, :stamped_at)
ON CONFLICT DO NOTHING RETURNING id;

-- name: park_status!
INSERT INTO orphan_status (incoming_package_id, from_code, addressee, document_id, code, promulgation_date, status_code)
VALUES (:incoming_package_id, :from_code, :addressee, :document_id, :code, :promulgation_date, :status_code)
ON CONFLICT DO NOTHING;

-- name: settle_orphan!
UPDATE orphan_status SET settled_at = now() WHERE incoming_package_id = :incoming_package_id;

-- name: orphans_to_match
-- Parked statuses whose document is known by now; a status is matched again for 180 days (axis.md 8.3). A parked 13 that
-- names no DocumentId waits for a document of its sender.
SELECT o.incoming_package_id, p.axis FROM orphan_status o
JOIN incoming_package p ON p.id = o.incoming_package_id
WHERE o.settled_at IS NULL AND o.parked_at > now() - interval '180 days' AND (EXISTS (
    SELECT 1 FROM exchange e WHERE e.direction = 'outward' AND (e.document_id = o.document_id
        OR (e.promulgation_date = o.promulgation_date
            AND upper(e.code_number || '/' || e.code_notation) = upper(o.code))))
  OR (o.status_code = '13' AND o.document_id IS NULL AND EXISTS (
    SELECT 1 FROM exchange e JOIN agency a ON a.id = e.agency_id
    WHERE e.direction = 'inward' AND upper(a.code) = upper(o.addressee) AND upper(e.sender_code) = upper(o.from_code)
      AND e.promulgation_date = o.promulgation_date
      AND upper(e.code_number || '/' || e.code_notation) = upper(o.code))))
LIMIT 100;
