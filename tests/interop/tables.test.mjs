// Tables and rows by our operations and by the peer's own layer below its stores, on one file in turn.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { openPeerDb } from './peer-db.mjs';
import { Peer } from './peer.mjs';
import { Refusal, assertIntact, openOurs, openPeerProcess, plain, query, scratch } from './support.mjs';

const at = (second) => new Date(Date.UTC(2024, 0, 1, 0, 0, second)).toISOString();

const NOTES = {
    tableName: 'notes',
    schema: {
        id: { type: 'text', nullable: false, primaryKey: true },
        n: { type: 'integer' },
        big: { type: 'bigint', nullable: true },
        body: { type: 'jsonb', nullable: true },
        f: { type: 'float', nullable: false },
        yes: { type: 'boolean' },
        u: { type: 'uuid' },
        other: { type: 'geometry' },
        createdAt: { type: 'timestamp' },
    },
};
const PAIRS = {
    tableName: 'pairs',
    schema: { a: { type: 'text' }, b: { type: 'text', nullable: false }, c: { type: 'bigint' } },
    compositePrimaryKey: ['b', 'a'],
};
const MORE = {
    tableName: 'notes',
    schema: {
        t: { type: 'text' },
        i: { type: 'integer', nullable: false },
        j: { type: 'jsonb' },
        x: { type: 'float', nullable: true },
        N: { type: 'text' },
        left: { type: 'text' },
    },
    ifNotExists: ['t', 'i', 'j', 'x', 'N', 'nothing'],
};

const tableInfo = (file, table) => query(file, `SELECT * FROM pragma_table_info('${table}') ORDER BY cid`);

/** A fresh file each, initialised. */
async function open(t) {
    const folder = scratch(t);
    const files = { ours: path.join(folder, 'ours.db'), theirs: path.join(folder, 'theirs.db') };
    const ours = openOurs(t, files.ours);
    await ours.call('init');
    const peer = await Peer.open(files.theirs);
    peer.close();
    return { files, ours, theirs: openPeerDb(t, files.theirs) };
}

test('both make the same tables and add the same columns', async (t) => {
    const { files, ours, theirs } = await open(t);
    for (const [op, args] of [
        ['createTable', NOTES],
        ['createTable', NOTES],
        ['createTable', PAIRS],
        ['alterTable', MORE],
        ['alterTable', MORE],
    ]) {
        await ours.call(op, args);
        await theirs[op](args);
    }
    for (const table of ['notes', 'pairs']) {
        assert.deepEqual(await tableInfo(files.ours, table), await tableInfo(files.theirs, table));
    }
    for (const [table, column] of [
        ['notes', 't'],
        ['notes', 'T'],
        ['notes', 'left'],
        ['nothing', 'a'],
        ['mastra_threads', 'resourceId'],
        ['mastra_messages', 'thread_id'],
        ['mastra_messages', 'threadId'],
    ]) {
        assert.equal(await ours.call('hasColumn', { table, column }), await theirs.hasColumn(table, column));
    }
});

test('both refuse the same', async (t) => {
    const { ours, theirs } = await open(t);
    const text = { type: 'text' };
    for (const [op, args] of [
        ['createTable', { tableName: 'a b', schema: { a: text } }],
        ['createTable', { tableName: 'x'.repeat(64), schema: { a: text } }],
        ['createTable', { tableName: 'a', schema: {} }],
        ['createTable', { tableName: 'a', schema: { a: text }, compositePrimaryKey: ['z'] }],
        ['createTable', { tableName: 'a', schema: { a: { ...text, primaryKey: true }, b: { ...text, primaryKey: true } } }],
        ['alterTable', { tableName: 'nothing', schema: { a: text }, ifNotExists: ['a'] }],
        ['batchInsert', { tableName: 'mastra_threads', records: [{ id: 'a' }] }],
    ]) {
        const refusal = await ours.call(op, args).then(
            () => assert.fail(`${op} ${JSON.stringify(args)} was not refused`),
            (error) => error,
        );
        assert.ok(refusal instanceof Refusal);
        await assert.rejects(theirs[op](args), { id: refusal.error.id });
    }
});

