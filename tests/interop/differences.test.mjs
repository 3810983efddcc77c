// Where we differ from the peer on purpose. Both answers are pinned, so that a change on either side shows.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';

import { Peer } from './peer.mjs';
import { Refusal, openOurs, plain, scratch } from './support.mjs';

const at = (second) => new Date(Date.UTC(2024, 0, 1, 0, 0, second)).toISOString();

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
const resource = (id, more) => ['saveResource', { resource: { id, createdAt: at(0), updatedAt: at(0), ...more } }];

const persist = (runId, snapshot, more) => [
    'persistWorkflowSnapshot',
    { workflowName: 'w', runId, snapshot, createdAt: at(0), updatedAt: at(0), ...more },
];
const results = (runId, more) => ['updateWorkflowResults', { workflowName: 'w', runId, ...more }];
const runIds = (answer) => answer.refused ?? answer.runs.map(({ runId }) => runId);
const score = (id, more) => [
    'saveScore',
    {
        id,
        scorerId: 's',
        runId: 'r',
        entityId: 'e',
        scorer: {},
        entity: {},
        source: 'LIVE',
        score: 1,
        output: 1,
        ...more,
    },
];

const ids = (answer) => (answer.messages ?? answer.threads ?? answer).map((record) => record.id);
const contents = (answer) => (answer.messages ?? answer).map((record) => record.content);
const refused = (answer) => answer?.refused ?? 'answered';

