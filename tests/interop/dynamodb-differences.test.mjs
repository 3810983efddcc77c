// Where we differ from @mastra/dynamodb on purpose, both answers pinned with our reason.
import assert from 'node:assert/strict';
import { after } from 'node:test';

import { available, item, items, messageKey, openPeer, table, test, threadKey } from './dynamodb.mjs';
import { Refusal, openOurs } from './support.mjs';

const at = (second) => new Date(Date.UTC(2024, 0, 1) + second * 1000).toISOString();
const thread = (id, more) => [
    'saveThread',
    { thread: { id, resourceId: 'r', title: 'T', createdAt: at(0), updatedAt: at(0), ...more } },
];
const message = (id, threadId, more) => ({
    id,
    threadId,
    resourceId: 'r',
    role: 'user',
    content: { format: 2, parts: [] },
    createdAt: at(1),
    ...more,
});
const save = (...messages) => ['saveMessages', { messages }];
const ids = (answer) => (answer.messages ?? answer.threads).map(({ id }) => id);

// name: what is asked. why: our reason. first: what is stored before. call: the operation. see: what is looked at in the
// answer, and in the table. ours, theirs: what is seen then.
const DIFFERENCES = [
    {
        name: 'messages of equal time',
        why: 'they come in the order in which they were saved, as from every other store of ours',
        first: [thread('d1'), save(message('d1-b', 'd1'), message('d1-a', 'd1'))],
        call: ['listMessages', { threadId: 'd1' }],
        see: ids,
        ours: ['d1-b', 'd1-a'],
        theirs: ['d1-a', 'd1-b'],
    },
    {
        name: 'a message that is saved again',
        why: 'it keeps its first time on every backend',
        first: [thread('d2'), save(message('d2', 'd2')), save(message('d2', 'd2', { createdAt: at(9) }))],
        call: ['listMessages', { threadId: 'd2' }],
        see: ({ messages }) => messages[0].createdAt,
        ours: at(1),
        theirs: at(9),
    },
    {
        name: 'a message of a thread that is not there',
        why: 'we make no stub of a thread, which breaks lists of the peer',
        first: [save(message('d3', 'd3'))],
        call: ['listMessages', { threadId: 'd3' }],
        see: async (answer, place) => [ids(answer), Boolean(await item(place, threadKey('d3')))],
        ours: [['d3'], false],
        theirs: [['d3'], true],
    },
    {
        name: 'several threads at once',
        why: 'the peer looks for one thread whose id has a comma in it',
        first: [thread('d4'), thread('d4+'), save(message('d4', 'd4')), save(message('d4+', 'd4+', { createdAt: at(2) }))],
        call: ['listMessages', { threadId: ['d4', 'd4+'] }],
        see: ids,
        ours: ['d4', 'd4+'],
        theirs: [],
    },
    {
        name: 'content that is a plain text',
        why: 'what is stored is listed',
        first: [thread('d5'), save(message('d5', 'd5', { content: 'plain' }))],
        call: ['listMessages', { threadId: 'd5' }],
        see: ids,
        ours: ['d5'],
        theirs: [],
    },
    {
        name: 'a thread saved anew without metadata',
        why: 'a thread that is saved replaces the one that was there',
        first: [thread('d6', { metadata: { a: 1 } }), thread('d6')],
        call: ['getThreadById', { threadId: 'd6' }],
        see: ({ metadata }) => metadata ?? 'none',
        ours: 'none',
        theirs: { a: 1 },
    },
    {
        name: 'messages by their metadata',
        why: 'the filter is honoured on every backend',
        first: [
            thread('d7'),
            save(message('d7', 'd7'), message('d7-red', 'd7', { content: { format: 2, parts: [], metadata: { c: 'red' } } })),
        ],
        call: ['listMessages', { threadId: 'd7', filter: { metadata: { c: 'red' } } }],
        see: ids,
        ours: ['d7-red'],
        theirs: ['d7', 'd7-red'],
    },
    {
        name: 'windows around a message of a list of one resource',
        why: 'they stay within the resource',
        first: [
            thread('d8'),
            save(message('d8-a', 'd8', { resourceId: 'other' }), message('d8-b', 'd8', { createdAt: at(2) })),
        ],
        call: ['listMessages', { threadId: 'd8', resourceId: 'r', include: [{ id: 'd8-b', withPreviousMessages: 1 }] }],
        see: ids,
        ours: ['d8-b'],
        theirs: ['d8-a', 'd8-b'],
    },
    {
        name: 'the time that is given for the update of a resource',
        why: 'it is honoured on every backend',
        first: [['saveResource', { resource: { id: 'd9', workingMemory: 'w', createdAt: at(0), updatedAt: at(5) } }]],
        call: ['getResourceById', { resourceId: 'd9' }],
        see: ({ updatedAt }) => (updatedAt === at(5) ? 'given' : 'now'),
        ours: 'given',
        theirs: 'now',
    },
    {
        name: 'a resource that is saved again',
        why: 'it replaces the one that was there, on every backend',
        first: [1, 2].map((second) => [
            'saveResource',
            { resource: { id: 'd17', workingMemory: 'w', createdAt: at(second), updatedAt: at(second) } },
        ]),
        call: ['getResourceById', { resourceId: 'd17' }],
        see: ({ createdAt }) => createdAt,
        ours: at(2),
        theirs: at(1),
    },
    {
        name: 'a thread that is asked for with another resource',
        why: 'it is not found, as on every backend',
        first: [thread('d18')],
        call: ['getThreadById', { threadId: 'd18', resourceId: 'other' }],
        see: (found) => found?.id ?? 'none',
        ours: 'none',
        theirs: 'd18',
    },
    {
        name: 'a page of nothing',
        why: 'nothing is counted for it, as in the adapters for SQL',
        first: [thread('d10'), save(message('d10', 'd10'))],
        call: ['listMessages', { threadId: 'd10', perPage: 0 }],
        see: ({ total }) => total,
        ours: 0,
        theirs: 1,
    },
    {
        name: 'the update of a thread that is not there',
        why: 'one wording on every backend; the id of the error is the same',
        first: [],
        call: ['updateThread', { id: 'd11', title: 'x', metadata: {} }],
        see: ({ refused }) => refused,
        ours: ['MASTRA_STORAGE_DYNAMODB_UPDATE_THREAD_FAILED', 'Thread d11 not found'],
        theirs: ['MASTRA_STORAGE_DYNAMODB_UPDATE_THREAD_FAILED', 'Thread not found: d11'],
    },
    {
        name: 'an empty title',
        why: 'what is stored is what was given; an attribute that would be empty is left out',
        first: [thread('d12', { title: '' })],
        call: ['getThreadById', { threadId: 'd12' }],
        see: async ({ title }, place) => [title, (await item(place, threadKey('d12'))).title?.S ?? 'absent'],
        ours: ['', 'absent'],
        theirs: ['Thread d12', 'Thread d12'],
    },
    {
        name: 'a message without a type',
        why: 'it is v2 on every backend, and no list shows it',
        first: [thread('d13'), save(message('d13', 'd13'))],
        call: ['listMessages', { threadId: 'd13' }],
        see: async ({ messages }, place) => [messages[0].type ?? 'none', (await item(place, messageKey('d13'))).type.S],
        ours: ['none', 'v2'],
        theirs: ['text', 'text'],
    },
    {
        name: 'messages of two threads in one call',
        why: 'both threads are touched',
        first: [thread('d14'), thread('d14+'), save(message('d14', 'd14'), message('d14+', 'd14+'))],
        call: ['getThreadById', { threadId: 'd14+' }],
        see: ({ updatedAt }) => (updatedAt === at(0) ? 'untouched' : 'touched'),
        ours: 'touched',
        theirs: 'untouched',
    },
    {
        name: 'an update of a message whose content has another form',
        why: 'all members of the content are merged',
        first: [
            thread('d15'),
            save(message('d15', 'd15', { content: { content: 'old' } })),
            ['updateMessages', { messages: [{ id: 'd15', content: { format: 2, parts: [] } }] }],
        ],
        call: ['listMessagesById', { messageIds: ['d15'] }],
        see: ({ messages }) => messages[0].content,
        ours: { format: 2, parts: [], content: 'old' },
        theirs: { parts: [], content: 'old' },
    },
    {
        name: 'a score without a trace',
        why: 'what would be empty is left out, which DynamoDB Local insists on, and is read as null',
        first: [],
        call: [
            'saveScore',
            {
                scorerId: 'd16',
                runId: 'run',
                entityId: 'e',
                scorer: { id: 'd16' },
                entity: { name: 'e' },
                source: 'LIVE',
                score: 1,
                input: 'i',
                output: 'o',
            },
        ],
        see: async ({ refused, score }, place) => {
            const stored = (await items(place)).find(({ scorerId }) => scorerId?.S === 'd16');
            return refused ? 'refused' : [score.traceId ?? null, stored.traceId ?? 'absent'];
        },
        ours: [null, 'absent'],
        theirs: 'refused',
    },
];

async function answer(store, [op, args]) {
    try {
        return await store.call(op, args);
    } catch (error) {
        if (!(error instanceof Refusal)) {
            throw error;
        }
        return { refused: [error.error.id, error.error.message] };
    }
}

async function seen(store, place, { first, call, see }) {
    for (const [op, args] of first) {
        await store.call(op, args);
    }
    return see(await answer(store, call), place);
}

if (available) {
    const places = { ours: await table(), theirs: await table() };
    const owner = { after };
    const stores = { ours: openOurs(owner, places.ours), theirs: openPeer(owner, places.theirs) };
    for (const difference of DIFFERENCES) {
        const { name, why, ours, theirs } = difference;
        test(`${name}: ${why}`, async () => {
            assert.deepEqual(await seen(stores.ours, places.ours, difference), ours, 'ours');
            assert.deepEqual(await seen(stores.theirs, places.theirs, difference), theirs, 'theirs');
        });
    }
} else {
    test('differences', () => {});
}
