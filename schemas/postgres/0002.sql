-- The nouns of the node: agencies, exchanges, packages, deliveries, holds, mailbox, registers, policies, events.
-- PostgreSQL 15 level. Tenant tables and their unique keys carry agency_id. Times are timestamptz (UTC).
-- Insert-only tables (event, attempt, attempt_outcome, status_entry, register_entry, register_annotation) are granted
-- without UPDATE and DELETE to the application's role.

-- Own agencies (tenants) and who may act for them ---------------------------------------------------------------

CREATE TABLE agency (
    id          uuid PRIMARY KEY,
    code        text NOT NULL UNIQUE CHECK (code <> '' AND length(code) <= 64),
    name        text NOT NULL CHECK (name <> ''),
    in_charge   text,
    address     text,
    email       text,
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_key (
    id          uuid PRIMARY KEY,
    agency_id   uuid NOT NULL REFERENCES agency,
    prefix      text NOT NULL UNIQUE,
    -- 32 random bytes have full entropy: a fast hash is enough.
    sha256      bytea NOT NULL CHECK (length(sha256) = 32),
    label       text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);
CREATE INDEX api_key_agency ON api_key (agency_id);

CREATE TABLE operator_key (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    prefix      text NOT NULL UNIQUE,
    sha256      bytea NOT NULL CHECK (length(sha256) = 32),
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);

-- Directory: agencies of every axis, looked up by any of their codes (edxml.md 8.4) -----------------------------

CREATE TABLE directory (
    axis        text NOT NULL,
    axis_id     text NOT NULL,
    code        text NOT NULL,
    code_key    text NOT NULL GENERATED ALWAYS AS (upper(code)) STORED,
    code102     text,
    code102_key text GENERATED ALWAYS AS (upper(code102)) STORED,
    old_code    text,
    old_code_key text GENERATED ALWAYS AS (upper(old_code)) STORED,
    name        text NOT NULL,
    parent_id   text,
    email       text,
    valid_from  date NOT NULL DEFAULT '1900-01-01',
    valid_to    date,
    generation  bigint NOT NULL DEFAULT 0,
    synced_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (axis, axis_id, valid_from),
    CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE INDEX directory_code ON directory (code_key);
CREATE INDEX directory_code102 ON directory (code102_key) WHERE code102_key IS NOT NULL;
CREATE INDEX directory_old_code ON directory (old_code_key) WHERE old_code_key IS NOT NULL;

-- Which certificate belongs to whom (signatures.md 13: own registry) --------------------------------------------

CREATE TABLE certificate (
    sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    agency_code text NOT NULL,
    role        text NOT NULL CHECK (role IN ('leader', 'agency', 'initials')),
    holder      text NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_to    timestamptz,
    PRIMARY KEY (sha256, agency_code, role)
);

-- States: the Python tables of gateway/exchanges.py, joined to every event by foreign key ------------------------

CREATE TABLE transition (
    subject     text NOT NULL,
    from_state  text NOT NULL,
    to_state    text NOT NULL,
    PRIMARY KEY (subject, from_state, to_state)
);

CREATE TABLE exchange (
    id               uuid PRIMARY KEY,
    agency_id        uuid NOT NULL REFERENCES agency,
    direction        text NOT NULL CHECK (direction IN ('outward', 'inward')),
    origin           text NOT NULL CHECK (origin IN ('parts', 'envelope', 'axis')),
    state            text NOT NULL,
    document_id      text NOT NULL,
    sender_code      text NOT NULL,
    sender_name      text,
    code_number      text,
    code_notation    text,
    promulgation_date date,
    type_name        text,
    subject          text,
    priority         smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 4),
    business_type    smallint NOT NULL DEFAULT 0 CHECK (business_type BETWEEN 0 AND 3),
    book             text,
    metadata         jsonb NOT NULL,
    content_digest   text,
    overall          text CHECK (overall IN ('VALID', 'INVALID', 'UNDETERMINED', 'NOT_APPLICABLE')),
    legal_value      text CHECK (legal_value IN ('original', 'by_sender_rules', 'reference')),
    policy_id        bigint,
    incoming_package_id uuid,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (agency_id, id),
    CHECK ((direction = 'inward') = (incoming_package_id IS NOT NULL)),
    CHECK ((direction = 'inward') = (origin = 'axis')),
    CHECK ((direction = 'outward') = (book IS NOT NULL))
);
CREATE INDEX exchange_list ON exchange (agency_id, direction, id);
CREATE INDEX exchange_document ON exchange (document_id);
-- The business key of an incoming document (DESIGN.md, section 2): the same key is a duplicate.
CREATE UNIQUE INDEX exchange_business_key ON exchange
    (agency_id, upper(sender_code), document_id, business_type, content_digest) WHERE direction = 'inward';
-- NĐ 30/2020 Điều 15.1: số + ký hiệu once in a book and year, already when the document is accepted. An update
-- package (type 2) carries the number of the document that it updates.
CREATE UNIQUE INDEX exchange_number ON exchange
    (agency_id, book, extract(year FROM promulgation_date), upper(code_number), upper(code_notation))
    WHERE direction = 'outward' AND business_type <> 2 AND state <> 'cancelled';

CREATE TABLE exchange_file (
    exchange_id  uuid NOT NULL,
    agency_id    uuid NOT NULL,
    position     smallint NOT NULL CHECK (position >= 0),
    content_id   text NOT NULL,
    name         text NOT NULL,
    description  text,
    content_type text NOT NULL,
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size         bigint NOT NULL CHECK (size > 0),
    report       jsonb,
    PRIMARY KEY (exchange_id, position),
    FOREIGN KEY (agency_id, exchange_id) REFERENCES exchange (agency_id, id)
);
CREATE INDEX exchange_file_digest ON exchange_file (agency_id, sha256);

CREATE TABLE outgoing_package (
    id             uuid PRIMARY KEY,
    agency_id      uuid NOT NULL REFERENCES agency,
    exchange_id    uuid NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('edoc', 'status')),
    axis           text NOT NULL,
    state          text NOT NULL,
    sender_code    text NOT NULL,
    receiver_codes text[] NOT NULL CHECK (cardinality(receiver_codes) BETWEEN 1 AND 100),
    document_id    text NOT NULL,
    notation       text,
    subject        text,
    status_code    text,
    lane           smallint NOT NULL DEFAULT 1,
    sha256         text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size           bigint NOT NULL CHECK (size > 0),
    axis_doc_id    text,
    unknown_checks smallint NOT NULL DEFAULT 0,
    attempts       integer NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    sent_at        timestamptz,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (agency_id, exchange_id) REFERENCES exchange (agency_id, id),
    CHECK ((kind = 'status') = (status_code IS NOT NULL)),
    CHECK (state NOT IN ('accepted', 'delivered', 'delivery_failed') OR axis_doc_id IS NOT NULL)
);
CREATE INDEX outgoing_package_exchange ON outgoing_package (exchange_id);
CREATE INDEX outgoing_package_state ON outgoing_package (axis, state, created_at);
CREATE INDEX outgoing_package_axis_id ON outgoing_package (axis, axis_doc_id) WHERE axis_doc_id IS NOT NULL;
-- One status of one kind for one incoming document goes out once; 05 may repeat (edxml.md 4).
CREATE UNIQUE INDEX outgoing_status_once ON outgoing_package (exchange_id, status_code)
    WHERE kind = 'status' AND status_code IN ('01', '02', '03', '06', '15', '16');

