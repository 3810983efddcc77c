// A database that a Mastra application wrote: an agent that echoed three messages.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Peer } from './peer.mjs';
import { assertEqual, assertIntact, command, fixture, openOurs, plain, query, runOurs, scratch } from './support.mjs';

const MESSAGES = [
    ['user', 'e1a65756-f249-4fc7-8b1e-7464850c871a'],
    ['assistant', '771a6632-ab5e-4c22-8746-4e7e6c6a0fe7'],
    ['user', '35d0c455-38ec-4f51-a0ec-8a33d0d16125'],
    ['assistant', 'a9a60505-1c87-4b7e-b7ab-cd997ce65d6d'],
    ['user', 'd442e6bc-744f-4ca6-9c4a-7acfa1d1dd4d'],
    ['assistant', '8457287b-46c1-430e-9839-346c82aa7237'],
];

const NEW = {
    id: 'saved by us',
    threadId: 'thread-A',
    resourceId: 'user-1',
    role: 'user',
    content: { format: 2, parts: [{ type: 'text', text: 'and "this" 🙂' }] },
    createdAt: '2026-12-01T00:00:00.000Z',
};

function copy(t) {
    const file = path.join(scratch(t), 'app.db');
    fs.copyFileSync(fixture, file);
    return file;
}

async function tables(file) {
    const names = await query(file, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`);
    const rows = {};
    for (const { name } of names) {
        const listed = await query(file, `SELECT * FROM "${name}" ORDER BY rowid`);
        const asText = (value) => (value instanceof ArrayBuffer ? Buffer.from(value).toString('hex') : value);
        rows[name] = listed.map((row) => Object.values(row).map(asText));
    }
    return rows;
}

test('threads shows its thread', async (t) => {
    const file = copy(t);
    const { threads, total } = await runOurs(file, 'threads');
    assert.equal(total, 1);
    assertEqual(
        threads,
        [
            {
                id: 'thread-A',
                resourceId: 'user-1',
                title: '',
                metadata: null,
                createdAt: '2026-11-21T05:01:48.909Z',
                updatedAt: '2026-11-21T05:01:49.071Z',
            },
        ],
        'threads --json',
    );
    const table = execFileSync(command, ['--store', `file:${file}`, 'threads'], { encoding: 'utf8' });
    assert.match(table, /thread-A.*user-1|user-1.*thread-A/);
});

test('messages shows its six messages in order', async (t) => {
    const file = copy(t);
    const { messages, total } = await runOurs(file, 'messages', 'thread-A');
    assert.deepEqual(
        messages.map(({ role, id }) => [role, id]),
        MESSAGES,
    );
    assert.equal(total, MESSAGES.length);

    const stored = await query(file, 'SELECT content FROM mastra_messages ORDER BY createdAt');
    assertEqual(
        messages.map(({ content }) => plain(content)),
        stored.map(({ content }) => plain(JSON.parse(content))),
        'content',
    );
    const table = execFileSync(command, ['--store', `file:${file}`, 'messages', 'thread-A'], { encoding: 'utf8' });
    const [hello, capital, emoji] = ['hello', 'what is the capital of', '"quoted" 😀'].map((text) =>
        table.indexOf(text),
    );
    assert.ok(hello >= 0 && hello < capital && capital < emoji, table);
});

test('our answers are those of the peer', async (t) => {
    const file = copy(t);
    const ours = openOurs(t, file);
    const peer = await Peer.open(file);
    for (const request of [
        ['listThreads', {}],
        ['getThreadById', { threadId: 'thread-A' }],
        ['listMessages', { threadId: 'thread-A' }],
        ['listMessages', { threadId: 'thread-A', perPage: 2, page: 1 }],
        ['listMessages', { threadId: 'thread-A', filter: { metadata: { modelId: 'mock' } } }],
        ['listMessagesByResourceId', { resourceId: 'user-1', orderBy: { field: 'createdAt', direction: 'DESC' } }],
    ]) {
        assertEqual(plain(await ours.call(...request)), await peer.call(...request), JSON.stringify(request));
    }
    await ours.close();
    peer.close();
});

test('a message saved by us is read by the peer, and everything else stays as it was', async (t) => {
    const file = copy(t);
    const before = await tables(file);
    const ours = openOurs(t, file);
    await ours.call('saveMessages', { messages: [NEW] });
    await ours.close();
    await assertIntact(file);

    const after = await tables(file);
    for (const [name, rows] of Object.entries(before)) {
        if (name !== 'mastra_messages' && name !== 'mastra_threads') {
            assert.deepEqual(after[name], rows, name);
        }
    }
    assert.deepEqual(after.mastra_messages.slice(0, MESSAGES.length), before.mastra_messages);

    const peer = await Peer.open(file);
    const { messages, total } = await peer.call('listMessages', { threadId: 'thread-A' });
    assert.equal(total, MESSAGES.length + 1);
    assert.deepEqual(
        messages.map(({ id }) => id),
        [...MESSAGES.map(([, id]) => id), NEW.id],
    );
    assertEqual(messages.at(-1), plain(NEW), 'the new message');
    const { threads } = await peer.call('listThreads', {});
    assert.ok(threads[0].updatedAt > '2026-11-21T05:01:49.071Z', 'the thread has moved');
    const workflows = await peer.store.getStore('workflows');
    assert.equal((await workflows.listWorkflowRuns()).total, 2);
    peer.close();
    await assertIntact(file);
});