// name: what is asked. why: our reason. first: what is stored before. call: the operation. see: what is looked at in
// the answer. ours, theirs: what is seen then. asGiven: the peer's answer with core's message list in place.
const DIFFERENCES = [
    {
        name: 'system messages',
        why: 'a store returns what was stored; hiding them is left to the layer that makes prompts',
        asGiven: true,
        first: [save(message('d1-a', 'd1', { role: 'system' }), message('d1-b', 'd1'))],
        call: ['listMessages', { threadId: 'd1' }],
        see: ids,
        ours: ['d1-a', 'd1-b'],
        theirs: ['d1-b'],
    },
    {
        name: 'content of older forms',
        why: 'the peer rewrites it while reading and loses the text that it does not know',
        asGiven: true,
        first: [save(message('d2', 'd2', { content: { content: 'Hello' } }))],
        call: ['listMessages', { threadId: 'd2' }],
        see: contents,
        ours: [{ content: 'Hello' }],
        theirs: [{ format: 2, parts: [] }],
    },
    {
        name: 'text content that happens to be a JSON number, string or null',
        why: 'only objects and arrays are taken for JSON; a user who says 123 has said a text',
        first: [
            save(
                message('d3-a', 'd3', { content: '123' }),
                message('d3-b', 'd3', { content: '"q"' }),
                message('d3-c', 'd3', { content: 'null' }),
            ),
        ],
        call: ['listMessages', { threadId: 'd3' }],
        see: contents,
        ours: ['123', '"q"', 'null'],
        theirs: [123, 'q', null],
    },
    {
        name: 'text content that is a JSON object, in the answer of the save',
        why: 'the answer of a save shows what the next list shows',
        call: save(message('d4', 'd4', { content: '{"a":1}' })),
        see: contents,
        ours: [{ a: 1 }],
        theirs: ['{"a":1}'],
    },
    {
        name: 'the type v2 in the answer of a save',
        why: 'it is the default, and no list of either store shows it',
        call: save(message('d5', 'd5', { type: 'v2' })),
        see: (answer) => answer.messages[0].type ?? 'none',
        ours: 'none',
        theirs: 'v2',
    },
    {
        name: 'a window around one of several messages of equal time',
        why: 'the message asked for is always in its window, and those saved after it are its next ones',
        first: [save(...['z', 'b', 'y', 'a'].map((id) => message(`d6-${id}`, 'd6')))],
        call: ['listMessages', { threadId: 'd6', perPage: 0, include: [{ id: 'd6-b', withNextMessages: 1 }] }],
        see: ids,
        ours: ['d6-b', 'd6-y'],
        theirs: ['d6-z'],
    },
    {
        name: 'listMessagesById with equal times',
        why: 'every list of messages has the same order, the one in which they were saved',
        first: [save(message('d7-b', 'd7'), message('d7-a', 'd7'))],
        call: ['listMessagesById', { messageIds: ['d7-a', 'd7-b'] }],
        see: ids,
        ours: ['d7-b', 'd7-a'],
        theirs: ['d7-a', 'd7-b'],
    },
    {
        name: 'the order of updated messages',
        why: 'the same order again; the peer lists them as its index on ids has them',
        first: [save(message('d8-b', 'd8'), message('d8-a', 'd8', { createdAt: at(2) }))],
        call: ['updateMessages', { messages: ['d8-a', 'd8-b'].map((id) => ({ id, role: 'assistant' })) }],
        see: ids,
        ours: ['d8-b', 'd8-a'],
        theirs: ['d8-a', 'd8-b'],
    },
    {
        name: 'includeTotal: false',
        why: 'it is there to save the count, so it does',
        first: [save(...[1, 2, 3].map((n) => message(`d9-${n}`, 'd9', { createdAt: at(n) })))],
        call: ['listMessages', { threadId: 'd9', perPage: 2, includeTotal: false }],
        see: ({ total, hasMore }) => [total, hasMore],
        ours: [2, true],
        theirs: [3, true],
    },
    {
        name: 'messages ordered by updatedAt',
        why: 'they have no such time; the default order serves better than an error of the database',
        first: [save(message('d10', 'd10'))],
        call: ['listMessages', { threadId: 'd10', orderBy: { field: 'updatedAt', direction: 'ASC' } }],
        see: (answer) => answer.refused ?? ids(answer),
        ours: ['d10'],
        theirs: 'SQLITE_ERROR: no such column: updatedAt',
    },
    {
        name: 'new object content over a text',
        why: 'laying an object over a text as if its characters were members helps nobody',
        first: [save(message('d11', 'd11', { content: 'hi' }))],
        call: ['updateMessages', { messages: [{ id: 'd11', content: { x: 1 } }] }],
        see: contents,
        ours: [{ x: 1 }],
        theirs: [{ 0: 'h', 1: 'i', x: 1 }],
    },
    {
        name: 'a message saved without a resource',
        why: 'the column may be empty, and other adapters of Mastra let it be',
        call: save(message('d12', 'd12', { resourceId: undefined })),
        see: refused,
        ours: 'answered',
        theirs: /^Expected to find a resourceId/,
    },
    {
        name: 'updatedAt of every thread that a save touches',
        why: 'each of them has changed; the peer moves only that of the first message',
        first: [
            thread('d13-a'),
            thread('d13-b'),
            save(message('d13-1', 'd13-a'), message('d13-2', 'd13-b', { createdAt: at(2) })),
        ],
        call: ['getThreadById', { threadId: 'd13-b' }],
        see: ({ updatedAt }) => updatedAt > at(0),
        ours: true,
        theirs: false,
    },
    {
        name: 'a save that fails at its last message, over 50',
        why: 'a call is all or nothing; the peer commits every 50 messages',
        first: [
            save(
                ...Array.from({ length: 60 }, (_, n) => message(`d14-${n}`, 'd14')),
                message('d14-bad', 'd14', { role: null }),
            ),
        ],
        call: ['listMessages', { threadId: 'd14', perPage: 1 }],
        see: ({ total }) => total,
        ours: 0,
        theirs: 50,
    },
    {
        name: 'a thread without a title or times',
        why: 'an empty title and the present are sensible for each of them',
        call: ['saveThread', { thread: { id: 'd15', resourceId: 'r' } }],
        see: refused,
        ours: 'answered',
        theirs: /NOT NULL constraint failed/,
    },
    {
        name: 'metadata of a thread that is given to another resource, in the answer',
        why: 'the peer takes its binary form for an object without members there',
        first: [thread('d16', { metadata: { a: 1 } })],
        call: ['updateThreadResourceId', { threadId: 'd16', resourceId: 'r2' }],
        see: ({ metadata }) => metadata,
        ours: { a: 1 },
        theirs: {},
    },
    {
        name: 'threads whose metadata holds true, asked for 1',
        why: 'equality is that of JSON values, types included',
        first: [thread('d17-a', { metadata: { d17: true } }), thread('d17-b', { metadata: { d17: 1 } })],
        call: ['listThreads', { filter: { metadata: { d17: 1 } } }],
        see: (answer) => ids(answer).toSorted(),
        ours: ['d17-b'],
        theirs: ['d17-a', 'd17-b'],
    },
    {
        name: 'threads asked for null in their metadata',
        why: 'null is a value of its own: a thread without the member has not got it',
        first: [
            thread('d18-a', { resourceId: 'd18', metadata: { d18: null } }),
            thread('d18-b', { resourceId: 'd18', metadata: {} }),
            thread('d18-c', { resourceId: 'd18' }),
        ],
        call: ['listThreads', { filter: { resourceId: 'd18', metadata: { d18: null } } }],
        see: (answer) => ids(answer).toSorted(),
        ours: ['d18-a'],
        theirs: ['d18-a', 'd18-b', 'd18-c'],
    },
    {
        name: 'threads asked for an object in their metadata',
        why: 'objects compare by value',
        first: [thread('d19', { metadata: { d19: { b: 2, a: 1 } } })],
        call: ['listThreads', { filter: { metadata: { d19: { a: 1, b: 2 } } } }],
        see: (answer) => answer.refused ?? ids(answer),
        ours: ['d19'],
        theirs: /must be a scalar type/,
    },
    {
        name: 'metadata: null in the answer of saveThread',
        why: 'null and absent are one to the column, and one form of the answer is enough',
        call: thread('d20', { metadata: null }),
        see: (answer) => ('metadata' in answer ? answer.metadata : 'left out'),
        ours: 'left out',
        theirs: null,
    },
    {
        name: 'working memory that is JSON',
        why: 'it is a text, and comes back character for character',
        first: [resource('d21', { workingMemory: '{"a": 1}' })],
        call: ['getResourceById', { resourceId: 'd21' }],
        see: ({ workingMemory }) => workingMemory,
        ours: '{"a": 1}',
        theirs: '{"a":1}',
    },
    {
        name: 'a title that is JSON',
        why: 'likewise',
        first: [thread('d22', { title: '[1, 2]' })],
        call: ['getThreadById', { threadId: 'd22' }],
        see: ({ title }) => title,
        ours: '[1, 2]',
        theirs: [1, 2],
    },
    {
        name: 'a resource without metadata, in the answer of its update',
        why: 'the answer shows what is stored; the peer says {} and stores nothing',
        first: [resource('d23')],
        call: ['updateResource', { resourceId: 'd23', workingMemory: 'w' }],
        see: ({ metadata }) => metadata,
        ours: null,
        theirs: {},
    },
    {
        name: 'a resource created by an update without working memory, in the answer',
        why: 'a record that was read has all its members',
        call: ['updateResource', { resourceId: 'd24' }],
        see: (answer) => ('workingMemory' in answer ? answer.workingMemory : 'left out'),
        ours: null,
        theirs: 'left out',
    },
    {
        name: 'updatedAt after updateWorkflowState',
        why: 'the run has changed',
        first: [
            persist('w25', { context: {} }),
            ['updateWorkflowState', { workflowName: 'w', runId: 'w25', opts: { status: 'x' } }],
        ],
        call: ['getWorkflowRunById', { runId: 'w25' }],
        see: ({ updatedAt }) => updatedAt > at(0),
        ours: true,
        theirs: false,
    },
    {
        name: 'a negative page of workflow runs',
        why: 'it is refused by every other list, and by core',
        first: [persist('w26', {})],
        call: ['listWorkflowRuns', { page: -1, perPage: 1, toDate: at(0) }],
        see: (answer) => answer.refused ?? answer.runs.length,
        ours: 'page must be >= 0',
        theirs: 1,
    },
    {
        name: 'workflow runs of equal time',
        why: 'a page after another must neither repeat a run nor leave one out',
        first: ['w27-b', 'w27-c', 'w27-a'].map((id) => persist(id, {}, { resourceId: 'w27' })),
        call: ['listWorkflowRuns', { resourceId: 'w27' }],
        see: runIds,
        ours: ['w27-c', 'w27-b', 'w27-a'],
        theirs: ['w27-b', 'w27-c', 'w27-a'],
    },
    {
        name: 'workflow runs of a thread, when a step of some run has a text for its result',
        why: 'that run has not the thread; the peer fails on what is no JSON to it',
        first: [
            persist('w28-a', { context: { a: 'text' } }, { resourceId: 'w28' }),
            persist(
                'w28-b',
                { context: { input: { messageListState: { memoryInfo: { threadId: 'w28' } } } } },
                { resourceId: 'w28' },
            ),
        ],
        call: ['listWorkflowRuns', { threadId: 'w28', resourceId: 'w28' }],
        see: runIds,
        ours: ['w28-b'],
        theirs: 'SQLITE_ERROR: malformed JSON',
    },
    {
        name: 'a foreach result over one that is a text',
        why: 'it replaces what cannot be merged; the peer takes the text for an object',
        first: [persist('w29', { context: { a: 'text' } })],
        call: results('w29', { stepId: 'a', result: { output: [1] } }),
        see: (answer) => answer.refused ?? answer,
        ours: { a: { output: [1] } },
        theirs: /Cannot use 'in' operator/,
    },
    {
        name: 'updateWorkflowResults without a result',
        why: 'an argument has been forgotten; the peer would take away what the step has',
        first: [persist('w30', { context: { a: {} } })],
        call: results('w30', { stepId: 'a' }),
        see: (answer) => answer.refused ?? answer,
        ours: 'result is required',
        theirs: {},
    },
    {
        name: 'results of several steps in one call',
        why: 'the documentation of an adapter promises it; the peer knows no such argument',
        first: [persist('w31', { context: {} })],
        call: results('w31', { results: { a: 1 } }),
        see: (answer) => answer,
        ours: { a: 1 },
        theirs: {},
    },
    {
        name: 'a snapshot that is a text',
        why: 'a value comes out as it went in',
        first: [persist('w32', 'text')],
        call: ['loadWorkflowSnapshot', { workflowName: 'w', runId: 'w32' }],
        see: (answer) => answer,
        ours: 'text',
        theirs: '"text"',
    },
    {
        name: 'a snapshot that is missing',
        why: 'a run without a snapshot cannot be resumed',
        call: persist('w33', undefined),
        see: refused,
        ours: 'snapshot is required',
        theirs: 'answered',
    },
    {
        name: 'a context that is no object',
        why: 'results cannot be laid into it; the peer drops them and says nothing',
        first: [persist('w34', { context: [1], runId: 'w34' })],
        call: results('w34', { stepId: 'a', result: 1 }),
        see: (answer) => answer.refused ?? answer,
        ours: 'Snapshot context not found for runId w34',
        theirs: [1],
    },
    {
        name: 'scores of an empty scorerId',
        why: 'an empty id is one that is not found, not the wish for everything',
        first: [score('d25', { scorerId: 'd25' })],
        call: ['listScoresByScorerId', { scorerId: '', pagination: { page: 0, perPage: 9 } }],
        see: ({ scores }) => scores.map(({ scorerId }) => scorerId),
        ours: [],
        theirs: ['d25'],
    },
    {
        name: 'members of a score that are null',
        why: 'null and absent are one to the column',
        first: [score('d26', { reason: null, traceId: null, metadata: null })],
        call: ['getScoreById', { id: 'd26' }],
        see: (answer) => answer && answer.id,
        ours: 'd26',
        theirs: null,
    },
    {
        name: 'output: null in the answer of saveScore',
        why: 'the answer is the score as it will be read',
        call: score('d27', { output: null }),
        see: (answer) => ('output' in answer.score ? answer.score.output : 'left out'),
        ours: 'left out',
        theirs: null,
    },
    {
        name: 'a list of scores without pagination',
        why: 'the first page of the usual size is sensible',
        first: [score('d28', { runId: 'd28' })],
        call: ['listScoresByRunId', { runId: 'd28' }],
        see: ({ refused, pagination }) => refused ?? pagination,
        ours: { total: 1, page: 0, perPage: 100, hasMore: false },
        theirs: /Cannot destructure/,
    },
    {
        name: 'an empty list of scores whose perPage was left out',
        why: 'the page says how large it is, empty or not',
        call: ['listScoresByRunId', { runId: 'd29', pagination: { page: 0 } }],
        see: ({ pagination }) => pagination.perPage ?? 'left out',
        ours: 100,
        theirs: 'left out',
    },
    {
        name: 'a score with an empty id',
        why: 'empty ids are refused when something is saved under them',
        call: score('', {}),
        see: refused,
        ours: /score.id must not be empty/,
        theirs: 'answered',
    },
];

async function answer(store, [op, args]) {
    try {
        return await store.call(op, args);
    } catch (error) {
        if (!(error instanceof Refusal)) {
            throw error;
        }
        return { refused: error.message };
    }
}

function assertSeen(seen, expected, whose) {
    if (expected instanceof RegExp) {
        assert.match(String(seen), expected, whose);
    } else {
        assert.deepEqual(plain(seen), plain(expected), whose);
    }
}

const folder = scratch({ after });
const stores = {
    ours: openOurs({ after }, path.join(folder, 'ours.db')),
    theirs: await Peer.open(path.join(folder, 'theirs.db')),
};

for (const { name, why, asGiven = false, first = [], call, see, ours, theirs } of DIFFERENCES) {
    test(`${name}: ${why}`, async () => {
        stores.theirs.asStored = !asGiven;
        for (const request of first) {
            await answer(stores.ours, request);
            await answer(stores.theirs, request);
        }
        assertSeen(see(await answer(stores.ours, call)), ours, 'ours');
        assertSeen(see(await answer(stores.theirs, call)), theirs, 'theirs');
    });
}
