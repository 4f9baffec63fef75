-- Documents that their senders take back (thu hồi, lấy lại). PostgreSQL 15 level.

-- Each request that reached one of our agencies: a status 13, or a recall document (type 1) that was delivered. What is
-- kept of a recalled document is this (NĐ 30/2020 Phụ lục VI Phần I.III.8).
CREATE TABLE recall (
    id          uuid PRIMARY KEY,
    agency_id   uuid NOT NULL REFERENCES agency,
    sender_code text NOT NULL CHECK (sender_code <> ''),
    document_id text NOT NULL CHECK (document_id <> ''),
    route       text NOT NULL CHECK (route IN ('status', 'document')),
    incoming_package_id uuid NOT NULL REFERENCES incoming_package,
    reason      text,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    exchange_id uuid,
    from_state  text,
    answer      text CHECK (answer IN ('15', '16')),
    answered_at timestamptz,
    answered_by text,
    answer_reason text,
    FOREIGN KEY (agency_id, exchange_id) REFERENCES exchange (agency_id, id),
    CHECK ((exchange_id IS NULL) = (from_state IS NULL)),
    CHECK ((answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)),
    CHECK (answer IS NULL OR exchange_id IS NOT NULL)
);
CREATE INDEX recall_document ON recall (agency_id, document_id) WHERE exchange_id IS NULL;
CREATE INDEX recall_exchange ON recall (exchange_id) WHERE exchange_id IS NOT NULL;
COMMENT ON COLUMN recall.document_id IS 'of the document that is asked back';
COMMENT ON COLUMN recall.exchange_id IS 'absent: the document has not come yet; it is recalled the moment it comes';
COMMENT ON COLUMN recall.from_state IS 'where the document stood; a refusal (16) leaves it there';
GRANT SELECT, INSERT, UPDATE ON recall TO lienthong_app;

INSERT INTO policy (key, scope, agency_code, valid_from, valid_to, value, legal_basis, binding) VALUES
    ('recall_refusable', 'nation', NULL, '1900-01-01', NULL, 'false',
     'Quyết định 28/2018/QĐ-TTg Điều 9.2; Nghị định 30/2020/NĐ-CP Điều 18.4.b', false);

-- When an axis refuses a whole package because of one recipient (18, 23): whether the others get theirs without asking.
INSERT INTO policy (key, scope, agency_code, valid_from, valid_to, value, legal_basis, binding) VALUES
    ('send_to_the_rest', 'nation', NULL, '1900-01-01', NULL, 'false',
     'Quyết định 28/2018/QĐ-TTg Điều 8.2', false);

-- What an operator should know of an axis although work goes on (gateway/axis_alarms.py).
CREATE TABLE axis_alarm (
    axis    text NOT NULL CHECK (axis <> ''),
    kind    text NOT NULL CHECK (kind IN ('clock', 'shared_system')),
    message text NOT NULL CHECK (message <> ''),
    since   timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    times   bigint NOT NULL DEFAULT 1 CHECK (times > 0),
    PRIMARY KEY (axis, kind)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON axis_alarm TO lienthong_app;
