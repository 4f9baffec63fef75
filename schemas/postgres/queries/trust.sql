-- Certificates met in documents, the register of certificates, evidence, notices of expiry.

-- name: certificates_seen!
-- Certificates whose path leads to the trust store, with their addresses; seen again: only the time moves on.
INSERT INTO certificate_seen (sha256, der, holder, authority, valid_from, valid_to, lists, responders)
SELECT sha256, der, holder, authority, valid_from, valid_to,
       ARRAY(SELECT jsonb_array_elements_text(addresses -> 'lists')),
       ARRAY(SELECT jsonb_array_elements_text(addresses -> 'responders'))
FROM unnest(:digests::text[], :contents::bytea[], :holders::text[], :authorities::boolean[], :froms::timestamptz[],
            :tos::timestamptz[], :addresses::jsonb[])
     AS seen (sha256, der, holder, authority, valid_from, valid_to, addresses)
ON CONFLICT (sha256) DO UPDATE SET last_seen = now();

-- name: certificates_to_watch
-- Whose revocation data are kept fresh: not over for long, and met within the last year.
SELECT sha256, der, holder, authority, lists, responders, last_seen FROM certificate_seen
WHERE valid_to > :now::timestamptz - interval '30 days' AND last_seen > :now::timestamptz - interval '400 days'
ORDER BY last_seen DESC LIMIT :limit;

-- name: seen_authorities
SELECT der FROM certificate_seen WHERE authority ORDER BY sha256 LIMIT 200;

-- name: certificates_of_agencies
-- The register's entries of these agencies.
SELECT sha256, agency_code, role, valid_from, valid_to FROM certificate WHERE upper(agency_code) = ANY(:keys::text[]);

-- name: certificates_named
-- Whosever these certificates are.
SELECT sha256, agency_code, role, valid_from, valid_to FROM certificate WHERE sha256 = ANY(:digests::text[]);

-- name: register_certificate^
-- A new entry, or the same one with what is said of it now; an entry that was ended stays ended.
INSERT INTO certificate (sha256, agency_code, role, holder, title, der, valid_from, valid_to, added_by)
VALUES (:sha256, :agency_code, :role, :holder, :title, :der, :valid_from, :valid_to, :actor)
ON CONFLICT (sha256, agency_code, role) DO UPDATE SET holder = excluded.holder, title = excluded.title,
    der = excluded.der, valid_from = excluded.valid_from, valid_to = excluded.valid_to
    WHERE certificate.ended_at IS NULL
RETURNING id;

-- name: certificate_page
SELECT id, sha256, agency_code, role, holder, title, valid_from, valid_to, added_by, added_at, ended_by, ended_at,
       end_reason
FROM certificate
WHERE id > :after AND (:agency::text IS NULL OR upper(agency_code) = upper(:agency::text))
ORDER BY id LIMIT :limit;

-- name: end_certificate
-- From then on the certificate is nobody's for new signatures; those made before stay what they were. An end can be
-- brought forward, never put off.
UPDATE certificate SET valid_to = least(valid_to, :at), ended_at = now(), ended_by = :actor, end_reason = :reason
WHERE sha256 = :sha256 AND (:agency::text IS NULL OR upper(agency_code) = upper(:agency::text))
  AND (ended_at IS NULL OR valid_to > :at)
RETURNING id, agency_code, role, holder;

-- name: insert_evidence!
-- Manifests of an exchange's files. The same verdict on the same data again is the same evidence.
INSERT INTO evidence (sha256, agency_id, exchange_id, position, file_sha256, overall, manifest, timestamps)
SELECT v.sha256, :agency_id, :exchange_id, v.position, v.file_sha256, v.overall, v.manifest, v.timestamps
FROM jsonb_populate_recordset(NULL::evidence, :evidence::jsonb) AS v
ON CONFLICT DO NOTHING;

-- name: evidence_of_file^
SELECT sha256, manifest, timestamps FROM evidence WHERE file_sha256 = :file_sha256 ORDER BY made_at DESC LIMIT 1;

-- name: evidence_of_exchange^
SELECT sha256, manifest, timestamps FROM evidence
WHERE agency_id = :agency_id AND exchange_id = :exchange_id AND position = :position ORDER BY made_at DESC LIMIT 1;

-- name: holds_to_judge_again
-- Documents held for want of revocation data, oldest first, and when their files reached the node.
SELECT h.id, h.exchange_id, coalesce(p.received_at, e.created_at) AS received_at
FROM hold h JOIN exchange e ON e.id = h.exchange_id LEFT JOIN incoming_package p ON p.id = e.incoming_package_id
WHERE h.closed_at IS NULL AND h.outgoing_package_id IS NULL AND h.incoming_package_id IS NULL AND h.work_id IS NULL
  AND e.state = 'held' AND h.code = ANY(:codes::text[])
ORDER BY h.since, h.id LIMIT :limit;

-- name: restate_hold!
-- The same hold, for what is known now.
UPDATE hold SET code = :code, reason = :reason, proposal = :proposal WHERE id = :id AND closed_at IS NULL;

-- name: certificates_met
-- Certificates of the last year that are still in force, or have just ended.
SELECT sha256, der, holder, valid_to FROM certificate_seen
WHERE NOT authority AND valid_to > :now::timestamptz - interval '30 days'
  AND last_seen > :now::timestamptz - interval '400 days'
ORDER BY last_seen DESC LIMIT :limit;

-- name: registered_terms
-- Terms of the register's entries that nobody ended.
SELECT sha256, agency_code, holder, valid_to FROM certificate WHERE valid_to IS NOT NULL AND ended_at IS NULL
ORDER BY valid_to;

-- name: insert_notice^
-- One notice for each term and number of days; none when it was given.
INSERT INTO expiry_notice (subject, expires_at, days) VALUES (:subject, :expires_at, :days)
ON CONFLICT DO NOTHING RETURNING subject;
