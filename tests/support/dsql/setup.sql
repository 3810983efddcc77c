-- What the service has and PostgreSQL has not: the schema sys, asynchronous indexes, and limits on rows and keys. The
-- double runs this as a superuser in the new database. Clients cannot name anything that begins with double_.

CREATE SCHEMA sys;
GRANT USAGE ON SCHEMA sys TO PUBLIC;

CREATE TABLE sys.double_jobs (
    job_id text PRIMARY KEY,
    status text NOT NULL DEFAULT 'submitted',
    details text NOT NULL DEFAULT '',
    job_type text NOT NULL DEFAULT 'INDEX_BUILD',
    class_id oid NOT NULL DEFAULT 'pg_class'::regclass,
    object_id oid NOT NULL,
    object_name text NOT NULL,
    start_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    update_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    fails boolean NOT NULL
);
CREATE VIEW sys.jobs AS SELECT job_id, status, details, job_type, class_id, object_id, object_name, start_time,
    update_time FROM sys.double_jobs;
GRANT SELECT ON sys.jobs TO PUBLIC;

CREATE TABLE sys.double_mappings (pg_role_name text, arn text, PRIMARY KEY (pg_role_name, arn));
CREATE VIEW sys.iam_pg_role_mappings AS SELECT r.oid AS pg_role_oid, m.pg_role_name, m.arn
    FROM sys.double_mappings AS m JOIN pg_roles AS r ON r.rolname = m.pg_role_name;
GRANT SELECT ON sys.iam_pg_role_mappings TO PUBLIC;

CREATE FUNCTION sys.double_map(grants boolean, role_name text, role_arn text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name AND rolcanlogin AND NOT rolsuper) THEN
        RAISE EXCEPTION 'role "%" does not exist', role_name USING ERRCODE = '42704';
    END IF;
    IF session_user <> 'admin' THEN
        RAISE EXCEPTION 'permission denied' USING ERRCODE = '42501';
    END IF;
    IF grants THEN
        INSERT INTO sys.double_mappings VALUES (role_name, role_arn) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM sys.double_mappings WHERE pg_role_name = role_name AND arn = role_arn;
    END IF;
END $$;

-- An index is there at once, invalid, and kept up to date; the job makes it valid. What is not unique although it
-- should be fails later.
CREATE FUNCTION sys.double_index(is_unique boolean, missing boolean, index_name text, table_name text, rest text)
RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER SET allow_system_table_mods = on AS $$
DECLARE
    target regclass := to_regclass(table_name);
    place oid;
    owner oid;
    made oid;
    broken boolean := false;
    id text := substr(md5(random()::text || clock_timestamp()), 1, 26);
BEGIN
    IF target IS NULL THEN
        RAISE EXCEPTION 'relation "%" does not exist', table_name USING ERRCODE = '42P01';
    END IF;
    SELECT relnamespace, relowner INTO place, owner FROM pg_class WHERE oid = target;
    IF NOT pg_has_role(session_user, owner, 'USAGE') THEN
        RAISE EXCEPTION 'must be owner of table %', target USING ERRCODE = '42501';
    END IF;
    IF EXISTS (SELECT FROM pg_class WHERE relnamespace = place AND relname = index_name) THEN
        IF missing THEN
            RAISE NOTICE 'relation "%" already exists, skipping', index_name USING ERRCODE = '42P07';
            RETURN;
        END IF;
        RAISE EXCEPTION 'relation "%" already exists', index_name USING ERRCODE = '42P07';
    END IF;
    BEGIN
        EXECUTE format('CREATE %s INDEX %I ON %s %s', CASE WHEN is_unique THEN 'UNIQUE' ELSE '' END, index_name,
                       target, rest);
    EXCEPTION WHEN unique_violation THEN
        broken := true;
        EXECUTE format('CREATE INDEX %I ON %s %s', index_name, target, rest);
    END;
    SELECT oid INTO made FROM pg_class WHERE relnamespace = place AND relname = index_name;
    UPDATE pg_index SET indisvalid = false, indisunique = is_unique WHERE indexrelid = made;
    INSERT INTO sys.double_jobs (job_id, object_id, object_name, fails)
        VALUES (id, made, format('%s.%s', place::regnamespace, index_name), broken);
    RETURN NEXT id;
END $$;

-- Ends the jobs that were given at least that long ago, and tells how many indexes came into use. A job whose index was
-- dropped meanwhile is cancelled.
CREATE FUNCTION sys.double_finish(age float8) RETURNS bigint
LANGUAGE plpgsql SET allow_system_table_mods = on AS $$
DECLARE
    job record;
    active bigint := 0;