CREATE TABLE attempt (
    id           uuid PRIMARY KEY,
    agency_id    uuid NOT NULL REFERENCES agency,
    package_id   uuid NOT NULL REFERENCES outgoing_package,
    number       integer NOT NULL CHECK (number > 0),
    started_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (package_id, number)
);

CREATE TABLE attempt_outcome (
    attempt_id   uuid PRIMARY KEY REFERENCES attempt,
    outcome      text NOT NULL CHECK (outcome IN ('accepted', 'rejected', 'retry', 'suspended', 'unknown')),
    code         text,
    message      text NOT NULL DEFAULT '',
    raw          text NOT NULL DEFAULT '',
    finished_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE delivery (
    id             uuid PRIMARY KEY,
    agency_id      uuid NOT NULL REFERENCES agency,
    exchange_id    uuid NOT NULL,
    package_id     uuid REFERENCES outgoing_package,
    recipient_code text NOT NULL,
    recipient_name text NOT NULL,
    axis           text NOT NULL,
    receiver_doc_id text,
    transport_state text,
    state          text NOT NULL,
    state_time     timestamptz,
    reason         text,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (exchange_id, recipient_code),
    FOREIGN KEY (agency_id, exchange_id) REFERENCES exchange (agency_id, id)
);
CREATE INDEX delivery_package ON delivery (package_id);

CREATE TABLE incoming_package (
    id              uuid PRIMARY KEY,
    axis            text NOT NULL,
    receiver_doc_id text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('edoc', 'status')),
    state           text NOT NULL,
    listed_sender   text,
    listed_receiver text,
    sha256          text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size            bigint NOT NULL CHECK (size >= 0),
    received_at     timestamptz NOT NULL DEFAULT now(),
    acknowledged_at timestamptz,
    acknowledgements integer NOT NULL DEFAULT 0,
    findings        jsonb NOT NULL DEFAULT '[]',
    note            text,
    -- The transport key (DESIGN.md, section 2).
    UNIQUE (axis, receiver_doc_id)
);
CREATE INDEX incoming_package_state ON incoming_package (state, received_at);
ALTER TABLE exchange ADD FOREIGN KEY (incoming_package_id) REFERENCES incoming_package;

