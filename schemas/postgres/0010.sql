-- What names a file of the store; what the sweep has set aside; what the scrub has found. PostgreSQL 15 level.

-- Digests of the objects that a manifest names (evidence lies in the store as the node's own, by digest).
CREATE FUNCTION evidence_objects(manifest text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT digest #>> '{}'), '{}')
      FROM jsonb_path_query(manifest::jsonb -> 'objects', 'strict $.** ? (@.type() == "string")') AS digest
$$;

-- Every row that names bytes of the file store, by whose they are. The node's own have the owner of zeros. What
-- manifests name is not in here, because no view could find it by an index: file_references knows both.
CREATE VIEW file_reference (owner, sha256, named_by) AS
    SELECT agency_id, sha256, 'exchange_file' FROM exchange_file
    UNION ALL SELECT agency_id, sha256, 'outgoing_package' FROM outgoing_package
    UNION ALL SELECT '00000000-0000-0000-0000-000000000000', sha256, 'incoming_package' FROM incoming_package
    UNION ALL SELECT agency_id, sha256, 'signing_file' FROM signing_file
    UNION ALL SELECT agency_id, sha256, 'signing_revision' FROM signing_revision
    UNION ALL SELECT agency_id, sha256, 'signing_picture' FROM signing_picture
    UNION ALL SELECT ticket.agency_id, file.before_sha256, 'signing_ticket_file'
                FROM signing_ticket_file AS file JOIN signing_ticket AS ticket ON ticket.id = file.ticket_id
    UNION ALL SELECT agency_id, before_sha256, 'signature_made' FROM signature_made
    UNION ALL SELECT agency_id, after_sha256, 'signature_made' FROM signature_made
    UNION ALL SELECT agency_id, file_sha256, 'evidence' FROM evidence;

-- How many rows name each of these files; the sweep and the operator ask this and nothing else.
CREATE FUNCTION file_references(owners uuid[], digests text[])
    RETURNS TABLE (owner uuid, sha256 text, rows bigint) LANGUAGE sql STABLE AS $$
    SELECT file.owner, file.sha256,
           (SELECT count(*) FROM file_reference AS named
             WHERE named.owner = file.owner AND named.sha256 = file.sha256)
         + (SELECT count(*) FROM evidence
             WHERE file.owner = '00000000-0000-0000-0000-000000000000'
               AND evidence_objects(manifest) @> ARRAY[file.sha256])
      FROM unnest(owners, digests) AS file (owner, sha256)
$$;

-- So that one page of the store is asked about without reading the tables.
CREATE INDEX outgoing_package_digest ON outgoing_package (agency_id, sha256);
CREATE INDEX incoming_package_digest ON incoming_package (sha256);
CREATE INDEX signing_file_digest ON signing_file (agency_id, sha256);
CREATE INDEX signing_revision_digest ON signing_revision (agency_id, sha256);
CREATE INDEX signing_ticket_file_digest ON signing_ticket_file (before_sha256);
CREATE INDEX signature_made_before ON signature_made (before_sha256);
CREATE INDEX signature_made_after ON signature_made (after_sha256);
CREATE INDEX evidence_object ON evidence USING gin (evidence_objects(manifest));

-- Whose the file store is: a store marked with another identity is not swept.
CREATE TABLE installation (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id       uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE file_aside (
    owner  uuid NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size   bigint NOT NULL CHECK (size >= 0),
    since  timestamptz NOT NULL,
    PRIMARY KEY (owner, sha256)
);
COMMENT ON TABLE file_aside IS 'out of sight because no row named them; removed for good when none does after a second wait';

CREATE TABLE file_fault (
    owner    uuid NOT NULL,
    sha256   text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    kind     text NOT NULL CHECK (kind IN ('missing', 'damaged')),
    found_at timestamptz NOT NULL,
    seen_at  timestamptz NOT NULL,
    PRIMARY KEY (owner, sha256)
);

-- Where the rounds over the store are, and what the last one said.
CREATE TABLE file_round (
    kind       text PRIMARY KEY CHECK (kind IN ('sweep', 'scrub')),
    owner      text NOT NULL DEFAULT '',   -- with sha256 the key that was looked at last
    sha256     text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,                -- of the last whole round
    files      bigint NOT NULL DEFAULT 0,  -- of the round that runs
    bytes      bigint NOT NULL DEFAULT 0,
    report     jsonb NOT NULL DEFAULT '{}' -- of the last whole round
);

GRANT EXECUTE ON FUNCTION evidence_objects(text), file_references(uuid[], text[]) TO lienthong_app;
GRANT SELECT ON file_reference, installation TO lienthong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON file_aside, file_fault, file_round TO lienthong_app;