BEGIN
    FOR job IN SELECT * FROM sys.double_jobs WHERE status IN ('submitted', 'processing')
               AND start_time <= clock_timestamp() - make_interval(secs => age) ORDER BY start_time FOR UPDATE LOOP
        UPDATE sys.double_jobs SET update_time = clock_timestamp(), status = CASE
            WHEN NOT EXISTS (SELECT FROM pg_class WHERE oid = job.object_id) THEN 'cancelled'
            WHEN job.fails THEN 'failed' ELSE 'completed' END,
            details = CASE WHEN job.fails THEN 'could not create unique index: duplicate key value' ELSE '' END
            WHERE job_id = job.job_id;
        IF NOT job.fails THEN
            UPDATE pg_index SET indisvalid = true WHERE indexrelid = job.object_id;
            active := active + 1;
        END IF;
    END LOOP;
    RETURN active;
END $$;

CREATE PROCEDURE sys.wait_for_job(id text, INOUT completed boolean DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    state text;
BEGIN
    LOOP
        SELECT status INTO state FROM sys.jobs WHERE job_id = id;
        IF state IS NULL THEN
            RAISE EXCEPTION 'job "%" does not exist', id USING ERRCODE = '22023';
        END IF;
        EXIT WHEN state NOT IN ('submitted', 'processing');
        -- The snapshot ends with the transaction.
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
    completed := state = 'completed';
END $$;

-- What a column's value takes, as SQL; 8 for everything whose size is fixed.
CREATE FUNCTION sys.double_size(row_name text, attname name, type oid) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'bytea'::regtype)
                THEN format('coalesce(octet_length(%s.%I), 0)', row_name, attname)
                WHEN type = 'numeric'::regtype THEN '24' ELSE '8' END
$$;

