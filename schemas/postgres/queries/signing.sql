-- Signing cases, sessions, tickets and signatures: every state change also writes its event, in one statement.

-- name: signing_case_of_key^
SELECT * FROM signing_case WHERE agency_id = :agency_id AND request_key = :request_key;

-- name: insert_signing_case^
-- A new case with its first event; none when the key was used before.
WITH made AS (
    INSERT INTO signing_case (id, agency_id, request_key, request_hash, flow, state, book, notation, type_name, subject,
        request, profile, initials, number, document_date, reservation, created_by)
    VALUES (:id, :agency_id, :request_key, :request_hash, :flow, :state, :book, :notation, :type_name, :doc_subject,
        :request, :profile, :initials, :number, :document_date, :reservation, :actor)
    ON CONFLICT (agency_id, request_key) DO NOTHING RETURNING id, agency_id
), told AS (
    INSERT INTO event (agency_id, subject, subject_id, from_state, to_state, actor)
    SELECT agency_id, 'signing_case', id, '', :state, :actor FROM made
)
SELECT id FROM made;

-- name: insert_signing_files!
INSERT INTO signing_file (case_id, agency_id, position, kind, name, description, content_type, revision, sha256, size)
SELECT :case_id, :agency_id, position - 1, kind, name, description, content_type, revision, sha256, size
FROM unnest(:kinds::text[], :names::text[], :descriptions::text[], :content_types::text[], :revisions::int[],
            :digests::text[], :sizes::bigint[])
     WITH ORDINALITY AS f (kind, name, description, content_type, revision, sha256, size, position);

-- name: insert_signing_revision!
INSERT INTO signing_revision (case_id, position, revision, agency_id, step, sha256, size, actor)
VALUES (:case_id, :position, :revision, :agency_id, :step, :sha256, :size, :actor);

-- name: signing_case_by_id^
SELECT * FROM signing_case WHERE id = :id AND agency_id = :agency_id;

-- name: lock_signing_case^
SELECT * FROM signing_case WHERE id = :id AND agency_id = :agency_id FOR NO KEY UPDATE;

-- name: signing_case_page
-- Newest first; identifiers sort by time.
SELECT * FROM signing_case
WHERE agency_id = :agency_id AND (:after::uuid IS NULL OR id < :after) AND (:state::text IS NULL OR state = :state)
ORDER BY id DESC LIMIT :limit;

-- name: signing_files
SELECT * FROM signing_file WHERE case_id = :case_id ORDER BY position;

-- name: signing_revisions
SELECT * FROM signing_revision WHERE case_id = :case_id ORDER BY position, revision;

-- name: signatures_of_case
SELECT * FROM signature_made WHERE case_id = :case_id ORDER BY id;

-- name: events_of_signing_case
SELECT * FROM event WHERE subject = 'signing_case' AND subject_id = :case_id ORDER BY id LIMIT 200;

-- name: move_signing_case^
WITH moved AS (
    UPDATE signing_case SET state = :to_state, updated_at = now()
    WHERE id = :id AND state = :from_state RETURNING id, agency_id
), told AS (
    INSERT INTO event (agency_id, subject, subject_id, from_state, to_state, actor, reason, detail)
    SELECT agency_id, 'signing_case', id, :from_state, :to_state, :actor, :reason, :detail FROM moved
)
SELECT id FROM moved;

-- name: renew_signing_file^
-- The next revision takes the place of the one it was made from, and of no other.
UPDATE signing_file SET revision = revision + 1, sha256 = :after_sha256, size = :size,
    agency_signed = agency_signed OR :agency_signed, report = :report
WHERE case_id = :case_id AND position = :position AND sha256 = :before_sha256 RETURNING revision;

-- name: count_initials!
UPDATE signing_case SET initials_made = initials_made + 1 WHERE id = :id;

-- name: check_signing_form!
UPDATE signing_case SET form_checked_by = :actor, form_checked_at = now(), updated_at = now() WHERE id = :id;

-- name: last_number^
-- What the next allotted number follows; not a promise, only the counter row's lock is one.
SELECT last FROM register_counter
WHERE agency_id = :agency_id AND direction = 'outgoing' AND book = :book AND year = :year;

-- name: give_signing_number!
UPDATE signing_case SET number = :number, document_date = :document_date, reservation = :reservation, updated_at = now()
WHERE id = :id;

-- name: release_signing_case!
UPDATE signing_case SET exchange_id = :exchange_id WHERE id = :id;

-- name: insert_signature!
INSERT INTO signature_made (id, agency_id, case_id, position, step, session_id, ticket_id, holder, certificate_sha256,
    capacity, field, level, before_sha256, after_sha256, signing_time)
