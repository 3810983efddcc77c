// The application on PostgreSQL, see application.mjs.
import { query, schema, test } from '../interop/postgres.mjs';
import { compareApplications } from './application.mjs';

const places = { ours: schema('ours'), theirs: schema('theirs') };

// The order of messages within one time is a column of ours alone.
const level = (table, { mastraSeq, ...row }) => row;

/** The rows of all tables, as JSON has them. */
async function rows({ schemaName }) {
    const place = Object.values(places).find((candidate) => candidate.schema === schemaName);
    const tables = await query(place, 'SELECT tablename FROM pg_tables WHERE schemaname = $1', [schemaName]);
    const found = {};
    for (const { tablename: table } of tables) {
        found[table] = (await query(place, `SELECT to_json(r) AS row FROM "${table}" r`)).map(({ row }) => row);
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
