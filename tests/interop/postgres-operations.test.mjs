// Random operations on schemas of PostgreSQL, see operations.mjs.
import { compareOperations } from './operations.mjs';
import { query, schema, test } from './postgres.mjs';

const SEEDS = [2, 30, 400, 5000];
const STEPS = 300;

// Among equal times the adapter orders by id where we keep the order of saving, it saves a resource only once, and a new
// time for a message reaches only one of its two columns. Both save no message of a thread that is not there.
const habits = { distinctTimes: true, newResources: true, threadsFirst: true, fixedTimes: true };

const time = (column) => `to_char("${column}", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "${column}"`;

/** The rows as they stand, both columns of each time among them. */
async function rows(place) {
    const both = (column) => `${time(column)}, ${time(`${column}Z`)}`;
    return {
        threads: await query(
            place,
            `SELECT id, "resourceId", title, metadata, ${both('createdAt')}, ${both('updatedAt')} FROM mastra_threads`,
        ),
        messages: await query(
            place,
            `SELECT id, thread_id, content, role, type, ${both('createdAt')}, "resourceId" FROM mastra_messages`,
        ),
    };
}

const key = ({ thread_id: thread, createdAt, id }) => JSON.stringify([thread, createdAt, id]);
const arrange = (messages) => messages.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));

const open = () => ({ ours: schema('ours'), theirs: schema('theirs') });

for (const seed of SEEDS) {
    test(`${STEPS} random operations answer alike, seed ${seed}`, (t) =>
        compareOperations(t, seed, STEPS, { open, rows, arrange, habits }));
}
