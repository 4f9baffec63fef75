-- Registers of NĐ 30/2020/NĐ-CP Phụ lục IV and their numbers.

-- name: next_number$
-- One locked counter row per agency, direction, book and year: no gap and no double.
INSERT INTO register_counter (agency_id, direction, book, year, last) VALUES (:agency_id, :direction, :book, :year, 1)
ON CONFLICT (agency_id, direction, book, year) DO UPDATE SET last = register_counter.last + 1 RETURNING last;

-- name: raise_counter!
-- A number that a person or a document brought: the next allotted one comes after it.
INSERT INTO register_counter (agency_id, direction, book, year, last)
VALUES (:agency_id, :direction, :book, :year, :number)
ON CONFLICT (agency_id, direction, book, year)
DO UPDATE SET last = excluded.last WHERE register_counter.last < excluded.last;

-- name: insert_register_entry^
INSERT INTO register_entry (id, agency_id, direction, book, year, exchange_id, number, number_text, allotted,
    arrival_date, author, document_number, notation, document_date, type_name, subject, signer, recipients, keeper,
    copies, transferred_on, priority, note, entered_by)
VALUES (:id, :agency_id, :direction, :book, :year, :exchange_id, :number, :number_text, :allotted, :arrival_date,
    :author, :document_number, :notation, :document_date, :type_name, :doc_subject, :signer, :recipients, :keeper,
    :copies, :transferred_on, :priority, :note, :entered_by)
ON CONFLICT DO NOTHING RETURNING id;

-- name: entry_of_exchange^
SELECT * FROM register_entry WHERE agency_id = :agency_id AND direction = :direction AND exchange_id = :exchange_id;

-- name: insert_reservation!
INSERT INTO number_reservation (id, agency_id, book, year, number, notation, subject)
VALUES (:id, :agency_id, :book, :year, :number, :notation, :doc_subject);

-- name: reservation_by_id^
SELECT * FROM number_reservation WHERE id = :id AND agency_id = :agency_id;

-- name: use_reservation^
UPDATE number_reservation SET used_by = :exchange_id
WHERE id = :id AND agency_id = :agency_id AND used_by IS NULL RETURNING number;

-- name: free_reservation!
-- A document that was cancelled before sending gives its reserved number back.
UPDATE number_reservation SET used_by = NULL WHERE used_by = :exchange_id;

-- name: numbers_in_book
-- Every number that is entered or reserved, for the report of gaps.
SELECT number FROM register_entry
WHERE agency_id = :agency_id AND direction = :direction AND book = :book AND year = :year AND number IS NOT NULL
UNION SELECT number FROM number_reservation
WHERE :direction = 'outgoing' AND agency_id = :agency_id AND book = :book AND year = :year
ORDER BY number;
