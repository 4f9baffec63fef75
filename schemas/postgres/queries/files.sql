-- What names a file of the store, what is set aside, what the scrub found, where the rounds are.

-- name: installation^
SELECT id::text AS id FROM installation;

-- name: file_references
-- How many rows name each of these files.
SELECT owner, sha256, rows FROM file_references(:owners::uuid[], :digests::text[]);

-- name: file_named_by
-- Which rows name one file, over all owners.
SELECT owner.id AS owner, owner.code AS agency_code, named.named_by, count(*) AS rows
FROM (SELECT id, code FROM agency UNION ALL SELECT '00000000-0000-0000-0000-000000000000', NULL) AS owner,
     LATERAL (SELECT named_by FROM file_reference WHERE file_reference.owner = owner.id AND sha256 = :sha256
              UNION ALL
              SELECT 'evidence' FROM evidence WHERE owner.id = '00000000-0000-0000-0000-000000000000'
                 AND evidence_objects(manifest) @> ARRAY[:sha256]) AS named
GROUP BY 1, 2, 3 ORDER BY 1, 3;

-- name: note_aside!
-- Before the bytes go out of sight. Seen again: the wait begins anew.
INSERT INTO file_aside (owner, sha256, size, since)
SELECT owner, sha256, size, :now
FROM unnest(:owners::uuid[], :digests::text[], :sizes::bigint[]) AS file (owner, sha256, size)
ON CONFLICT (owner, sha256) DO UPDATE SET since = excluded.since;

-- name: note_found_aside!
-- Bytes out of sight that no row tells of (the database is an older copy): they wait from now.
INSERT INTO file_aside (owner, sha256, size, since)
SELECT owner, sha256, size, :now
FROM unnest(:owners::uuid[], :digests::text[], :sizes::bigint[]) AS file (owner, sha256, size)
ON CONFLICT (owner, sha256) DO NOTHING;

-- name: aside_page
SELECT owner, sha256, size, since FROM file_aside
WHERE (owner, sha256) > (:owner::uuid, :sha256) ORDER BY owner, sha256 LIMIT :limit;

-- name: forget_aside!
DELETE FROM file_aside WHERE owner = :owner AND sha256 = :sha256;

-- name: end_aside$
-- The row is locked until the bytes are gone; who sets the same bytes aside again waits, and then notes them anew.
DELETE FROM file_aside WHERE owner = :owner AND sha256 = :sha256 AND since = :since RETURNING true;

-- name: aside_count^
SELECT count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes FROM file_aside;

-- name: note_fault!
INSERT INTO file_fault (owner, sha256, kind, found_at, seen_at) VALUES (:owner, :sha256, :kind, :now, :now)
ON CONFLICT (owner, sha256) DO UPDATE SET kind = excluded.kind, seen_at = excluded.seen_at;

-- name: forget_fault!
DELETE FROM file_fault WHERE owner = :owner AND sha256 = :sha256;

-- name: file_faults
-- What is missing or damaged, with the documents it belongs to.
SELECT fault.owner, agency.code AS agency_code, fault.sha256, fault.kind, fault.found_at, fault.seen_at,
       (SELECT rows FROM file_references(ARRAY[fault.owner], ARRAY[fault.sha256])) AS rows,
       ARRAY(SELECT DISTINCT file.exchange_id FROM exchange_file AS file
              WHERE file.agency_id = fault.owner AND file.sha256 = fault.sha256 LIMIT 20) AS exchanges
FROM file_fault AS fault LEFT JOIN agency ON agency.id = fault.owner
WHERE (fault.owner, fault.sha256) > (:owner::uuid, :sha256) ORDER BY fault.owner, fault.sha256 LIMIT :limit;

-- name: fault_count$
SELECT count(*) FROM file_fault;

-- name: file_rounds
SELECT kind, owner, sha256, started_at, ended_at, files, bytes, report FROM file_round ORDER BY kind;

-- name: file_round^
SELECT owner, sha256, started_at, ended_at, files, bytes FROM file_round WHERE kind = :kind;

-- name: begin_file_round!
INSERT INTO file_round (kind, started_at) VALUES (:kind, :now)
ON CONFLICT (kind) DO UPDATE SET owner = '', sha256 = '', started_at = excluded.started_at, files = 0, bytes = 0;

-- name: go_on_with_round!
UPDATE file_round SET owner = :owner, sha256 = :sha256, files = files + :files, bytes = bytes + :bytes
WHERE kind = :kind;

-- name: end_file_round!
UPDATE file_round SET owner = '', sha256 = '', ended_at = :now, report = :report WHERE kind = :kind;

-- name: named_files_page
-- Keys that rows of documents name, in order: what the scrub expects to find.
SELECT owner, sha256 FROM (
    (SELECT DISTINCT '00000000-0000-0000-0000-000000000000'::uuid AS owner, sha256 FROM incoming_package
      WHERE :owner::uuid = '00000000-0000-0000-0000-000000000000' AND sha256 > :sha256 ORDER BY 2 LIMIT :limit)
    UNION
    (SELECT DISTINCT agency_id, sha256 FROM exchange_file WHERE (agency_id, sha256) > (:owner::uuid, :sha256)
      ORDER BY 1, 2 LIMIT :limit)
    UNION
    (SELECT DISTINCT agency_id, sha256 FROM outgoing_package WHERE (agency_id, sha256) > (:owner::uuid, :sha256)
      ORDER BY 1, 2 LIMIT :limit)
    UNION
    (SELECT DISTINCT agency_id, sha256 FROM signing_revision WHERE (agency_id, sha256) > (:owner::uuid, :sha256)
      ORDER BY 1, 2 LIMIT :limit)
    UNION
    (SELECT DISTINCT agency_id, sha256 FROM signing_picture WHERE (agency_id, sha256) > (:owner::uuid, :sha256)
      ORDER BY 1, 2 LIMIT :limit)
) AS named ORDER BY owner, sha256 LIMIT :limit;
