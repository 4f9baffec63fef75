-- Fills the tables of the bench; the foreign keys are left out, so that only what is measured has to be there.
SET session_replication_role = replica;

CREATE FUNCTION bench_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

CREATE FUNCTION bench_agency(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('00000000-0000-7000-9000-' || lpad(to_hex(n % 700), 12, '0'))::uuid $$;

INSERT INTO agency (id, code, name)
SELECT bench_agency(n), '000.' || lpad((n / 100)::text, 2, '0') || '.' || lpad((n % 100)::text, 2, '0') || '.H99',
    'Đơn vị số ' || n
FROM generate_series(0, 699) n;

INSERT INTO directory (axis, axis_id, code, code102, name, generation)
SELECT 'quoc-gia', n::text, CASE WHEN n < 700 THEN a.code ELSE 'K' || n || '.00.00.G01' END, 'C' || n,
    'Cơ quan số ' || n, 1
FROM generate_series(0, 110999) n LEFT JOIN agency a ON a.id = bench_agency(n) AND n < 700;

INSERT INTO outbox (id, topic, key, type, source, payload, occurred_at, state, settled_at)
SELECT gen_random_uuid(), 'lienthong.documents', 'k' || n, 'lienthong.document.accepted.v1', 'bench',
    '{"document": "vb_0192f0c0a5b37c1d8e2f3a4b5c6d7e8f"}', now(),
    CASE WHEN n > 200000 THEN 'pending' ELSE 'published' END, CASE WHEN n > 200000 THEN NULL ELSE now() END
FROM generate_series(1, 220000) n;

INSERT INTO work (id, kind, key, channel, payload, state, settled_at)
SELECT gen_random_uuid(), 'dispatch', 'k' || n, 'axis:quoc-gia',
    '{"package_id": "0192f0c0-a5b3-7c1d-8e2f-3a4b5c6d7e8f", "axis": "quoc-gia"}',
    CASE WHEN n > 200000 THEN 'ready' ELSE 'done' END, CASE WHEN n > 200000 THEN NULL ELSE now() END
FROM generate_series(1, 220000) n;

CREATE FUNCTION bench_fill(there bigint, wanted bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO register_entry (id, agency_id, direction, book, year, exchange_id, number, number_text, allotted,
        arrival_date, author, document_number, notation, document_date, type_name, subject, recipients, entered_by)
    SELECT bench_id(n), bench_agency(n / 2), CASE WHEN n % 2 = 0 THEN 'incoming' ELSE 'outgoing' END,
        CASE WHEN n % 2 = 0 THEN 'den' ELSE 'di' END, 2022 + (n * 5 / wanted)::int, bench_id(n), n::int, n::text, true,
        current_date, 'Sở Khoa học và Công nghệ tỉnh Mẫu', n || '/SKHCN-CĐS', 'SKHCN-CĐS', current_date, 'Công văn',
        'V/v rà soát kết nối liên thông văn bản của các cơ quan, đơn vị, lần ' || n, 'Văn phòng', 'api:bench'
    FROM generate_series(there + 1, wanted) n;

    INSERT INTO mailbox_item (agency_id, sequence, kind, exchange_id, label, detail)
    SELECT bench_agency(n), n / 700 + 1, 'document', bench_id(n), 'Hợp lệ',
        '{"document_id": "000.00.01.H99,2026/11/21,1/SKHCN-CĐS", "sender_code": "000.00.01.H99", "priority": 0}'
    FROM generate_series(there + 1, wanted) n;

    INSERT INTO exchange (id, agency_id, direction, origin, state, document_id, sender_code, metadata, content_digest,
        book, incoming_package_id, code_number, code_notation, promulgation_date)
    SELECT bench_id(n), bench_agency(n / 2), CASE WHEN n % 2 = 0 THEN 'inward' ELSE 'outward' END,
        CASE WHEN n % 2 = 0 THEN 'axis' ELSE 'parts' END, CASE WHEN n % 2 = 0 THEN 'delivered' ELSE 'sent' END,
        'd' || n, '000.00.08.H99', '{}', CASE WHEN n % 2 = 0 THEN 'x' END, CASE WHEN n % 2 = 1 THEN 'di' END,
        CASE WHEN n % 2 = 0 THEN bench_id(n) END, n::text, 'SKHCN', current_date
    FROM generate_series(there + 1, wanted) n;
$$;