CREATE TABLE status_entry (
    id           uuid PRIMARY KEY,
    agency_id    uuid NOT NULL REFERENCES agency,
    exchange_id  uuid NOT NULL,
    delivery_id  uuid REFERENCES delivery,
    incoming_package_id uuid REFERENCES incoming_package,
    from_code    text NOT NULL,
    status_code  text NOT NULL,
    description  text,
    staff        text,
    stamped_at   timestamptz,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (agency_id, exchange_id) REFERENCES exchange (agency_id, id)
);
CREATE INDEX status_entry_exchange ON status_entry (exchange_id, recorded_at);
-- An exact duplicate (from, to, code, status, timestamp) is ignored (axis.md 7.2).
CREATE UNIQUE INDEX status_entry_once ON status_entry (exchange_id, upper(from_code), status_code, stamped_at);

CREATE TABLE orphan_status (
    incoming_package_id uuid PRIMARY KEY REFERENCES incoming_package,
    from_code    text NOT NULL,
    addressee    text,
    document_id  text,
    code         text,
    promulgation_date date,
    status_code  text NOT NULL,
    parked_at    timestamptz NOT NULL DEFAULT now(),
    settled_at   timestamptz
);
CREATE INDEX orphan_status_document ON orphan_status (document_id) WHERE settled_at IS NULL;

CREATE TABLE hold (
    id           uuid PRIMARY KEY,
    agency_id    uuid REFERENCES agency,
    exchange_id  uuid REFERENCES exchange,
    outgoing_package_id uuid REFERENCES outgoing_package,
    incoming_package_id uuid REFERENCES incoming_package,
    work_id      uuid,  -- a piece of work that could not be done, parked in the queue
    code         text NOT NULL,
    reason       text NOT NULL CHECK (reason <> ''),
    proposal     text,
    since        timestamptz NOT NULL DEFAULT now(),
    closed_at    timestamptz,
    closed_by    text,
    closing      text CHECK (closing IN ('release', 'cancel')),
    closing_reason text,
    CHECK (num_nonnulls(exchange_id, outgoing_package_id, incoming_package_id, work_id) >= 1),
    CHECK ((closed_at IS NULL) = (closing IS NULL)),
    CHECK (closing IS NULL OR (closed_by <> '' AND closing_reason <> ''))
);
CREATE UNIQUE INDEX hold_open_exchange ON hold (exchange_id)
    WHERE closed_at IS NULL AND outgoing_package_id IS NULL AND incoming_package_id IS NULL AND work_id IS NULL;
