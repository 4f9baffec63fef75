-- Steps of the pipeline that end in one statement, which is their transaction: lease, state, what was made, events and
-- message together. Each answers no row, and changes nothing, when the lease is lost or the state is another one; the
-- caller then goes the long way, statement by statement, and learns why.

-- name: exchange_in_hand^
-- An outgoing document with its agency, files and deliveries.
SELECT e.*, a.code AS agency_code, a.name AS agency_name, a.in_charge, a.address, a.email, a.active,
    (SELECT jsonb_agg(jsonb_build_object('position', f.position, 'content_id', f.content_id, 'name', f.name,
            'description', f.description, 'content_type', f.content_type, 'sha256', f.sha256, 'size', f.size)
        ORDER BY f.position)
     FROM exchange_file f WHERE f.exchange_id = e.id) AS files,
    (SELECT jsonb_agg(jsonb_build_object('recipient_code', d.recipient_code, 'recipient_name', d.recipient_name,
            'axis', d.axis) ORDER BY d.recipient_code)
     FROM delivery d WHERE d.exchange_id = e.id) AS deliveries,
    EXISTS (SELECT FROM signing_case s WHERE s.exchange_id = e.id AND s.flow = 'PAPER_SCAN') AS digitised
FROM exchange e JOIN agency a ON a.id = e.agency_id
WHERE e.id = :id;

-- name: accept_document!
-- A new outgoing document: exchange, files, deliveries, their first events in this order, and the message.
WITH made AS (
    INSERT INTO exchange (id, agency_id, direction, origin, state, document_id, sender_code, sender_name, code_number,
        code_notation, promulgation_date, type_name, subject, priority, business_type, book, metadata, traceparent)
    VALUES (:id, :agency_id, 'outward', :origin, :state, :document_id, :sender_code, :sender_name, :code_number,
        :code_notation, :promulgation_date, :type_name, :doc_subject, :priority, :business_type, :book, :metadata,
        :traceparent)
    RETURNING id, agency_id
), filed AS (
    INSERT INTO exchange_file (exchange_id, agency_id, position, content_id, name, description, content_type, sha256,
        size)
    SELECT made.id, made.agency_id, f.position - 1, f.content_id, f.name, f.description, f.content_type, f.sha256,
        f.size
    FROM made, unnest(:content_ids::text[], :names::text[], :descriptions::text[], :content_types::text[],
        :digests::text[], :sizes::bigint[])
        WITH ORDINALITY AS f (content_id, name, description, content_type, sha256, size, position)
), delivered AS (
    INSERT INTO delivery (id, agency_id, exchange_id, recipient_code, recipient_name, axis, state)
    SELECT d.id, made.agency_id, made.id, d.code, d.name, d.axis, 'waiting'
    FROM made, unnest(:delivery_ids::uuid[], :recipient_codes::text[], :recipient_names::text[], :axes::text[])
        AS d (id, code, name, axis)
    RETURNING id
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor)
    SELECT made.agency_id, made.id, t.subject, t.id, '', t.to_state, :actor
    FROM made, (
        SELECT 'outward' AS subject, id, :state AS to_state, 0 AS place FROM made
        UNION ALL SELECT 'delivery', id, 'waiting', 1 FROM delivered
    ) AS t
    ORDER BY t.place, t.id
)
INSERT INTO outbox (id, topic, lane, key, type, source, subject, schema_version, traceparent, payload, occurred_at)
SELECT m.id, m.topic, m.lane, m.key, m.type, m.source, m.subject, m.schema_version, m.traceparent, m.payload,
    m.occurred_at
FROM made, jsonb_populate_recordset(NULL::outbox, :messages::jsonb) AS m;

-- name: finish_examination^
-- The examination was good: reports, verdict, state, event, message.
WITH held AS (
    SELECT id, key, position FROM work
    WHERE id = :work_id AND state || '' = 'leased' AND lease_owner = :work_owner AND attempts = :work_attempts
    FOR UPDATE
), moved AS (
    UPDATE exchange AS e SET state = 'examined', overall = :overall, legal_value = :legal_value,
        policy_id = :policy_id, updated_at = now()
    FROM held WHERE e.id = :exchange_id AND e.state = 'accepted' RETURNING e.id, e.agency_id
), done AS (
    UPDATE work AS w SET state = 'done', settled_at = now(), leased_until = NULL, lease_owner = NULL
    FROM held, moved WHERE w.id = held.id
), reported AS (
    UPDATE exchange_file AS f SET report = r.report
    FROM moved, unnest(:positions::int[], :reports::jsonb[]) AS r (position, report)
    WHERE f.exchange_id = moved.id AND f.position = r.position
), kept AS (
    INSERT INTO evidence (sha256, agency_id, exchange_id, position, file_sha256, overall, manifest, timestamps)
    SELECT v.sha256, moved.agency_id, moved.id, v.position, v.file_sha256, v.overall, v.manifest, v.timestamps
    FROM moved, jsonb_populate_recordset(NULL::evidence, :evidence::jsonb) AS v
    ON CONFLICT DO NOTHING
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor)
    SELECT agency_id, id, 'outward', id, 'accepted', 'examined', :actor FROM moved
), said AS (
    INSERT INTO outbox (id, topic, lane, key, type, source, subject, schema_version, traceparent, payload, occurred_at)
    SELECT m.id, m.topic, m.lane, m.key, m.type, m.source, m.subject, m.schema_version, m.traceparent, m.payload,
        m.occurred_at
    FROM moved, jsonb_populate_recordset(NULL::outbox, :messages::jsonb) AS m
)
SELECT (
    SELECT w.kind FROM work AS w
    WHERE w.key = held.key AND w.position > held.position AND w.state = 'ready' ORDER BY w.position LIMIT 1
) AS following
FROM held, moved;

