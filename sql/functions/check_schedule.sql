-- check_schedule: after how many seconds PayOS is asked about a top-up that is open: the last one
--           is the distance of all further questions, the others count from the opening.
-- Raises:   22P02 when the session was given something else than numbers.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      a setting of the application (NAPVI_RECONCILE_SCHEDULE_SECONDS), which its sessions
--           bring along: a top-up that is opened is scheduled by the trigger, without a parameter.
CREATE OR REPLACE FUNCTION topup.check_schedule()
RETURNS double precision[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN string_to_array(
        coalesce(nullif(current_setting('napvi.check_schedule', true), ''), '30,120,600,3600'), ','
    )::double precision[];
END
$$;