const THREAD = {
    id: 't1',
    resourceId: 'r',
    title: 'T',
    metadata: { k: [1, 'x'] },
    createdAt: at(1),
    updatedAt: at(2),
    unknown: 1,
};
const SPAN = {
    traceId: 'tr',
    spanId: 's',
    name: 'n',
    spanType: 'agent_run',
    isEvent: true,
    startedAt: at(1),
    createdAt: at(1),
    attributes: { a: 1 },
    input: { text: 'x' },
};

// What each writes, the other reads in the same way; a second insert of a key replaces the row as a whole.
test('rows of Mastra tables', async (t) => {
    const { files } = await open(t);
    const steps = [
        ['mastra_threads', THREAD, { id: 't1' }],
        ['mastra_threads', { ...THREAD, title: 'U', metadata: undefined, createdAt: at(5) }, { id: 't1' }],
        ['mastra_ai_spans', SPAN, { spanId: 's' }],
        ['mastra_ai_spans', { ...SPAN, attributes: undefined, name: 'm' }, { traceId: 'tr', spanId: 's' }],
        ['mastra_workflow_snapshot', { workflow_name: 'w', run_id: '1', resourceId: 'r', snapshot: { s: 1 }, createdAt: at(1), updatedAt: at(1) }, { run_id: '1' }],
        ['mastra_workflow_snapshot', { workflow_name: 'w', run_id: '1', snapshot: { s: 2 }, createdAt: at(3), updatedAt: at(3) }, { workflow_name: 'w' }],
        ['mastra_messages', { id: 'm', thread_id: 't1', content: { format: 2, parts: [] }, role: 'user', type: 'v2', createdAt: at(1), resourceId: 'r' }, { thread_id: 't1' }],
        ['mastra_messages', { id: 'm', thread_id: 't1', content: 'x', role: 'user', type: 'v2', createdAt: at(4) }, { id: 'm' }],
    ];
    for (const file of [files.ours, files.theirs]) {
        const ours = openOurs(t, file);
        const theirs = openPeerDb(t, file);
        for (const [tableName, record, keys] of steps) {
            await theirs.insert({ tableName, record });
            const expected = plain(await theirs.select({ tableName, keys }));
            const rows = await query(file, `SELECT count(*) AS n FROM ${tableName}`);
            // Truth is a number to the peer's select, and a value to us, who know the column.
            const level = (row) => ({ ...row, isEvent: row.isEvent === undefined ? undefined : Boolean(row.isEvent) });
            assert.deepEqual(plain(level(await ours.call('load', { tableName, keys }))), plain(level(expected)));
            await ours.call('clearTable', { tableName });
            assert.equal(await theirs.select({ tableName, keys }), null);
            await ours.call('insert', { tableName, record });
            assert.deepEqual(plain(await theirs.select({ tableName, keys })), expected);
            await ours.call('insert', { tableName, record });
            assert.deepEqual(await query(file, `SELECT count(*) AS n FROM ${tableName}`), rows);
        }
        await assertIntact(file);
    }
});

test('tables of the peer that we do not know', async (t) => {
    const { files } = await open(t);
    const ours = openOurs(t, files.theirs);
    const theirs = openPeerDb(t, files.theirs);
    const tableName = 'mastra_agents';
    const record = { id: 'a', status: 'draft', metadata: { k: [1, { x: null }] }, favoriteCount: 3, createdAt: at(1), updatedAt: at(1) };
    await theirs.insert({ tableName, record });
    const expected = plain(await theirs.select({ tableName, keys: { id: 'a' } }));
    assert.deepEqual(await ours.call('load', { tableName, keys: { id: 'a' } }), expected);
    await ours.call('batchInsert', { tableName, records: [{ ...record, id: 'b' }, { ...record, id: 'a', status: 'live' }] });
    assert.deepEqual(plain(await theirs.select({ tableName, keys: { id: 'b' } })), { ...expected, id: 'b' });
    assert.deepEqual(plain(await theirs.select({ tableName, keys: { id: 'a' } })), { ...expected, status: 'live' });
});

