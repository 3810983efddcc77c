// The same calls on the peer's table and on ours leave the same items, attribute for attribute, but for our mastra_*
// ones and for what the peer writes as an empty string; and each store reads the other's table as its own.
import assert from 'node:assert/strict';

import { items, openPeer, table, test } from './dynamodb.mjs';
import { assertEqual, openOurs } from './support.mjs';

const at = (milliseconds) => new Date(Date.UTC(2024, 1, 29, 23, 59, 59) + milliseconds).toISOString();

const IDS = [
    'plain',
    'MiXed Case',
    "o'neil",
    'say "hi"',
    'back\\slash',
    'two\nlines',
    'tab\tand\u0001control',
    '🧵🙂𐐀',
    'e\u0301 is not \u00c9',
    '#hash?query=1&x=%20#id_plain',
    '  spaces  ',
    '$.path[0]',
    'İstanbul ẞ K Å Ა',
    'ΟΔΥΣΣΕΥΣ ΑΣ.Β',
    'Σ',
    'x'.repeat(900),
];

const METADATA = [
    undefined,
    {},
    { a: 1, Key: 'Value', n: 1.5, nested: { a: [1, null, true] } },
    { 'a b': 1, ключ: 'значение', '': 'empty', 'quote"': "'" },
    { numbers: [0, -1, 1.5, 1e21, 1e-7, 123456789012345, 5e-324, 1.7976931348623157e308] },
    { text: 'line\nline "quoted" \\ 🙂 \u2028 </script>', json: '{"a":1}', array: '[1]' },
    { control: '\u0000\u0001\u001f', lone: '\ud800', yes: true, nothing: null, long: 'y'.repeat(20_000) },
];

// A plain text that is no JSON keeps the peer from listing the message at all.
const CONTENTS = [
    { format: 2, parts: [] },
    { format: 2, parts: [{ type: 'text', text: 'Hello, wörld 🙂\n"quoted"' }], content: 'Hello' },
    { format: 2, parts: [{ type: 'text', text: 'z'.repeat(30_000) }], metadata: { k: 1, deep: { a: ['b'] } } },
    { format: 2, parts: [{ type: 'text', text: 'zero \u0000, lone \udc00' }] },
    [{ type: 'text', text: 'parts only' }],
    {},
    '{"looks":"like JSON","n":[1,2]}',
    'just text, with \n newline, "double", \\ and 🙂',
];

const meta = (n) => (METADATA[n % METADATA.length] ? { metadata: METADATA[n % METADATA.length] } : {});

const threads = IDS.map((id, n) => ({
    id,
    resourceId: IDS[(n + 3) % IDS.length],
    title: `title of ${id}`,
    createdAt: at(n),
    updatedAt: at(1000 + n),
    ...meta(n),
}));

const messages = IDS.map((id, n) => ({
    id,
    threadId: IDS[n % 3],
    ...(n % 2 ? { resourceId: IDS[(n + 5) % IDS.length] } : {}),
    role: ['user', 'assistant', 'system', 'tool'][n % 4],
    content: CONTENTS[n % CONTENTS.length],
    createdAt: at(n * 7),
    type: ['v2', 'text', 'tool-call'][n % 3],
}));

const resources = IDS.map((id, n) => ({
    id,
    createdAt: at(n),
    ...(n % 3 ? { workingMemory: `# Memory\n- of ${id}` } : {}),
    ...meta(n),
}));

const runOf = (id, n) => ({
    workflowName: IDS[n % 4],
    runId: id,
    ...(n % 2 ? { resourceId: 'Res' } : {}),
    snapshot: { runId: id, status: 'running', value: {}, context: { input: n }, timestamp: 1735787045678 },
    createdAt: at(n),
    updatedAt: at(n + 1),
});

const scoreOf = (n, more) => ({
    scorerId: 'Scorer-A',
    entityId: 'Agent#1',
    entityType: 'AGENT',
    runId: `Run-${n}`,
    score: [0.75, -1.25e-7, 9007199254740991, 0, 123456789.125][n % 5],
    source: 'LIVE',
    scorer: { id: 'Scorer-A', name: 'Scorer A' },
    input: [{ role: 'user', content: 'hi' }],
    output: n % 2 ? { text: 'yo' } : 'plain text',
    entity: { id: 'Agent#1', name: 'A' },
    traceId: `Trace-${n}`,
    spanId: 'Span-9',
    resourceId: 'Res',
    threadId: 'Thr',
    reason: `because ${n}`,
    ...more,
});