CREATE UNIQUE INDEX hold_open_work ON hold (work_id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX hold_open_outgoing ON hold (outgoing_package_id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX hold_open_incoming ON hold (incoming_package_id) WHERE closed_at IS NULL AND exchange_id IS NULL;
CREATE INDEX hold_open ON hold (since, id) WHERE closed_at IS NULL;

-- Mailbox: one cursor per agency; the counter row is locked by the delivering transaction ------------------------

CREATE TABLE mailbox_counter (
    agency_id  uuid PRIMARY KEY REFERENCES agency,
    last       bigint NOT NULL DEFAULT 0
);

CREATE TABLE mailbox_item (
    agency_id    uuid NOT NULL REFERENCES agency,
    sequence     bigint NOT NULL CHECK (sequence > 0),
    kind         text NOT NULL CHECK (kind IN ('document', 'status', 'hold')),
    exchange_id  uuid NOT NULL,
    label        text NOT NULL,
    detail       jsonb NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agency_id, sequence),
    FOREIGN KEY (agency_id, exchange_id) REFERENCES exchange (agency_id, id)
);
-- A document stands in a mailbox once.
CREATE UNIQUE INDEX mailbox_document_once ON mailbox_item (agency_id, exchange_id) WHERE kind = 'document';

-- Registers (NĐ 30/2020/NĐ-CP Phụ lục IV): sổ văn bản đi, sổ văn bản đến ------------------------------------------

CREATE TABLE register_counter (
    agency_id  uuid NOT NULL REFERENCES agency,
    direction  text NOT NULL CHECK (direction IN ('outgoing', 'incoming')),
    book       text NOT NULL,
    year       integer NOT NULL CHECK (year BETWEEN 1945 AND 9999),
    last       integer NOT NULL DEFAULT 0 CHECK (last >= 0),
    PRIMARY KEY (agency_id, direction, book, year)
);

CREATE TABLE number_reservation (
    id           uuid PRIMARY KEY,
    agency_id    uuid NOT NULL REFERENCES agency,
    book         text NOT NULL,
    year         integer NOT NULL,
    number       integer NOT NULL CHECK (number > 0),
    notation     text NOT NULL,
    subject      text,
    reserved_at  timestamptz NOT NULL DEFAULT now(),
    used_by      uuid REFERENCES exchange,
    UNIQUE (agency_id, book, year, number)
);

CREATE TABLE register_entry (
    id             uuid PRIMARY KEY,
    agency_id      uuid NOT NULL REFERENCES agency,
    direction      text NOT NULL CHECK (direction IN ('outgoing', 'incoming')),
    book           text NOT NULL,
    year           integer NOT NULL,
    exchange_id    uuid NOT NULL,
    number         integer,          -- số đến, or the numeric part of số
    number_text    text NOT NULL,    -- số as written
    allotted       boolean NOT NULL, -- by the node (true) or brought by the document
    arrival_date   date,             -- ngày đến (incoming)
    author         text,             -- tác giả (incoming)
    document_number text,            -- số, ký hiệu văn bản
    notation       text,             -- ký hiệu
    document_date  date,             -- ngày tháng văn bản
    type_name      text,             -- tên loại
    subject        text,             -- trích yếu
    signer         text,             -- người ký (outgoing)
    recipients     text,             -- nơi nhận (outgoing), đơn vị hoặc người nhận (incoming)
    keeper         text,             -- đơn vị, người nhận bản lưu (outgoing)
    copies         integer,          -- số lượng bản (outgoing)
    transferred_on date,             -- ngày chuyển
    priority       smallint NOT NULL DEFAULT 0,
    note           text,             -- ghi chú
    entered_at     timestamptz NOT NULL DEFAULT now(),
    entered_by     text NOT NULL,
    FOREIGN KEY (agency_id, exchange_id) REFERENCES exchange (agency_id, id),
    CHECK (direction = 'outgoing' OR number IS NOT NULL)
);
-- NĐ 30/2020 Điều 15.1: số + ký hiệu unique within the year; Điều 22.2: số đến unique within the year.
CREATE UNIQUE INDEX register_outgoing_number ON register_entry
    (agency_id, book, year, upper(number_text), upper(notation)) WHERE direction = 'outgoing';
CREATE UNIQUE INDEX register_incoming_number ON register_entry (agency_id, book, year, number)
    WHERE direction = 'incoming';
CREATE UNIQUE INDEX register_entry_once ON register_entry (agency_id, direction, exchange_id);
CREATE INDEX register_entry_page ON register_entry (agency_id, direction, book, year, id);

CREATE TABLE register_annotation (
    id         uuid PRIMARY KEY,
    agency_id  uuid NOT NULL REFERENCES agency,
    entry_id   uuid NOT NULL REFERENCES register_entry,
    text       text NOT NULL CHECK (text <> ''),
    actor      text NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);

-- Policies: one resolver, law > nation > province > agency -------------------------------------------------------

CREATE TABLE policy (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text NOT NULL,
    scope        text NOT NULL CHECK (scope IN ('law', 'nation', 'province', 'agency')),
    agency_code  text,
    valid_from   date NOT NULL DEFAULT '1900-01-01',
    valid_to     date,
    value        jsonb NOT NULL,
    legal_basis  text NOT NULL,
    binding      boolean NOT NULL DEFAULT false,
    CHECK ((scope = 'agency') = (agency_code IS NOT NULL)),
    CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE INDEX policy_key ON policy (key, valid_from);
ALTER TABLE exchange ADD FOREIGN KEY (policy_id) REFERENCES policy;

INSERT INTO policy (key, scope, agency_code, valid_from, valid_to, value, legal_basis, binding) VALUES
    ('required_signatures', 'nation', NULL, '2020-03-05', NULL, '"ND30"',
     'Nghị định 30/2020/NĐ-CP Điều 5.1', false),
    ('required_signatures', 'nation', NULL, '1900-01-01', '2020-03-04', '"NA_ANY_ONE"',
     'Quyết định 08/2018/QĐ-UBND (Nghệ An) Điều 7.3', false),
    ('required_signatures.annex', 'nation', NULL, '2020-03-05', NULL, '"AGENCY_ONLY"',
     'Nghị định 30/2020/NĐ-CP Phụ lục I Phần I.II.8.b', false),
    ('required_signatures.annex', 'nation', NULL, '1900-01-01', '2020-03-04', '"NOT_APPLICABLE"',
     'trước Nghị định 30/2020/NĐ-CP', false),
    ('strict', 'nation', NULL, '1900-01-01', NULL, 'false', 'Quyết định 28/2018/QĐ-TTg Điều 4.2', false);

-- Idempotency of POST /v1/documents: kept 72 hours ---------------------------------------------------------------

CREATE TABLE idempotency (
    agency_id     uuid NOT NULL REFERENCES agency,
    key           text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    request_hash  text,
    claimed_until timestamptz NOT NULL,
    claim         uuid NOT NULL,
    exchange_id   uuid REFERENCES exchange,
    answer        jsonb,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agency_id, key),
    CHECK ((answer IS NULL) = (exchange_id IS NULL)),
    CHECK (answer IS NULL OR request_hash IS NOT NULL)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Events: insert-only, partitioned by id range --------------------------------------------------------------------

CREATE SEQUENCE event_id;
CREATE TABLE event (
    id          bigint NOT NULL DEFAULT nextval('event_id'),
    agency_id   uuid,
    exchange_id uuid,
    subject     text NOT NULL,
    subject_id  uuid NOT NULL,
    from_state  text NOT NULL,
    to_state    text NOT NULL,
    actor       text NOT NULL,
    reason      text,
    detail      jsonb,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    FOREIGN KEY (subject, from_state, to_state) REFERENCES transition
) PARTITION BY RANGE (id);
CREATE TABLE event_00 PARTITION OF event FOR VALUES FROM (0) TO (20000000);
CREATE TABLE event_rest PARTITION OF event DEFAULT;
CREATE INDEX event_exchange ON event (exchange_id, id);
CREATE INDEX event_subject ON event (subject_id, id);

-- Grants ------------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, UPDATE, DELETE ON
    agency, api_key, operator_key, directory, certificate, exchange, exchange_file, outgoing_package, delivery,
    incoming_package, orphan_status, hold, mailbox_counter, register_counter, number_reservation, policy, idempotency
    TO lienthong_app;
GRANT SELECT, INSERT ON
    event, attempt, attempt_outcome, status_entry, register_entry, register_annotation, mailbox_item, transition
    TO lienthong_app;
GRANT USAGE ON SEQUENCE event_id TO lienthong_app;