-- name: finish_packaging^
-- Packages, their deliveries, state, events, register entry, messages. A number that another document has in the
-- register is refused by the register's own unique key.
WITH held AS (
    SELECT id, key, position FROM work
    WHERE id = :work_id AND state || '' = 'leased' AND lease_owner = :work_owner AND attempts = :work_attempts
    FOR UPDATE
), moved AS (
    UPDATE exchange AS e SET state = 'packaged', updated_at = now()
    FROM held WHERE e.id = :exchange_id AND e.state = 'examined'
    RETURNING e.id, e.agency_id, e.sender_code, e.document_id, e.subject
), done AS (
    UPDATE work AS w SET state = 'done', settled_at = now(), leased_until = NULL, lease_owner = NULL
    FROM held, moved WHERE w.id = held.id
), packages AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(:packages::jsonb)
        AS p (id uuid, axis text, receiver_codes text[], sha256 text, size bigint)
), queued AS (
    INSERT INTO outgoing_package (id, agency_id, exchange_id, kind, axis, state, sender_code, receiver_codes,
        document_id, notation, subject, lane, sha256, size)
    SELECT p.id, moved.agency_id, moved.id, 'edoc', p.axis, 'queued', moved.sender_code, p.receiver_codes,
        moved.document_id, :document_number, moved.subject, :lane, p.sha256, p.size
    FROM moved, packages AS p
    RETURNING id
), linked AS (
    UPDATE delivery AS d SET package_id = p.id, updated_at = now()
    FROM moved, packages AS p
    WHERE d.exchange_id = moved.id AND d.recipient_code = ANY(p.receiver_codes)
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor)
    SELECT moved.agency_id, moved.id, t.subject, t.id, t.from_state, t.to_state, :actor
    FROM moved, (
        SELECT 'outgoing_package' AS subject, id, '' AS from_state, 'queued' AS to_state, 0 AS place FROM queued
        UNION ALL SELECT 'outward', id, 'examined', 'packaged', 1 FROM moved
    ) AS t
    ORDER BY t.place, t.id
), said AS (
    INSERT INTO outbox (id, topic, lane, key, type, source, subject, schema_version, traceparent, payload, occurred_at)
    SELECT m.id, m.topic, m.lane, m.key, m.type, m.source, m.subject, m.schema_version, m.traceparent, m.payload,
        m.occurred_at
    FROM moved, jsonb_populate_recordset(NULL::outbox, :messages::jsonb) AS m
), entered AS (
    INSERT INTO register_entry (id, agency_id, direction, book, year, exchange_id, number, number_text, allotted,
        document_number, notation, document_date, type_name, subject, signer, recipients, keeper, copies,
        transferred_on, priority, note, entered_by)
    SELECT :entry_id, moved.agency_id, :direction, :book, :year, moved.id, :number, :number_text, :allotted,
        :document_number, :notation, :document_date, :type_name, moved.subject, :signer, :recipients, :keeper, :copies,
        :transferred_on, :priority, :note, :entered_by
    FROM moved
), raised AS (
    INSERT INTO register_counter (agency_id, direction, book, year, last)
    SELECT moved.agency_id, :direction, :book, :year, :number FROM moved WHERE :number::int IS NOT NULL
    ON CONFLICT (agency_id, direction, book, year) DO UPDATE SET last = excluded.last
        WHERE register_counter.last < excluded.last
)
SELECT (
    SELECT w.kind FROM work AS w
    WHERE w.key = held.key AND w.position > held.position AND w.state = 'ready' ORDER BY w.position LIMIT 1
) AS following
FROM held, moved;

