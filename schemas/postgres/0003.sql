-- Signing: cases (hồ sơ ký), their files and revisions, sessions of the holders (phiên ký), tickets for signing on the
-- holder's own computer, and every signature that was made. PostgreSQL 15 level.
-- Insert-only: signing_revision, signature_made, signing_session_case.

CREATE TABLE signing_case (
    id            uuid PRIMARY KEY,
    agency_id     uuid NOT NULL REFERENCES agency,
    request_key   text NOT NULL CHECK (length(request_key) BETWEEN 1 AND 200),
    request_hash  text NOT NULL,
    flow          text NOT NULL CHECK (flow IN ('LEADER_NUMBER_AGENCY', 'NUMBER_FIRST', 'PAPER_SCAN')),
    state         text NOT NULL,
    book          text NOT NULL,
    notation      text NOT NULL,
    type_name     text NOT NULL,
    subject       text NOT NULL,
    request       jsonb NOT NULL,              -- as it was posted, canonical
    profile       jsonb NOT NULL,              -- appearance, subfilter, level, and the rules resolved for the agency
    initials      smallint NOT NULL DEFAULT 0 CHECK (initials BETWEEN 0 AND 9),
    initials_made smallint NOT NULL DEFAULT 0 CHECK (initials_made BETWEEN 0 AND initials),
    form_checked_by text,
    form_checked_at timestamptz,
    number        integer CHECK (number > 0),
    document_date date,
    reservation   uuid REFERENCES number_reservation,
    exchange_id   uuid REFERENCES exchange,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (agency_id, id),
    UNIQUE (agency_id, request_key),
    CHECK ((number IS NULL) = (document_date IS NULL)),
    CHECK ((number IS NULL) = (reservation IS NULL)),
    CHECK ((form_checked_by IS NULL) = (form_checked_at IS NULL)),
    CHECK (exchange_id IS NULL OR state = 'released')
);
CREATE INDEX signing_case_list ON signing_case (agency_id, id);
CREATE INDEX signing_case_waiting ON signing_case (agency_id, state, id)
    WHERE state NOT IN ('released', 'returned', 'cancelled');
CREATE UNIQUE INDEX signing_case_exchange ON signing_case (exchange_id);
-- A number belongs to one living case.
CREATE UNIQUE INDEX signing_case_number ON signing_case (reservation) WHERE state NOT IN ('returned', 'cancelled');

CREATE TABLE signing_file (
    case_id      uuid NOT NULL,
    agency_id    uuid NOT NULL,
    position     smallint NOT NULL CHECK (position >= 0),
    kind         text NOT NULL CHECK (kind IN ('main', 'separate', 'source')),
    name         text NOT NULL,
    description  text,
    content_type text NOT NULL,
    revision     smallint NOT NULL DEFAULT 0 CHECK (revision >= 0),
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size         bigint NOT NULL CHECK (size > 0),
    agency_signed boolean NOT NULL DEFAULT false,
    report       jsonb,
    PRIMARY KEY (case_id, position),
    FOREIGN KEY (agency_id, case_id) REFERENCES signing_case (agency_id, id),
    CHECK ((position = 0) = (kind = 'main'))
);
COMMENT ON COLUMN signing_file.revision IS 'the current one of signing_revision; sha256 and size are its own';

CREATE TABLE signing_revision (
    case_id   uuid NOT NULL,
    position  smallint NOT NULL,
    revision  smallint NOT NULL CHECK (revision >= 0),
    agency_id uuid NOT NULL REFERENCES agency,
    step      text NOT NULL CHECK (step IN ('received', 'prepared', 'number', 'initials', 'leader', 'agency', 'annex',
                                            'copy', 'digitised')),
    sha256    text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size      bigint NOT NULL CHECK (size > 0),
    actor     text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (case_id, position, revision),
    FOREIGN KEY (case_id, position) REFERENCES signing_file
);

-- The picture of a holder's handwriting or of an agency's seal (NĐ 30/2020 Phụ lục I, Phần I, II.7.d, II.8.a).
CREATE TABLE signing_picture (
    agency_id          uuid NOT NULL REFERENCES agency,
    certificate_sha256 text NOT NULL CHECK (certificate_sha256 ~ '^[0-9a-f]{64}$'),
    sha256             text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size               bigint NOT NULL CHECK (size > 0),
    set_by             text NOT NULL,
    set_at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agency_id, certificate_sha256)
);

