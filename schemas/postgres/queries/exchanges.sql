-- Exchanges, files, packages, deliveries, attempts: every state change also writes its event, in one statement.

-- name: agency_by_id^
SELECT id, code, name, in_charge, address, email FROM agency WHERE id = :agency_id AND active;

-- name: own_agencies
SELECT id, code, name, in_charge, address, email FROM agency WHERE active ORDER BY code;

-- name: insert_exchange^
-- A new exchange with its first event; its row.
WITH made AS (
    INSERT INTO exchange (id, agency_id, direction, origin, state, document_id, sender_code, sender_name, code_number,
        code_notation, promulgation_date, type_name, subject, priority, business_type, book, metadata, content_digest,
        overall, legal_value, policy_id, incoming_package_id, traceparent)
    VALUES (:id, :agency_id, :direction, :origin, :state, :document_id, :sender_code, :sender_name, :code_number,
        :code_notation, :promulgation_date, :type_name, :doc_subject, :priority, :business_type, :book, :metadata,
        :content_digest, :overall, :legal_value, :policy_id, :incoming_package_id, :traceparent)
    RETURNING *
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor, reason)
    SELECT agency_id, id, :event_subject, id, '', :state, :actor, :reason FROM made
)
SELECT * FROM made;

-- name: insert_exchange_files!
INSERT INTO exchange_file (exchange_id, agency_id, position, content_id, name, description, content_type, sha256, size, report)
SELECT :exchange_id, :agency_id, position - 1, content_id, name, description, content_type, sha256, size, report
FROM unnest(:content_ids::text[], :names::text[], :descriptions::text[], :content_types::text[], :digests::text[],
            :sizes::bigint[], :reports::jsonb[])
     WITH ORDINALITY AS f (content_id, name, description, content_type, sha256, size, report, position);

-- name: number_in_use^
-- The document that already has this số and ký hiệu in the book and year.
SELECT id, state FROM exchange
WHERE agency_id = :agency_id AND direction = 'outward' AND book = :book AND business_type <> 2 AND state <> 'cancelled'
  AND extract(year FROM promulgation_date) = :year
  AND upper(code_number) = upper(:number) AND upper(code_notation) = upper(:notation);

-- name: exchange_by_id^
SELECT * FROM exchange WHERE id = :id;

-- name: exchange_of_agency^
SELECT * FROM exchange WHERE id = :id AND agency_id = :agency_id AND direction = :direction;

-- name: lock_exchange^
-- NO KEY: rows that refer to the exchange may be written meanwhile by others.
SELECT * FROM exchange WHERE id = :id FOR NO KEY UPDATE;

-- name: files_of_exchange
SELECT * FROM exchange_file WHERE exchange_id = :exchange_id ORDER BY position;

-- name: deliveries_of_exchange
SELECT * FROM delivery WHERE exchange_id = :exchange_id ORDER BY recipient_code;

-- name: move_exchange^
WITH moved AS (
    UPDATE exchange SET state = :to_state, updated_at = now()
    WHERE id = :id AND state = :from_state RETURNING id, agency_id
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor, reason)
    SELECT agency_id, id, :subject, id, :from_state, :to_state, :actor, :reason FROM moved
)
SELECT id FROM moved;

-- name: save_reports!
UPDATE exchange_file AS f SET report = r.report
FROM unnest(:positions::int[], :reports::jsonb[]) AS r (position, report)
WHERE f.exchange_id = :exchange_id AND f.position = r.position;

-- name: save_verdict!
UPDATE exchange SET overall = :overall, legal_value = :legal_value, policy_id = :policy_id, updated_at = now()
WHERE id = :id;

-- name: insert_outgoing_package!
WITH made AS (
    INSERT INTO outgoing_package (id, agency_id, exchange_id, kind, axis, state, sender_code, receiver_codes,
        document_id, notation, subject, status_code, lane, sha256, size)
    VALUES (:id, :agency_id, :exchange_id, :kind, :axis, 'queued', :sender_code, :receiver_codes, :document_id,
        :notation, :doc_subject, :status_code, :lane, :sha256, :size)
    RETURNING id
)
INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor)
SELECT :agency_id, :exchange_id, 'outgoing_package', id, '', 'queued', :actor FROM made;

-- name: status_already_sent^
SELECT id FROM outgoing_package WHERE exchange_id = :exchange_id AND kind = 'status' AND status_code = :status_code;

-- name: link_deliveries!
UPDATE delivery SET package_id = :package_id, updated_at = now()
WHERE exchange_id = :exchange_id AND recipient_code = ANY(:codes::text[]);

-- name: package_by_id^
SELECT * FROM outgoing_package WHERE id = :id;

-- name: packages_of_exchange
SELECT * FROM outgoing_package WHERE exchange_id = :exchange_id ORDER BY id;

-- name: move_package^
WITH moved AS (
    UPDATE outgoing_package SET state = :to_state, updated_at = now()
    WHERE id = :id AND state = :from_state RETURNING id, agency_id, exchange_id
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor, reason)
    SELECT agency_id, exchange_id, 'outgoing_package', id, :from_state, :to_state, :actor, :reason FROM moved
)
SELECT id FROM moved;