test('the peer goes on with a file on which we did all this', async (t) => {
    const { files } = await open(t);
    const ours = openOurs(t, files.theirs);
    const theirs = openPeerProcess(t, files.theirs);
    const thread = (id, second) => ['saveThread', { thread: { id, resourceId: 'r', title: id, metadata: {}, createdAt: at(second), updatedAt: at(second) } }];
    const message = (id, threadId) => ['saveMessages', { messages: [{ id, threadId, resourceId: 'r', role: 'user', content: { format: 2, parts: [] }, createdAt: at(1) }] }];

    await theirs.call(...thread('old', 1));
    await ours.call('insert', { tableName: 'mastra_messages', record: { id: 'm-old', threadId: 'old', role: 'user', content: 'x', createdAt: at(1) } });
    await theirs.call(...thread('young', 9));
    await theirs.call(...message('m-young', 'young'));
    await ours.call('createTable', NOTES);
    await ours.call('createIndex', { name: 'idx_titles', table: 'mastra_threads', columns: ['title', 'createdAt DESC'] });
    await ours.call('alterTable', { tableName: 'mastra_threads', schema: { extra: { type: 'text', nullable: true } }, ifNotExists: ['extra'] });

    const pruned = await ours.call('prune', { olderThan: { threads: at(5) } });
    assert.deepEqual(pruned, { deleted: { mastra_threads: 1, mastra_messages: 1 } });
    assert.equal(await theirs.call('getThreadById', { threadId: 'old' }), null);
    assert.equal((await theirs.call('listMessages', { threadId: 'young' })).messages.length, 1);

    await theirs.call(...thread('later', 10));
    await theirs.call(...message('m-later', 'later'));
    await ours.call('dropTable', { tableName: 'mastra_messages' });
    assert.equal((await ours.call('listMessages', { threadId: 'later' })).total, 0);
    await theirs.call(...message('m-again', 'later'));
    assert.equal((await ours.call('listMessages', { threadId: 'later' })).total, 1);
    await ours.call('dropIndex', 'idx_titles');
    await ours.call('dropTable', { tableName: 'notes' });
    await ours.close();
    await theirs.close();

    // It opens the file anew as well.
    const again = openPeerProcess(t, files.theirs);
    assert.equal((await again.call('listThreads', {})).total, 2);
    await again.close();
    await assertIntact(files.theirs);
});

// Where we differ on purpose.
test('differences', async (t) => {
    const { files } = await open(t);
    const ours = openOurs(t, files.theirs);
    const theirs = openPeerDb(t, files.theirs);
    const load = (tableName, keys) => Promise.all([ours.call('load', { tableName, keys }), theirs.select({ tableName, keys })]);

    // No text is guessed to be JSON, and JSON that is a string is that string.
    await theirs.insert({ tableName: 'mastra_threads', record: { ...THREAD, title: '[1]' } });
    await theirs.insert({ tableName: 'mastra_ai_spans', record: { ...SPAN, input: 'text' } });
    const [thread, theirThread] = await load('mastra_threads', { id: 't1' });
    assert.deepEqual([thread.title, theirThread.title], ['[1]', [1]]);
    const [span, theirSpan] = await load('mastra_ai_spans', { spanId: 's' });
    assert.deepEqual([span.input, theirSpan.input], ['text', '"text"']);
    assert.deepEqual([span.isEvent, theirSpan.isEvent], [true, 1]);

    // A table that can be made can be filled.
    await theirs.createTable(NOTES);
    const record = { id: 'a', f: 1 };
    await assert.rejects(theirs.insert({ tableName: 'notes', record }), TypeError);
    await ours.call('insert', { tableName: 'notes', record });
    assert.equal((await ours.call('load', { tableName: 'notes', keys: { id: 'a' } })).f, 1);

    // Times that the store knows how to set may be left out.
    const bare = { id: 'b', resourceId: 'r' };
    await assert.rejects(theirs.insert({ tableName: 'mastra_threads', record: bare }), /NOT NULL/);
    await ours.call('insert', { tableName: 'mastra_threads', record: bare });
    assert.equal((await ours.call('load', { tableName: 'mastra_threads', keys: { id: 'b' } })).title, '');

    // Both refuse to look for nothing in particular, each in its words.
    await assert.rejects(ours.call('load', { tableName: 'mastra_threads', keys: {} }), { message: /must name a column/ });
    await assert.rejects(theirs.select({ tableName: 'mastra_threads', keys: {} }), /syntax error/);
});
