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
-- Items whose fetching waits here and that the axis lists no more: nobody of this node has acknowledged them.
SELECT payload ->> 'receiver_doc_id' AS receiver_doc_id FROM work
WHERE kind = 'fetch' AND state = 'ready' AND payload ->> 'axis' = :axis AND payload ->> 'kind' = :message_kind
  AND created_at < :before AND NOT payload ->> 'receiver_doc_id' = ANY(:listed::text[]);