VALUES (:id, :agency_id, :case_id, :position, :step, :session_id, :ticket_id, :holder, :certificate_sha256,
    :capacity, :field, :level, :before_sha256, :after_sha256, :signing_time);

-- name: holder_certificate^
-- Whose certificate it is, for this agency, role and moment.
SELECT sha256, holder, valid_from, valid_to FROM certificate
WHERE sha256 = :sha256 AND upper(agency_code) = upper(:agency_code) AND role = :role
  AND valid_from <= :at AND (valid_to IS NULL OR valid_to > :at);

-- name: set_signing_picture!
INSERT INTO signing_picture (agency_id, certificate_sha256, sha256, size, set_by)
VALUES (:agency_id, :certificate_sha256, :sha256, :size, :actor)
ON CONFLICT (agency_id, certificate_sha256)
DO UPDATE SET sha256 = excluded.sha256, size = excluded.size, set_by = excluded.set_by, set_at = now();

-- name: signing_picture^
SELECT * FROM signing_picture WHERE agency_id = :agency_id AND certificate_sha256 = :certificate_sha256;

-- name: insert_signing_session!
INSERT INTO signing_session (id, agency_id, role, holder, certificate_sha256, module, token_serial, instance, opened_by,
    opened_at, expires_at)
VALUES (:id, :agency_id, :role, :holder, :certificate_sha256, :module, :token_serial, :instance, :actor, :opened_at,
    :expires_at);

-- name: insert_session_cases!
INSERT INTO signing_session_case (session_id, case_id, agency_id)
SELECT :session_id, case_id, :agency_id FROM unnest(:case_ids::uuid[]) AS c (case_id);

-- name: known_cases
SELECT id FROM signing_case WHERE agency_id = :agency_id AND id = ANY(:case_ids::uuid[]);

-- name: signing_session_by_id^
SELECT * FROM signing_session WHERE id = :id AND agency_id = :agency_id;

-- name: cases_of_session
SELECT c.* FROM signing_session_case s JOIN signing_case c ON c.id = s.case_id
WHERE s.session_id = :session_id ORDER BY c.id;

-- name: close_signing_session^
UPDATE signing_session SET closed_at = now(), closing = :closing
WHERE id = :id AND closed_at IS NULL RETURNING id;

-- name: sessions_lost$
-- Sessions of this process that lost their token within the last hour.
SELECT count(*) FROM signing_session
WHERE instance = :instance AND closing = 'token' AND closed_at > now() - interval '1 hour';

-- name: close_sessions_of_instance!
-- The process that held their tokens is gone, and the PIN with it.
UPDATE signing_session SET closed_at = now(), closing = 'restart' WHERE instance = :instance AND closed_at IS NULL;

-- name: insert_signing_ticket!
INSERT INTO signing_ticket (id, agency_id, case_id, step, channel, secret_sha256, certificate_sha256, holder,
    created_by, created_at, expires_at)
VALUES (:id, :agency_id, :case_id, :step, :channel, :secret_sha256, :certificate_sha256, :holder, :actor, :created_at,
    :expires_at);

-- name: insert_ticket_files!
INSERT INTO signing_ticket_file (ticket_id, position, before_sha256)
SELECT :ticket_id, position, sha256 FROM unnest(:positions::int[], :digests::text[]) AS f (position, sha256);

-- name: cancel_open_tickets!
-- A new ticket for a step takes the place of the ones before it.
UPDATE signing_ticket SET closed_at = now(), closing = 'cancelled'
WHERE case_id = :case_id AND step = :step AND closed_at IS NULL;

-- name: signing_ticket_by_secret^
SELECT * FROM signing_ticket WHERE secret_sha256 = :secret_sha256;

-- name: ticket_files
SELECT t.*, f.name, f.kind, f.sha256, f.size, f.content_type FROM signing_ticket_file t
JOIN signing_ticket k ON k.id = t.ticket_id
JOIN signing_file f ON f.case_id = k.case_id AND f.position = t.position
WHERE t.ticket_id = :ticket_id ORDER BY t.position;

-- name: begin_ticket_file^
UPDATE signing_ticket_file SET state = 'begun', begun = :begun, begun_at = now()
WHERE ticket_id = :ticket_id AND position = :position AND state <> 'done' RETURNING position;

-- name: finish_ticket_file^
-- Once: a second signature for the same place finds no row.
UPDATE signing_ticket_file SET state = 'done', done_at = now()
WHERE ticket_id = :ticket_id AND position = :position AND state <> 'done' RETURNING position;

-- name: close_finished_ticket!
UPDATE signing_ticket SET closed_at = now(), closing = 'used'
WHERE id = :id AND closed_at IS NULL
  AND NOT EXISTS (SELECT FROM signing_ticket_file f WHERE f.ticket_id = signing_ticket.id AND f.state <> 'done');