// What is done to both, in this order; the items are compared after each group.
const GROUPS = {
    'threads are saved': threads.map((thread) => ['saveThread', { thread }]),
    'a thread is saved again': [
        ['saveThread', { thread: { ...threads[2], title: 'again', createdAt: at(50), metadata: { b: 2 } } }],
    ],
    'threads are updated': threads.flatMap(({ id }, n) => [
        ['updateThread', { id, title: `new ${n}`, metadata: { more: n, a: { b: n } } }],
    ]),
    'messages are saved': [
        ['saveMessages', { messages: messages.slice(0, 6) }],
        ...messages.slice(6).map((message) => ['saveMessages', { messages: [message] }]),
    ],
    'messages are updated': [
        ['updateMessages', { messages: [{ id: IDS[0], role: 'assistant', content: { metadata: { color: 'red' } } }] }],
        ['updateMessages', { messages: [{ id: IDS[1], type: 'text' }, { id: 'no such message', role: 'user' }] }],
        ['updateMessages', { messages: [{ id: IDS[3], threadId: IDS[1], resourceId: 'moved' }] }],
    ],
    'resources are saved': resources.map((resource) => ['saveResource', { resource }]),
    'resources are updated': resources.flatMap(({ id }, n) => [
        ['updateResource', { resourceId: id, workingMemory: `more ${n}`, metadata: { n } }],
    ]),
    'a resource is made by its update': [['updateResource', { resourceId: 'Fresh', workingMemory: 'w' }]],
    'runs are saved': IDS.map((id, n) => ['persistWorkflowSnapshot', runOf(id, n)]),
    'a run is saved again': [['persistWorkflowSnapshot', { ...runOf(IDS[1], 1), createdAt: at(77), snapshot: { s: 1 } }]],
    'a run gets results': [
        [
            'updateWorkflowResults',
            {
                workflowName: IDS[0],
                runId: IDS[0],
                stepId: 'step',
                result: { status: 'success', output: { x: 1 }, startedAt: 1, endedAt: 2, payload: {} },
                requestContext: { k: 1 },
            },
        ],
        ['updateWorkflowState', { workflowName: IDS[2], runId: IDS[2], opts: { status: 'suspended' } }],
    ],
    'scores are saved': [
        ...Array.from({ length: 5 }, (_, n) => ['saveScore', scoreOf(n)]),
        [
            'saveScore',
            scoreOf(5, {
                requestContext: { r: 1 },
                additionalContext: { c: 1 },
                metadata: { m: true },
                preprocessStepResult: { p: 1 },
                analyzeStepResult: { a: 1 },
                preprocessPrompt: 'pp',
                analyzePrompt: 'ap',
                extractPrompt: 'ep',
                generateScorePrompt: 'gsp',
                generateReasonPrompt: 'grp',
            }),
        ],
    ],
    // From then on we tell the two spellings apart, which the peer does not.
    'a thread is saved in capitals': [
        ['saveThread', { thread: { ...threads[5], id: threads[5].id.toUpperCase(), metadata: {} } }],
    ],
    'messages are deleted': [['deleteMessages', [IDS[4], IDS[7], 'no such message']]],
    'a thread is deleted': [['deleteThread', { threadId: IDS[1] }]],
    'a run is deleted': [['deleteWorkflowRunById', { workflowName: IDS[1], runId: IDS[5] }]],
};

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d\.\d{3}[Zz]/g;

/** What stands for a time of this run and for ids that a store has drawn, and without what may differ. */
function levelled(item, since) {
    const entries = Object.entries(item).filter(([name, value]) => !name.startsWith('mastra_') && value.S !== '');
    return Object.fromEntries(
        entries.map(([name, value]) => {
            const text = JSON.stringify(value)
                .replace(TIME, (time) => (time.toUpperCase() >= since ? '<now>' : time))
                .replace(UUID, '<id>');
            return [name, JSON.parse(text)];
        }),
    );
}

