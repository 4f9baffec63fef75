-- The next piece of the event table before the one in use is full; names of the directory as they are searched.
-- PostgreSQL 15 level.

-- Pieces hold 20 million ids each and are named by their place: event_00, event_01, … The application may not make
-- tables, so this function does, with the rights of the owner and nothing to choose. Called by the clock; whoever comes
-- second finds the work done. A piece is made half a piece ahead, while no row of its range can exist: ids that came
-- too early for that (the clock stood still for ten million events) stay in event_rest, and the piece after is made.
-- A reader in the way for two seconds ends the attempt, not the reader: the next call tries again.
CREATE FUNCTION event_room_ahead() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    size  CONSTANT bigint := 20000000;
    place bigint := (SELECT last_value FROM event_id) / size + 1;
    piece text := 'event_' || CASE WHEN place < 10 THEN '0' ELSE '' END || place;
BEGIN
    IF (SELECT last_value FROM event_id) % size < size / 2 OR to_regclass(piece) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    LOCK TABLE event IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(piece) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF event FOR VALUES FROM (%s) TO (%s)',
                   piece, place * size, (place + 1) * size);
    RETURN piece;
END
$$;
REVOKE ALL ON FUNCTION event_room_ahead() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_room_ahead() TO lienthong_app;
SELECT event_room_ahead();

-- Lower case is made once, not at each search of each of the nation's agencies.
ALTER TABLE directory ADD COLUMN name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED;
