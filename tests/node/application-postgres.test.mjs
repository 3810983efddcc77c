// The application on PostgreSQL, see application.mjs.
import { query, schema, test } from '../interop/postgres.mjs';
import { compareApplications } from './application.mjs';
import { parsed } from './rows.mjs';

const places = { ours: schema('ours'), theirs: schema('theirs') };

// The order of messages within one time is a column of ours alone.
const level = (table, { mastraSeq, ...row }) => row;

const TIME = /^(\d{4}-\d\d-\d\dT[\d:.]+)(\+00:00)?$/;

/** A column as JSON has it, with times as they are written elsewhere. */
const value = (column) => (TIME.test(column) ? column.replace(TIME, '$1Z') : parsed(column));

const valuesOf = (row) => Object.fromEntries(Object.entries(row).map(([name, column]) => [name, value(column)]));

// An update moves a row to the end, so where it stands says nothing of when it was made.
const MADE = "coalesce(to_json(r)->>'startedAt', to_json(r)->>'createdAt')";

/** The rows of all tables. */
async function rows({ schemaName }) {
    const place = Object.values(places).find((candidate) => candidate.schema === schemaName);
    const tables = await query(place, 'SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1', [schemaName]);
    const found = {};
    for (const { tablename: table } of tables) {
        const sql = `SELECT to_json(r) AS row FROM "${table}" r ORDER BY ${MADE}, ctid`;
        found[table] = (await query(place, sql)).map(({ row }) => valuesOf(row));
    }
    return found;
}

const options = ({ url, schema: schemaName }) => ({ connectionString: url, schemaName });

compareApplications({
    test,
    name: 'PostgresStore',
    peer: '@mastra/pg',
    places: { ours: options(places.ours), theirs: options(places.theirs) },
    rows,
    level,
});
