-- Trust: certificates met in documents, evidence of verdicts, notices of expiry; whose a certificate is, in full.
-- PostgreSQL 15 level. Insert-only: evidence, expiry_notice.

-- Certificates of signatures whose path leads to the trust store: their addresses are asked for revocation data.
CREATE TABLE certificate_seen (
    sha256      text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    der         bytea NOT NULL,
    holder      text NOT NULL,
    authority   boolean NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_to    timestamptz NOT NULL,
    lists       text[] NOT NULL DEFAULT '{}',
    responders  text[] NOT NULL DEFAULT '{}',
    first_seen  timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX certificate_seen_term ON certificate_seen (valid_to);

-- The register of certificates: who holds it and in which position, and when and why an entry ended.
ALTER TABLE certificate
    ADD COLUMN id        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN title     text,                          -- chức vụ of the person, for the role of a leader or initials
    ADD COLUMN der       bytea,
    ADD COLUMN added_by  text NOT NULL DEFAULT 'node',
    ADD COLUMN added_at  timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN ended_by  text,
    ADD COLUMN ended_at  timestamptz,
    ADD COLUMN end_reason text,
    ADD CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL));
CREATE INDEX certificate_agency ON certificate (upper(agency_code));

-- What the verdict on one file of an exchange stands on (TT41 Điều 9.1); the objects lie in the file store by digest.
CREATE TABLE evidence (
    sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),      -- of the manifest
    agency_id   uuid NOT NULL,
    exchange_id uuid NOT NULL,
    position    integer NOT NULL CHECK (position >= 0),
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    overall     text NOT NULL,
    manifest    text NOT NULL,
    timestamps  jsonb NOT NULL DEFAULT '{}',             -- tokens by digest: no two documents share one
    made_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (exchange_id, position, sha256),
    FOREIGN KEY (agency_id, exchange_id) REFERENCES exchange (agency_id, id)
);
CREATE INDEX evidence_file ON evidence (file_sha256);

-- Which expiry was told at which number of days before, so that a restart does not tell it again.
CREATE TABLE expiry_notice (
    subject     text NOT NULL,
    expires_at  timestamptz NOT NULL,
    days        integer NOT NULL,
    told_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, expires_at, days)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON certificate_seen TO lienthong_app;
GRANT SELECT, INSERT ON evidence, expiry_notice TO lienthong_app;