async function dump(place, since) {
    const all = (await items(place)).map((item) => levelled(item, since));
    return all.toSorted((a, b) => (JSON.stringify([a.pk, a.gsi2pk, a.sk]) < JSON.stringify([b.pk, b.gsi2pk, b.sk]) ? -1 : 1));
}

const named = (list) => Object.fromEntries(list.map((item) => [`${item.pk.S} ${item.gsi2pk?.S ?? ''} ${item.sk.S}`, item]));

for (const indexes of [2, 7]) {
    test(`the same calls leave the same items, on a table with ${indexes} indexes`, async (t) => {
        const since = new Date().toISOString();
        const places = { ours: await table({ indexes }), theirs: await table({ indexes }) };
        const ours = openOurs(t, places.ours);
        const theirs = openPeer(t, places.theirs);
        for (const [group, calls] of Object.entries(GROUPS)) {
            for (const [op, args] of calls) {
                await Promise.all([ours.call(op, args), theirs.call(op, args)]);
            }
            const [a, b] = await Promise.all([dump(places.ours, since), dump(places.theirs, since)]);
            assertEqual(named(a), named(b), group);
        }
        await ours.close();
        await theirs.close();
    });
}

/** What the operations give of what the groups have written, in a form that both stores answer alike. */
async function reads(store) {
    const read = { threads: [], messages: [], resources: [], runs: [], lists: {} };
    const message = ({ id, threadId, role, content, createdAt, resourceId = null }) => ({
        ...{ id, threadId, role, content, createdAt, resourceId },
    });
    for (const id of IDS) {
        const thread = await store.call('getThreadById', { threadId: id });
        const { title, resourceId, metadata = null, createdAt } = thread ?? {};
        read.threads.push(thread && { id: thread.id, title, resourceId, metadata, createdAt });
        const { workingMemory = null, metadata: more = null } = await store.call('getResourceById', { resourceId: id });
        read.resources.push({ workingMemory, metadata: more });
        const list = await store.call('listMessages', { threadId: id, perPage: false });
        // What is no JSON the peer leaves out.
        const shown = list.messages.filter(({ content }) => typeof content !== 'string').map(message);
        read.messages.push(shown);
    }
    for (const [n, runId] of IDS.entries()) {
        const run = await store.call('getWorkflowRunById', { runId, workflowName: IDS[n % 4] });
        read.runs.push(run && { ...run, resourceId: run.resourceId ?? null, updatedAt: null });
    }
    const scores = await store.call('listScoresByScorerId', { scorerId: 'Scorer-A', pagination: { page: 0, perPage: 20 } });
    const score = ({ runId, score: value, output, input, traceId, reason }) => ({ runId, value, output, input, traceId, reason });
    read.lists.scores = scores.scores.map(score).toSorted((a, b) => (a.runId < b.runId ? -1 : 1));
    const byResource = await store.call('listThreads', { filter: { resourceId: IDS[5] }, perPage: false });
    read.lists.threads = byResource.threads.map(({ id }) => id);
    const byIds = await store.call('listMessagesById', { messageIds: IDS });
    read.lists.byIds = byIds.messages.map(({ id }) => id).toSorted();
    return read;
}

test('each reads what the other has written', async (t) => {
    const places = { ours: await table(), theirs: await table() };
    const ours = openOurs(t, places.ours);
    const theirs = openPeer(t, places.theirs);
    const { 'a thread is saved in capitals': capitals, ...groups } = GROUPS;
    assert.equal(capitals.length, 1);
    for (const [op, args] of Object.values(groups).flat()) {
        await Promise.all([ours.call(op, args), theirs.call(op, args)]);
    }
    const expected = await reads(theirs);
    assert.equal(expected.threads.filter(Boolean).length, IDS.length - 1);
    assert.equal(expected.lists.scores.length, 6);

    const weReadTheirs = openOurs(t, places.theirs);
    const theyReadOurs = openPeer(t, places.ours);
    assertEqual(await reads(ours), expected, 'we read what we wrote');
    assertEqual(await reads(weReadTheirs), expected, 'we read what the peer wrote');
    assertEqual(await reads(theyReadOurs), expected, 'the peer reads what we wrote');
    for (const store of [ours, theirs, weReadTheirs, theyReadOurs]) {
        await store.close();
    }
});
