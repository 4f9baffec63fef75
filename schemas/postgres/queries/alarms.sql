-- Alarms about an axis.

-- name: raise_alarm$
-- How often it was raised by now.
INSERT INTO axis_alarm (axis, kind, message) VALUES (:axis, :kind, :message)
ON CONFLICT (axis, kind) DO UPDATE SET message = excluded.message, last_at = now(), times = axis_alarm.times + 1
RETURNING times;

-- name: end_alarm$
DELETE FROM axis_alarm WHERE axis = :axis AND kind = :kind RETURNING times;

-- name: alarms
-- Those of the last day: what does not come again is over.
SELECT axis, kind, message, since, last_at, times FROM axis_alarm
WHERE last_at > now() - interval '24 hours' ORDER BY axis, kind;

-- name: taken_by_others
-- Items whose fetching waits here and that the axis lists no more. What is stored here already may have been acknowledged
-- by a process that died before it wrote that down. The list is hashed, not searched for each item: after an outage
-- both are thousands long.
SELECT w.payload ->> 'receiver_doc_id' AS receiver_doc_id FROM work w
WHERE w.kind = 'fetch' AND w.state = 'ready' AND w.payload ->> 'axis' = :axis AND w.payload ->> 'kind' = :message_kind
  AND w.created_at < :before
  AND w.payload ->> 'receiver_doc_id' NOT IN (SELECT unnest(:listed::text[]))
  AND NOT EXISTS (SELECT FROM incoming_package p
                  WHERE p.axis = :axis AND p.receiver_doc_id = w.payload ->> 'receiver_doc_id');
