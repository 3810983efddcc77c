// Records of every shape, written by one store and read by the other.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { Peer } from './peer.mjs';
import { Refusal, assertEqual, assertIntact, openOurs, query, scratch } from './support.mjs';

const at = (milliseconds) => new Date(Date.UTC(2024, 1, 29, 23, 59, 59) + milliseconds).toISOString();

const IDS = [
    'plain',
    "o'neil",
    'say "hi"',
    'back\\slash',
    'two\nlines',
    'tab\tand\u0001control',
    '🧵🙂',
    'e\u0301 is not \u00e9',
    '#hash?query=1&x=%20',
    '  spaces  ',
    '$.path[0]',
    "'; DROP TABLE mastra_threads; --",
    'null',
    '{"id":1 is no JSON',
    'x'.repeat(2000),
];

const METADATA = [
    undefined,
    {},
    { a: 1 },
    { nested: { deeper: { list: [1, [2, [3, { end: null }]]] } } },
    { 'a b': 1, 'ключ': 'значение', '': 'empty', 'quote"': "'" },
    { numbers: [0, -1, 1.5, 1e21, 1e-7, 123456789012345, 5e-324, 1.7976931348623157e308] },
    { text: 'line\nline "quoted" \\ 🙂 \u2028 </script>', json: '{"a":1}', array: '[1]' },
    { yes: true, no: false, nothing: null, long: 'y'.repeat(20_000) },
    { control: '\u0000\u0001\u001f', lone: '\ud800' },
];

const CONTENTS = [
    { format: 2, parts: [] },
    { format: 2, parts: [{ type: 'text', text: 'Hello, wörld 🙂\n"quoted"' }], content: 'Hello' },
    {
        format: 2,
        parts: [
            {
                type: 'tool-invocation',
                toolInvocation: { state: 'result', toolCallId: 'c1', toolName: 't', args: { q: [1] }, result: null },
            },
        ],
        metadata: { k: 1, deep: { a: ['b'] } },
    },
    { format: 2, parts: [{ type: 'text', text: 'z'.repeat(300_000) }] },
    { format: 2, parts: [{ type: 'text', text: 'zero \u0000, lone \udc00' }] },
    { content: 'an older form', annotations: [] },
    [{ type: 'text', text: 'parts only' }],
    [],
    {},
    'just text',
    '',
    'text with \n newline, \'quotes\', "double", \\ and 🙂',
    '{"looks":"like JSON","n":[1,2]}',
    '[1,2,3]',
    '{not json',
    '{"a":1} and more',
];

function threadOf(n) {
    const metadata = METADATA[n % METADATA.length];
    return {
        id: IDS[n],
        resourceId: IDS[(n + 3) % IDS.length],
        title: n % 4 === 0 ? '' : `title of ${IDS[n]}`,
        createdAt: at(n),
        updatedAt: at(1000 + n),
        ...(metadata ? { metadata } : {}),
    };
}

// One message of each content in each of some threads; every third has the time of the one before.
function messagesOf(threadId, n) {
    return CONTENTS.map((content, i) => ({
        id: `${IDS[i % IDS.length]}#${n}.${i}`,
        threadId,
        resourceId: IDS[(n + i) % IDS.length],
        role: ['user', 'assistant', 'system', 'tool'][i % 4],
        content,
        createdAt: at(i % 3 === 2 ? (i - 1) * 7 : i * 7),
        ...(i % 5 === 1 ? { type: 'text' } : {}),
    }));
}

const threads = IDS.map((_, n) => threadOf(n));
const messages = threads.slice(0, 4).map(({ id }, n) => messagesOf(id, n));
const resources = IDS.map((id, n) => ({
    id,
    createdAt: at(n),
    updatedAt: at(2 * n),
    ...(n % 3 ? { workingMemory: n % 2 ? `# Memory\n- of ${id}` : '' } : {}),
    ...(METADATA[n % METADATA.length] ? { metadata: METADATA[n % METADATA.length] } : {}),
}));

async function writeAll(store) {
    for (const thread of threads) {
        await store.call('saveThread', { thread });
    }
    for (const batch of messages) {
        await store.call('saveMessages', { messages: batch });
    }
    for (const resource of resources) {
        await store.call('saveResource', { resource });
    }
}

async function readAll(store) {
    const read = { threads: await store.call('listThreads', { perPage: false }), each: [], messages: [], resources: [] };
    for (const { id } of threads) {
        read.each.push(await store.call('getThreadById', { threadId: id }));
        read.messages.push(await store.call('listMessages', { threadId: id, perPage: false }));
    }
    for (const { id } of resources) {
        read.resources.push(await store.call('getResourceById', { resourceId: id }));
    }
    return read;
}