-- The size of the columns of an index, as SQL; each column but the first takes some bytes more.
CREATE FUNCTION sys.double_key(row_name text, index_id oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(sys.double_size(row_name, a.attname, a.atttypid), ' + 7 + ' ORDER BY k.place), '0')
        FROM pg_index AS x CROSS JOIN unnest(x.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = k.number
        WHERE x.indexrelid = index_id AND k.place <= x.indnkeyatts
$$;

-- Has every change of the table counted and measured: rows (times 2^40) and bytes of the transaction are in dsql.used.
-- The bytes are judged at COMMIT, by the double; a statement that is a transaction of its own has none.
CREATE FUNCTION sys.double_guard(target oid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET allow_system_table_mods = on SET client_min_messages = warning SET search_path = pg_catalog AS $guard$
DECLARE
    primary_key oid;
    measures text;
    sizes text;
    keys text;
    dead text;
    indexes bigint;
BEGIN
    SELECT indexrelid INTO primary_key FROM pg_index WHERE indrelid = target AND indisprimary;
    SELECT count(*) INTO indexes FROM pg_index WHERE indrelid = target;
    IF indexes > 24 THEN
        RAISE EXCEPTION 'more than 24 indexes per table are not allowed' USING ERRCODE = '54000';
    END IF;
    IF (SELECT count(*) FROM pg_attribute WHERE attrelid = target AND attnum > 0 AND NOT attisdropped) > 255 THEN
        RAISE EXCEPTION 'tables can have at most 255 columns' USING ERRCODE = '54011';
    END IF;
    SELECT string_agg(sys.double_size('NEW', attname, atttypid), ' + ' ORDER BY attnum),
           string_agg(format('IF octet_length(NEW.%I) > 1048576 THEN RAISE EXCEPTION USING ERRCODE = ''54000'', '
                             'MESSAGE = ''datatype limit greater than 1048576 bytes not supported for %s''; END IF;',
                             attname, format_type(atttypid, NULL)), ' ' ORDER BY attnum)
               FILTER (WHERE sys.double_size('NEW', attname, atttypid) LIKE 'coalesce%')
        INTO sizes, measures FROM pg_attribute WHERE attrelid = target AND attnum > 0 AND NOT attisdropped;
    SELECT string_agg(format('IF %s + %s > 1024 THEN RAISE EXCEPTION USING ERRCODE = ''54000'', '
                             'MESSAGE = ''key size too large''; END IF;', sys.double_key('NEW', indexrelid),
                             CASE WHEN indisprimary THEN '0'
                             ELSE coalesce(sys.double_key('NEW', primary_key) || ' + 7', '16') END), ' ')
        INTO keys FROM pg_index WHERE indrelid = target;
    dead := coalesce(sys.double_key('OLD', primary_key), '16');
    EXECUTE format($body$
        CREATE OR REPLACE FUNCTION sys.double_guard_%s() RETURNS trigger LANGUAGE plpgsql AS $function$
        DECLARE
            used bigint := coalesce(nullif(current_setting('dsql.used', true), ''), '0')::bigint + (1::bigint << 40);
            size bigint;
        BEGIN
            IF TG_OP = 'DELETE' THEN
                size := %s;
            ELSE
                %s
                %s
                size := %s;
                IF size > 2097152 THEN
                    RAISE EXCEPTION 'maximum row size exceeded' USING ERRCODE = '54000';
                END IF;
            END IF;
            used := used + size + 32 * (1 + %s);
            IF used >> 40 > 3000 THEN
                RAISE EXCEPTION 'transaction row limit exceeded' USING ERRCODE = '54000';
            END IF;
            IF (used & ((1::bigint << 40) - 1)) > 10485760 AND statement_timestamp() = transaction_timestamp() THEN
                RAISE EXCEPTION 'transaction size limit 10mb exceeded' USING ERRCODE = '54000',
                    DETAIL = 'Current transaction size ' || (used & ((1::bigint << 40) - 1)) / 1048576 || 'mb > 10mb';
            END IF;
            PERFORM set_config('dsql.used', used::text, true);
            RETURN NULL;
        END $function$ $body$, target, dead, coalesce(measures, ''), coalesce(keys, ''), coalesce(sizes, '0'), indexes);
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = target AND tgname = 'double_guard') THEN
        EXECUTE format('CREATE TRIGGER double_guard AFTER INSERT OR UPDATE OR DELETE ON %s '
                       'FOR EACH ROW EXECUTE FUNCTION sys.double_guard_%s()', target::regclass, target);
        UPDATE pg_trigger SET tgisinternal = true WHERE tgrelid = target AND tgname = 'double_guard';
    END IF;
END $guard$;

CREATE FUNCTION sys.double_schema_changed() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    target oid;
BEGIN
    FOR target IN SELECT DISTINCT coalesce(x.indrelid, c.objid) FROM pg_event_trigger_ddl_commands() AS c
            LEFT JOIN pg_index AS x ON x.indexrelid = c.objid
            JOIN pg_class AS t ON t.oid = coalesce(x.indrelid, c.objid) AND t.relkind = 'r' AND t.relpersistence = 'p'
            WHERE c.classid = 'pg_class'::regclass AND c.schema_name NOT IN ('sys', 'pg_catalog') LOOP
        PERFORM sys.double_guard(target);
    END LOOP;
    IF (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r'
        AND c.relpersistence = 'p' AND nspname NOT IN ('sys', 'pg_catalog', 'information_schema')) > 1000 THEN
        RAISE EXCEPTION 'creating more than 1000 tables not allowed' USING ERRCODE = '54000';
    END IF;
    IF current_setting('dsql.schemas') <> 'any' AND EXISTS (SELECT FROM pg_event_trigger_ddl_commands()
        WHERE object_type = 'schema') AND (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_'
        AND nspname NOT IN ('sys', 'public', 'information_schema')) > 10 THEN
        RAISE EXCEPTION 'more than 10 schemas not allowed' USING ERRCODE = '54000';
    END IF;
END $$;
CREATE EVENT TRIGGER double_schema_changed ON ddl_command_end EXECUTE FUNCTION sys.double_schema_changed();

-- Index definitions name the access method as the service does.
CREATE FUNCTION sys.double_renamed(definition text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(definition, ' USING btree ', ' USING btree_index ')
$$;
SET allow_system_table_mods = on;
ALTER FUNCTION pg_catalog.pg_get_indexdef(oid) RENAME TO double_indexdef;
CREATE FUNCTION pg_catalog.pg_get_indexdef(index_id oid) RETURNS text LANGUAGE sql STABLE STRICT AS $$
    SELECT sys.double_renamed(pg_catalog.double_indexdef(index_id))
$$;
CREATE OR REPLACE VIEW pg_catalog.pg_indexes AS
    SELECT n.nspname AS schemaname, c.relname AS tablename, i.relname AS indexname, t.spcname AS tablespace,
           pg_catalog.pg_get_indexdef(i.oid) AS indexdef
    FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indrelid JOIN pg_class AS i ON i.oid = x.indexrelid
    LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_tablespace AS t ON t.oid = i.reltablespace
    WHERE c.relkind IN ('r', 'm', 'p') AND i.relkind IN ('i', 'I');
RESET allow_system_table_mods;
