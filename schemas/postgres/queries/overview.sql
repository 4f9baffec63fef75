-- What runs and what waits, for people who look at a node.

-- name: running_processes
-- Processes of a node: each listens on a connection that carries its name.
SELECT regexp_replace(application_name, '-listen$', '') AS name, min(backend_start) AS since
FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE '%-listen'
GROUP BY 1 ORDER BY 1;

-- name: leading_processes
-- Which process leads what; nothing of what nobody leads.
SELECT wanted.name AS led, regexp_replace(a.application_name, '-listen$', '') AS process
FROM unnest(:names::text[]) AS wanted (name)
JOIN pg_locks AS l ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended('lienthong leader ' || wanted.name, 0)
JOIN pg_stat_activity AS a ON a.pid = l.pid AND a.datname = current_database()
ORDER BY wanted.name;

-- name: waiting_messages
SELECT topic, lane, state, count(*) AS number, min(occurred_at) AS oldest
FROM outbox WHERE settled_at IS NULL
GROUP BY topic, lane, state ORDER BY topic, lane, state;

-- name: waiting_work
SELECT kind, state, count(*) AS number, min(created_at) AS oldest
FROM work WHERE settled_at IS NULL
GROUP BY kind, state ORDER BY kind, state;

-- name: event_room_ahead$
-- The piece of the event table that was made now, if one was due.
SELECT event_room_ahead();