-- NĐ 30/2020 Điều 32.2.c: the holder opens it with the PIN, for listed documents and a limited time. No PIN is stored.
CREATE TABLE signing_session (
    id                 uuid PRIMARY KEY,
    agency_id          uuid NOT NULL REFERENCES agency,
    role               text NOT NULL CHECK (role IN ('leader', 'clerk', 'initials')),
    holder             text NOT NULL CHECK (holder <> ''),
    certificate_sha256 text NOT NULL CHECK (certificate_sha256 ~ '^[0-9a-f]{64}$'),
    module             text NOT NULL,
    token_serial       text NOT NULL,
    instance           text NOT NULL,          -- the process that holds the token's process
    opened_by          text NOT NULL,
    opened_at          timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    closed_at          timestamptz,
    closing            text CHECK (closing IN ('closed', 'expired', 'restart', 'token')),
    UNIQUE (agency_id, id),
    CHECK (expires_at > opened_at),
    CHECK ((closed_at IS NULL) = (closing IS NULL))
);
CREATE INDEX signing_session_open ON signing_session (instance) WHERE closed_at IS NULL;

CREATE TABLE signing_session_case (
    session_id uuid NOT NULL,
    case_id    uuid NOT NULL,
    agency_id  uuid NOT NULL,
    PRIMARY KEY (session_id, case_id),
    FOREIGN KEY (agency_id, session_id) REFERENCES signing_session (agency_id, id),
    FOREIGN KEY (agency_id, case_id) REFERENCES signing_case (agency_id, id)
);

-- Signing on the holder's own computer: a ticket for one case, step and certificate, each file once.
CREATE TABLE signing_ticket (
    id                 uuid PRIMARY KEY,
    agency_id          uuid NOT NULL,
    case_id            uuid NOT NULL,
    step               text NOT NULL CHECK (step IN ('initials', 'leader', 'agency')),
    channel            text NOT NULL CHECK (channel IN ('ticket', 'vgca')),
    secret_sha256      bytea NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    certificate_sha256 text NOT NULL CHECK (certificate_sha256 ~ '^[0-9a-f]{64}$'),
    holder             text NOT NULL,
    created_by         text NOT NULL,
    created_at         timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    closed_at          timestamptz,
    closing            text CHECK (closing IN ('used', 'cancelled')),
    UNIQUE (agency_id, id),
    FOREIGN KEY (agency_id, case_id) REFERENCES signing_case (agency_id, id),
    CHECK ((closed_at IS NULL) = (closing IS NULL))
);
CREATE INDEX signing_ticket_case ON signing_ticket (case_id);

CREATE TABLE signing_ticket_file (
    ticket_id     uuid NOT NULL REFERENCES signing_ticket,
    position      smallint NOT NULL,
    before_sha256 text NOT NULL CHECK (before_sha256 ~ '^[0-9a-f]{64}$'),
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'begun', 'done')),
    begun         jsonb,                       -- what the node needs to embed the signature, also after a restart
    begun_at      timestamptz,
    done_at       timestamptz,
    PRIMARY KEY (ticket_id, position),
    CHECK ((state = 'done') = (done_at IS NOT NULL)),
    CHECK (state <> 'begun' OR begun IS NOT NULL)
);

CREATE TABLE signature_made (
    id                 uuid PRIMARY KEY,
    agency_id          uuid NOT NULL REFERENCES agency,
    case_id            uuid NOT NULL,
    position           smallint NOT NULL,
    step               text NOT NULL CHECK (step IN ('initials', 'leader', 'agency', 'annex', 'copy', 'digitised')),
    session_id         uuid REFERENCES signing_session,
    ticket_id          uuid REFERENCES signing_ticket,
    holder             text NOT NULL,
    certificate_sha256 text NOT NULL CHECK (certificate_sha256 ~ '^[0-9a-f]{64}$'),
    capacity           jsonb,                  -- KT., TL., TUQ.: whose place, since and until when; never a key
    field              text NOT NULL,
    level              text,
    before_sha256      text NOT NULL CHECK (before_sha256 ~ '^[0-9a-f]{64}$'),
    after_sha256       text NOT NULL CHECK (after_sha256 ~ '^[0-9a-f]{64}$'),
    signing_time       timestamptz NOT NULL,
    made_at            timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (case_id, position) REFERENCES signing_file,
    CHECK (num_nonnulls(session_id, ticket_id) = 1)  -- Điều 32.2.c: nothing is signed unattended
);
CREATE INDEX signature_made_case ON signature_made (case_id, position, id);

INSERT INTO policy (key, scope, agency_code, valid_from, valid_to, value, legal_basis, binding) VALUES
    ('flow', 'nation', NULL, '1900-01-01', NULL, '"LEADER_NUMBER_AGENCY"',
     'Nghị định 30/2020/NĐ-CP Điều 14, Điều 15.3', false),
    ('appearance', 'nation', NULL, '1900-01-01', NULL, '"ND30"', 'Nghị định 30/2020/NĐ-CP Phụ lục I', false),
    ('source_required', 'nation', NULL, '1900-01-01', NULL, 'false', 'theo quy chế của từng cơ quan', false);

GRANT SELECT, INSERT, UPDATE, DELETE ON
    signing_case, signing_file, signing_picture, signing_session, signing_ticket, signing_ticket_file TO lienthong_app;
GRANT SELECT, INSERT ON signing_revision, signing_session_case, signature_made TO lienthong_app;