// The order of threads with equal updatedAt, say, must not matter here; messages keep theirs.
function written(read) {
    return { ...read, threads: read.threads.threads.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

test('what the peer wrote, we read as it does', async (t) => {
    const file = path.join(scratch(t), 'peer.db');
    const peer = await Peer.open(file);
    peer.asStored = true;
    await writeAll(peer);
    const theirs = await readAll(peer);

    const ours = openOurs(t, file);
    assertEqual(written(await readAll(ours)), written(theirs), 'read by us');
    assert.equal(theirs.threads.total, threads.length);
    assert.deepEqual(theirs.messages.map(({ total }) => total).slice(0, 5), [...Array(4).fill(CONTENTS.length), 0]);
    await ours.close();
    peer.close();
    await assertIntact(file);
});

test('what we wrote, the peer reads as we do', async (t) => {
    const file = path.join(scratch(t), 'ours.db');
    const ours = openOurs(t, file);
    await writeAll(ours);
    const read = await readAll(ours);

    const peer = await Peer.open(file);
    peer.asStored = true;
    assertEqual(written(read), written(await readAll(peer)), 'read by the peer');
    await ours.close();
    peer.close();
    await assertIntact(file);
});

test('both write the same texts into the same columns', async (t) => {
    const folder = scratch(t);
    const files = ['ours.db', 'peer.db'].map((name) => path.join(folder, name));
    const ours = openOurs(t, files[0]);
    const peer = await Peer.open(files[1]);
    await writeAll(ours);
    await writeAll(peer);
    await ours.close();
    peer.close();

    for (const sql of [
        'SELECT id, thread_id, content, role, type, createdAt, resourceId FROM mastra_messages ORDER BY rowid',
        'SELECT id, resourceId, title, json(metadata) AS metadata, createdAt FROM mastra_threads ORDER BY rowid',
        'SELECT id, workingMemory, json(metadata) AS metadata, createdAt, updatedAt FROM mastra_resources ORDER BY rowid',
    ]) {
        assertEqual(await query(files[0], sql), await query(files[1], sql), sql);
    }
});

test('messages of format 2 come out of the adapter as they go in, whoever wrote them', async (t) => {
    const file = path.join(scratch(t), 'both.db');
    const ours = openOurs(t, file);
    const peer = await Peer.open(file);
    const usual = messages[0].filter(({ content, role }) => content.format === 2 && role !== 'system');

    await ours.call('saveThread', { thread: threads[0] });
    for (const [n, message] of usual.entries()) {
        await (n % 2 ? ours : peer).call('saveMessages', { messages: [message] });
    }
    const theirs = await peer.call('listMessages', { threadId: threads[0].id });
    assertEqual(await ours.call('listMessages', { threadId: threads[0].id }), theirs, 'listMessages');
    assert.equal(theirs.messages.length, usual.length);
    await ours.close();
    peer.close();
});

test('numbers that JavaScript cannot hold pass through us unharmed', async (t) => {
    const file = path.join(scratch(t), 'numbers.db');
    const ours = openOurs(t, file);
    const numbers = '{"big":9007199254740993,"long":0.1000000000000000055511151231257827,"e":1E+400,"z":-0.0}';
    const saved = await ours.line(
        `{"id":1,"op":"saveMessages","args":{"messages":[{"id":"n","threadId":"t","role":"user","content":${numbers}}]}}`,
    );
    assert.ok(saved.includes(numbers), saved);
    assert.ok((await ours.line('{"id":2,"op":"listMessages","args":{"threadId":"t"}}')).includes(numbers));
    assert.deepEqual(await query(file, 'SELECT content FROM mastra_messages'), [{ content: numbers }]);
    await ours.close();
});

test('one id twice in a call: the last content, the first time and place', async (t) => {
    const folder = scratch(t);
    const ours = openOurs(t, path.join(folder, 'ours.db'));
    const peer = await Peer.open(path.join(folder, 'peer.db'));
    peer.asStored = true;
    const message = (id, text) => ({
        id,
        threadId: 't',
        resourceId: 'r',
        role: 'user',
        content: { format: 2, parts: [{ type: 'text', text }] },
        createdAt: at(0),
    });
    const args = { messages: [message('z', 'first'), message('a', 'other'), message('z', 'last')] };
    assertEqual(await ours.call('saveMessages', args), await peer.call('saveMessages', args), 'saveMessages');
    const list = ['listMessages', { threadId: 't' }];
    assertEqual(await ours.call(...list), await peer.call(...list), 'listMessages');
    await ours.close();
    peer.close();
});

// Times that other writers left in other forms: without a zone they are UTC.
test('times that are not in the usual form are read', async (t) => {
    const file = path.join(scratch(t), 'times.db');
    const peer = await Peer.open(file);
    const thread = { ...threads[0], id: 'times' };
    await peer.call('saveThread', { thread });
    await query(file, 'UPDATE mastra_threads SET createdAt = ?, updatedAt = ?', [
        '2024-01-01T01:00:00+01:00',
        '2024-01-01T00:00:00.123456Z',
    ]);
    const ours = openOurs(t, file);
    const read = await ours.call('getThreadById', { threadId: 'times' });
    assert.equal(read.createdAt, '2024-01-01T00:00:00.000Z');
    assert.equal(read.updatedAt, '2024-01-01T00:00:00.123Z');
    assertEqual(read, await peer.call('getThreadById', { threadId: 'times' }), 'getThreadById');
    await ours.close();
    peer.close();
});

// The adapter stores the text of a date in quotes when updateMessages is given one, and then reads no time at all.
test('a time that the peer has spoilt harms nothing else', async (t) => {
    const file = path.join(scratch(t), 'spoilt.db');
    const peer = await Peer.open(file);
    const [first, second] = messages[0];
    await peer.call('saveMessages', { messages: [first, second] });
    await peer.memory.updateMessages({ messages: [{ id: first.id, createdAt: new Date(at(0)) }] });

    const ours = openOurs(t, file);
    const read = await ours.call('listMessages', { threadId: first.threadId });
    assert.deepEqual(read.messages.map(({ id }) => id).toSorted(), [first.id, second.id].toSorted());
    await ours.close();
    peer.close();
});

const REFUSED = [
    ['listMessages', { threadId: '' }],
    ['listMessages', { threadId: ' ' }],
    ['listMessages', { threadId: [] }],
    ['listMessages', { threadId: ['t', ''] }],
    ['listMessages', { threadId: 't', page: -1 }],
    ['listMessages', { threadId: 't', perPage: -1 }],
    ['listMessages', { threadId: 't', perPage: 1.5 }],
    ['listMessages', { threadId: 't', filter: { metadata: { 'a b': 1 } } }],
    ['listMessages', { threadId: 't', filter: { metadata: { a: {} } } }],
    ['listMessages', { threadId: 't', filter: { metadata: [] } }],
    ['listMessagesByResourceId', { resourceId: ' ' }],
    ['listMessagesByResourceId', { resourceId: 'r', page: -1 }],
    ['listThreads', { page: -1 }],
    ['listThreads', { perPage: -1 }],
    ['listThreads', { perPage: 1.5 }],
    ['listThreads', { perPage: false, page: 1 }],
    ['listThreads', { filter: { metadata: { 'a b': 1 } } }],
    ['listThreads', { filter: { metadata: { ['a'.repeat(129)]: 1 } } }],
    ['listThreads', { filter: { metadata: { constructor: 1 } } }],
    ['updateThread', { id: 'none', title: 'x' }],
    ['updateThreadResourceId', { threadId: 'none', resourceId: 'r' }],
    ['cloneThread', { sourceThreadId: 'none' }],
    ['copyThread', { sourceThreadId: IDS[0], newThreadId: IDS[1] }],
    ['saveMessages', { messages: [{ id: 'm', role: 'user', content: 'x', resourceId: 'r' }] }],
];

test('what the peer refuses with an error of its own, we refuse with the same', async (t) => {
    const folder = scratch(t);
    const ours = openOurs(t, path.join(folder, 'ours.db'));
    const peer = await Peer.open(path.join(folder, 'peer.db'));
    await writeAll(ours);
    await writeAll(peer);

    const refusal = (store, [op, args]) =>
        store.call(op, args).then(
            () => assert.fail(`${op} ${JSON.stringify(args)} was answered`),
            (error) => {
                assert.ok(error instanceof Refusal, error);
                return error.error;
            },
        );
    const wrong = [];
    for (const request of REFUSED) {
        const [a, b] = [await refusal(ours, request), await refusal(peer, request)];
        // Some errors of the peer are plain ones.
        const same = a.message === b.message && (!b.id || (a.id === b.id && a.category === b.category));
        if (!same) {
            wrong.push({ request, ours: [a.id, a.category, a.message], theirs: [b.id, b.category, b.message] });
        }
    }
    assert.deepEqual(wrong, []);
    await ours.close();
    peer.close();
});

test('an empty title, id or resource of a copy counts as not given', async (t) => {
    const folder = scratch(t);
    const ours = openOurs(t, path.join(folder, 'ours.db'));
    const peer = await Peer.open(path.join(folder, 'peer.db'));
    for (const store of [ours, peer]) {
        await store.call('saveThread', { thread: threads[1] });
        const args = { sourceThreadId: threads[1].id, newThreadId: '', title: '', resourceId: '' };
        const { thread } = await store.call('copyThread', args);
        assert.equal(thread.title, `Clone of ${threads[1].title}`);
        assert.equal(thread.resourceId, threads[1].resourceId);
        assert.match(thread.id, /^[0-9a-f-]{36}$/);
    }
    await ours.close();
    peer.close();
});

test('a page number besides perPage: false is ignored by lists of messages', async (t) => {
    const folder = scratch(t);
    const ours = openOurs(t, path.join(folder, 'ours.db'));
    const peer = await Peer.open(path.join(folder, 'peer.db'));
    peer.asStored = true;
    const list = ['listMessages', { threadId: threads[0].id, perPage: false, page: 1 }];
    for (const store of [ours, peer]) {
        await store.call('saveMessages', { messages: messages[0] });
    }
    assertEqual(await ours.call(...list), await peer.call(...list), 'listMessages');
    await ours.close();
    peer.close();
});
