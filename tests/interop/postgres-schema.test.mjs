// The tables, columns, constraints, indexes and functions that we make, beside those that the peer makes.
import assert from 'node:assert/strict';

import { Peer } from './peer.mjs';
import { database, dump, query, schema, test } from './postgres.mjs';
import { openOurs } from './support.mjs';

const SHARED = ['threads', 'messages', 'resources', 'workflow_snapshot', 'ai_spans', 'scorers'];

// What we add; each is in docs/postgresql.md.
const ADDED_COLUMNS = { mastra_messages: ['    "mastraSeq" bigint'] };

/** A dump as statements, each under its heading, the schema's name taken out of them. */
function statements(text, name) {
    const quoted = /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name}"`;
    const [, ...sections] = text.split(/^--\n-- Name: .*\n--\n/m);
    return sections.map((section) =>
        section
            .split('\n')
            .filter((line) => line && !/^(--|SET |\\)/.test(line))
            .join('\n')
            .replaceAll(`${quoted}.`, '<schema>.')
            .replaceAll(quoted, '<schema>'),
    );
}

/** Those about the tables that both have. */
function about(list) {
    const tables = new RegExp(`\\bmastra_(${SHARED.join('|')})\\b(?!\\w)`);
    return list.filter((statement) => tables.test(statement) || /^CREATE (FUNCTION|SCHEMA)/.test(statement));
}

function withoutAdditions(statement) {
    const table = /^CREATE TABLE <schema>\.(\w+)/.exec(statement)?.[1];
    const added = ADDED_COLUMNS[table] ?? [];
    const lines = statement.split('\n').filter((line) => !added.includes(line.replace(/,$/, '')));
    // The last column has no comma, whichever it is.
    return lines.map((line, n) => (n === lines.length - 2 ? line.replace(/,$/, '') : line)).join('\n');
}

const mentions = (word) => (statement) => statement.includes(word);

async function compare(t, places) {
    const ours = openOurs(t, places.ours);
    await ours.call('init');
    await ours.close();
    const peer = await Peer.open(places.theirs);
    await peer.close();
    const mine = about(statements(await dump(places.ours), places.ours.schema));
    const theirs = about(statements(await dump(places.theirs), places.theirs.schema));
    const level = mine.map(withoutAdditions);
    assert.deepEqual(
        theirs.filter((statement) => !level.includes(statement)),
        [],
        'nothing of the peer is missing',
    );
    return level.filter((statement) => !theirs.includes(statement));
}

/** Indexes that we add, as "table (columns)". */
function added(extra) {
    return extra.map((statement) => {
        const index = /^CREATE (?:UNIQUE )?INDEX \S+ ON <schema>\.(\w+) USING (.*)$/s.exec(statement);
        assert.ok(index, `an addition that is no index:\n${statement}`);
        return `${index[1]} ${index[2]}`;
    });
}

const ADDED_INDEXES = [
    'mastra_messages btree (thread_id, COALESCE("createdAtZ", ("createdAt" AT TIME ZONE \'UTC\'::text)), ' +
        'COALESCE("mastraSeq", (0)::bigint), id COLLATE "C") INCLUDE ("resourceId");',
];

for (const [about, name] of [
    ['a schema in small letters', 'plain_schema'],
    ['a schema whose name needs quotes', "Custom S-1.ü"],
    ['a schema whose name begins with a digit', '1st'],
]) {
    test(`${about} gets the peer's tables and what is documented besides`, async (t) => {
        const places = { ours: await database({ schema: name }), theirs: await database({ schema: name }) };
        assert.deepEqual(added(await compare(t, places)), ADDED_INDEXES);
    });
}

// The peer gives many of its indexes one and the same name there, and so has only the first of them.
test("a name as long as names may be gets the peer's tables, and all indexes and keys besides", async (t) => {
    const name = `long_${'x'.repeat(58)}`;
    const places = { ours: await database({ schema: name }), theirs: await database({ schema: name }) };
    const extra = await compare(t, places);
    const keys = extra.filter(mentions('PRIMARY KEY ("traceId", "spanId")'));
    assert.equal(keys.length, 1);
    assert.deepEqual(
        ADDED_INDEXES.filter((index) => !added(extra.filter((e) => !keys.includes(e))).includes(index)),
        [],
    );
});

test('the default schema gets them, too', async (t) => {
    const places = { ours: await database(), theirs: await database() };
    assert.deepEqual(added(await compare(t, places)), ADDED_INDEXES);
});

test('what the peer made before stays as it is', async (t) => {
    const place = schema('taken');
    const peer = await Peer.open(place);
    const before = statements(await dump(place), place.schema);
    const ours = openOurs(t, place);
    await ours.call('init');
    const after = statements(await dump(place), place.schema);
    const gone = before.filter((statement) => !after.map(withoutAdditions).includes(statement));
    assert.deepEqual(gone, []);
    await ours.close();
    await peer.close();
});

test("the peer's start on a schema of ours changes nothing of it", async (t) => {
    const place = schema('given');
    const ours = openOurs(t, place);
    await ours.call('init');
    const before = statements(await dump(place), place.schema);
    const peer = await Peer.open(place);
    const after = statements(await dump(place), place.schema);
    assert.deepEqual(before.filter((statement) => !after.includes(statement)), []);
    assert.equal(after.filter(mentions('mastra_threads_resourceid_createdat_idx')).length, 1);
    await ours.close();
    await peer.close();
});

test('what only we have is one table, and those of Mastra 0.x', async (t) => {
    const place = schema('own');
    const ours = openOurs(t, place);
    await ours.call('init');
    const tables = await query(place, 'SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1', [place.schema]);
    assert.deepEqual(
        tables.map(({ tablename }) => tablename),
        [...SHARED, 'evals', 'traces', 'workflow_run_locks'].map((name) => `mastra_${name}`).toSorted(),
    );
    await ours.close();
});