-- name: begin_attempt^
-- The attempt is written and committed before the axis is called; a crash leaves it without an outcome. The package,
-- and what leave for the call there is (queue/channels.py); nothing while the channel is not closed.
WITH way AS (
    SELECT coalesce(max(c.generation), 0) AS generation, coalesce(bool_or(c.failures > 0), false) AS troubled
    FROM channel AS c WHERE c.name = :channel HAVING coalesce(bool_and(c.state = 'closed'), true)
), before AS (
    SELECT p.id, p.state FROM outgoing_package AS p, way
    WHERE p.id = :id AND p.state = ANY(:from_states::text[]) FOR NO KEY UPDATE OF p
), moved AS (
    UPDATE outgoing_package AS p SET state = 'sending', attempts = p.attempts + 1, updated_at = now()
    FROM before WHERE p.id = before.id RETURNING p.*, before.state AS from_state
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor)
    SELECT agency_id, exchange_id, 'outgoing_package', id, from_state, 'sending', :actor FROM moved
), begun AS (
    INSERT INTO attempt (id, agency_id, package_id, number)
    SELECT :attempt_id, agency_id, id, attempts FROM moved
)
SELECT moved.*, way.generation AS channel_generation, way.troubled AS channel_troubled FROM moved, way;

-- name: excuse_attempt!
-- The way was at fault: this attempt does not count.
UPDATE outgoing_package SET excused = excused + 1 WHERE id = :id;

-- name: open_attempt^
-- The attempt of which no outcome was recorded.
SELECT a.id, a.number, a.started_at FROM attempt a
LEFT JOIN attempt_outcome o ON o.attempt_id = a.id
WHERE a.package_id = :package_id AND o.attempt_id IS NULL ORDER BY a.number DESC LIMIT 1;

-- name: first_attempt_at$
SELECT min(started_at) FROM attempt WHERE package_id = :package_id;

-- name: end_attempt!
INSERT INTO attempt_outcome (attempt_id, outcome, code, message, raw)
VALUES (:attempt_id, :outcome, :code, :message, :raw) ON CONFLICT DO NOTHING;

-- name: package_accepted!
UPDATE outgoing_package SET axis_doc_id = :axis_doc_id, sent_at = now(), unknown_checks = 0 WHERE id = :id;

-- name: count_unknown_check$
UPDATE outgoing_package SET unknown_checks = unknown_checks + 1 WHERE id = :id RETURNING unknown_checks;

-- name: reset_unknown_checks!
UPDATE outgoing_package SET unknown_checks = 0 WHERE id = :id;

-- name: move_deliveries!
-- All deliveries of a package that stand in the given state.
WITH moved AS (
    UPDATE delivery SET state = :to_state, reason = :reason, state_time = now(), updated_at = now()
    WHERE package_id = :package_id AND state = :from_state RETURNING id, agency_id, exchange_id
)
INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor, reason)
SELECT agency_id, exchange_id, 'delivery', id, :from_state, :to_state, :actor, :reason FROM moved;

-- name: refuse_deliveries!
-- The axis refused the package: those it named for its reason, the others for being in it.
WITH moved AS (
    UPDATE delivery SET state = 'undeliverable', state_time = now(), updated_at = now(),
        reason = CASE WHEN upper(recipient_code) = ANY(:named::text[]) THEN :reason::text ELSE :with_others::text END
    WHERE package_id = :package_id AND state = 'waiting' RETURNING id, agency_id, exchange_id, reason
)
INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor, reason)
SELECT agency_id, exchange_id, 'delivery', id, 'waiting', 'undeliverable', :actor, reason FROM moved;

-- name: cancel_deliveries!
WITH moved AS (
    UPDATE delivery SET state = 'cancelled', reason = :reason, state_time = now(), updated_at = now()
    WHERE exchange_id = :exchange_id AND state = 'waiting' RETURNING id, agency_id, exchange_id
)
INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor, reason)
SELECT agency_id, exchange_id, 'delivery', id, 'waiting', 'cancelled', :actor, :reason FROM moved;

-- name: move_delivery^
WITH moved AS (
    UPDATE delivery SET state = :to_state, reason = :reason, state_time = :state_time, updated_at = now()
    WHERE id = :id AND state = :from_state RETURNING id, agency_id, exchange_id
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor, reason)
    SELECT agency_id, exchange_id, 'delivery', id, :from_state, :to_state, :actor, :reason FROM moved
)
SELECT id FROM moved;

-- name: save_transport_state!
UPDATE delivery SET receiver_doc_id = coalesce(:receiver_doc_id, receiver_doc_id), transport_state = :transport_state,
    updated_at = now()
WHERE package_id = :package_id AND recipient_code = :recipient_code;

-- name: packages_still_open$
-- Document packages of an exchange whose sending is not decided yet.
SELECT count(*) FROM outgoing_package
WHERE exchange_id = :exchange_id AND kind = 'edoc'
  AND state IN ('queued', 'sending', 'retry_wait', 'unknown', 'suspended', 'held');

-- name: packages_taken$
SELECT count(*) FROM outgoing_package
WHERE exchange_id = :exchange_id AND kind = 'edoc' AND state IN ('accepted', 'delivered', 'delivery_failed');