-- name: finish_sending^
-- The axis has the package: outcome, state, deliveries, and the document when this is its only package; a document
-- with several is settled under its lock, the long way.
WITH held AS (
    SELECT id, key, position FROM work
    WHERE id = :work_id AND state || '' = 'leased' AND lease_owner = :work_owner AND attempts = :work_attempts
    FOR UPDATE
), moved AS (
    UPDATE outgoing_package AS p SET state = 'accepted', axis_doc_id = :axis_doc_id, sent_at = now(),
        unknown_checks = 0, updated_at = now()
    FROM held WHERE p.id = :package_id AND p.state = 'sending' AND (p.kind = 'status' OR NOT EXISTS (
        SELECT FROM outgoing_package AS other
        WHERE other.exchange_id = p.exchange_id AND other.kind = 'edoc' AND other.id <> p.id))
    RETURNING p.id, p.agency_id, p.exchange_id, p.kind
), done AS (
    UPDATE work AS w SET state = 'done', settled_at = now(), leased_until = NULL, lease_owner = NULL
    FROM held, moved WHERE w.id = held.id
), ended AS (
    INSERT INTO attempt_outcome (attempt_id, outcome, code, message, raw)
    SELECT :attempt_id, 'accepted', :code, :message, :raw FROM moved ON CONFLICT DO NOTHING
), sent AS (
    UPDATE delivery AS d SET state = 'sent', reason = NULL, state_time = now(), updated_at = now()
    FROM moved WHERE moved.kind = 'edoc' AND d.package_id = moved.id AND d.state = 'waiting' RETURNING d.id
), settled AS (
    UPDATE exchange AS e SET state = 'sent', updated_at = now()
    FROM moved WHERE moved.kind = 'edoc' AND e.id = moved.exchange_id AND e.state = 'packaged' RETURNING e.id
), told AS (
    INSERT INTO event (agency_id, exchange_id, subject, subject_id, from_state, to_state, actor)
    SELECT moved.agency_id, moved.exchange_id, t.subject, t.id, t.from_state, t.to_state, :actor
    FROM moved, (
        SELECT 'outgoing_package' AS subject, id, 'sending' AS from_state, 'accepted' AS to_state, 0 AS place FROM moved
        UNION ALL SELECT 'delivery', id, 'waiting', 'sent', 1 FROM sent
        UNION ALL SELECT 'outward', id, 'packaged', 'sent', 2 FROM settled
    ) AS t
    ORDER BY t.place, t.id
), said AS (
    INSERT INTO outbox (id, topic, lane, key, type, source, subject, schema_version, traceparent, payload, occurred_at)
    SELECT m.id, m.topic, m.lane, m.key, m.type, m.source, m.subject, m.schema_version, m.traceparent, m.payload,
        m.occurred_at
    FROM moved, jsonb_populate_recordset(NULL::outbox, :messages::jsonb) AS m
    WHERE moved.kind = 'edoc'
)
SELECT (
    SELECT w.kind FROM work AS w
    WHERE w.key = held.key AND w.position > held.position AND w.state = 'ready' ORDER BY w.position LIMIT 1
) AS following
FROM held, moved;

-- name: finish_fetching^
-- The bytes are stored: the received package with its event and message, once for each item of the axis (the transport
-- key makes a second reception of the same item nothing).
WITH held AS (
    SELECT id, key, position FROM work
    WHERE id = :work_id AND state || '' = 'leased' AND lease_owner = :work_owner AND attempts = :work_attempts
    FOR UPDATE
), done AS (
    UPDATE work AS w SET state = 'done', settled_at = now(), leased_until = NULL, lease_owner = NULL
    FROM held WHERE w.id = held.id
), made AS (
    INSERT INTO incoming_package (id, axis, receiver_doc_id, kind, state, listed_sender, listed_receiver, sha256, size)
    SELECT :id, :axis, :receiver_doc_id, :kind, 'received', :listed_sender, :listed_receiver, :sha256, :size FROM held
    ON CONFLICT (axis, receiver_doc_id) DO NOTHING RETURNING id
), told AS (
    INSERT INTO event (subject, subject_id, from_state, to_state, actor)
    SELECT 'incoming_package', id, '', 'received', :actor FROM made
), said AS (
    INSERT INTO outbox (id, topic, lane, key, type, source, subject, schema_version, traceparent, payload, occurred_at)
    SELECT m.id, m.topic, m.lane, m.key, m.type, m.source, m.subject, m.schema_version, m.traceparent, m.payload,
        m.occurred_at
    FROM made, jsonb_populate_recordset(NULL::outbox, :messages::jsonb) AS m
)
SELECT (
    SELECT w.kind FROM work AS w
    WHERE w.key = held.key AND w.position > held.position AND w.state = 'ready' ORDER BY w.position LIMIT 1
) AS following
FROM held;

-- name: finish_acknowledging^
WITH held AS (
    SELECT id, key, position FROM work
    WHERE id = :work_id AND state || '' = 'leased' AND lease_owner = :work_owner AND attempts = :work_attempts
    FOR UPDATE
), done AS (
    UPDATE work AS w SET state = 'done', settled_at = now(), leased_until = NULL, lease_owner = NULL
    FROM held WHERE w.id = held.id
), acknowledged AS (
    UPDATE incoming_package AS p SET acknowledged_at = now(), acknowledgements = p.acknowledgements + 1
    FROM held WHERE p.id = :id
)
SELECT (
    SELECT w.kind FROM work AS w
    WHERE w.key = held.key AND w.position > held.position AND w.state = 'ready' ORDER BY w.position LIMIT 1
) AS following
FROM held;
