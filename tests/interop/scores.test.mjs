// Scores, saved by one store and read by the other, and the same answers from both.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { Peer } from './peer.mjs';
import { Refusal, assertEqual, assertIntact, openOurs, query, scratch } from './support.mjs';

const BASE = {
    scorerId: 'tone',
    runId: 'run-1',
    entityId: 'agent-1',
    scorer: { id: 'tone', name: 'Tone', prompts: ['a', { b: null }] },
    entity: { name: 'Helper' },
    source: 'LIVE',
    score: 0.75,
    output: { text: 'Hello!' },
};

const PAYLOADS = [
    {},
    {
        traceId: 'trace',
        spanId: 'span',
        preprocessStepResult: { a: 1 },
        extractStepResult: { list: [1, [2, null]] },
        analyzeStepResult: { 'ключ': 'значение', '': '' },
        reason: 'because "it" was\nkind 🙂',
        metadata: { deep: { er: [true, false] } },
        preprocessPrompt: 'p1',
        extractPrompt: '[1]',
        generateScorePrompt: '{"a":1}',
        generateReasonPrompt: '',
        analyzePrompt: 'null',
        reasonPrompt: '  ',
        input: [{ role: 'user', content: 'Hi' }],
        additionalContext: { c: {} },
        requestContext: { user: 'u' },
        entityType: 'AGENT',
        resourceId: 'res',
        threadId: 'thr',
        organizationId: 'org',
        projectId: 'proj',
        batchId: 'batch',
        datasetId: 'set',
        datasetItemId: 'item',
    },
    { source: 'TEST', entityType: 'WORKFLOW', runId: 'run-2', organizationId: 'org' },
    { entityType: 'tool_call', entityId: 'tool', scorerId: 'other', traceId: 'trace', spanId: 'span' },
    { output: 'plain text', input: 'also plain' },
    { output: '{"looks":"like JSON"}', input: '[1, 2]' },
    { output: 0, input: false },
    { output: [], input: '' },
    { output: true, input: 1.5e300 },
    { output: 'zero \u0000 and lone \ud800', input: { '\u0000': '\udc00' } },
    { score: 0.1 + 0.2 },
    { score: 1e-300 },
    { score: -0 },
    { score: 5e-324 },
    { score: 1.7976931348623157e308 },
    { score: 123456789012345680000 },
    { scorerId: "o'neil", runId: '', entityId: '🧵', reason: '', organizationId: '' },
    { analyzePrompt: 'prompt 🙂 '.repeat(100_000) },
].map((more, n) => ({ ...BASE, ...more, id: `score-${String(n).padStart(2, '0')}` }));

const LISTS = [
    ['listScoresByScorerId', { scorerId: 'tone' }],
    ['listScoresByScorerId', { scorerId: 'tone', source: 'TEST' }],
    ['listScoresByScorerId', { scorerId: 'tone', entityId: 'agent-1', entityType: 'AGENT' }],
    ['listScoresByScorerId', { scorerId: 'tone', entityId: '', entityType: '', source: '' }],
    ['listScoresByScorerId', { scorerId: 'tone', filters: { organizationId: 'org' } }],
    ['listScoresByScorerId', { scorerId: 'tone', filters: { organizationId: 'org', projectId: 'proj' } }],
    ['listScoresByScorerId', { scorerId: 'tone', filters: { organizationId: null } }],
    ['listScoresByScorerId', { scorerId: 'tone', filters: {} }],
    ['listScoresByScorerId', { scorerId: "o'neil", filters: { organizationId: '' } }],
    ['listScoresByScorerId', { scorerId: 'none' }],
    ['listScoresByRunId', { runId: 'run-1' }],
    ['listScoresByRunId', { runId: '' }],
    ['listScoresByRunId', { runId: 'run-2', filters: { organizationId: 'org' } }],
    ['listScoresByEntityId', { entityId: 'agent-1', entityType: 'AGENT' }],
    ['listScoresByEntityId', { entityId: 'agent-1', entityType: 'WORKFLOW' }],
    ['listScoresBySpan', { traceId: 'trace', spanId: 'span' }],
    ['listScoresBySpan', { traceId: 'trace', spanId: 'other' }],
];

const PAGES = [
    { page: 0, perPage: 100 },
    { page: 0, perPage: 3 },
    { page: 2, perPage: 3 },
    { page: 9, perPage: 3 },
    { page: 0, perPage: 0 },
    { page: 0, perPage: false },
];

const REFUSED = [
    { scorerId: 5 },
    { runId: undefined },
    { entityId: undefined },
    { score: '1' },
    { score: undefined },
    { scorer: [] },
    { scorer: undefined },
    { entity: 'x' },
    { source: 'live' },
    { entityType: 'agent' },
    { metadata: [] },
    { extractStepResult: 'x' },
    { requestContext: 1 },
    { reason: {} },
    { datasetId: 5 },
    { output: undefined },
];

const nextMillisecond = () => new Promise((resolve) => setTimeout(resolve, 2));

/** What the peer gives back of a payload that holds -0 is 0, and a lone surrogate inside JSON stays. */
const expected = (payload) => JSON.parse(JSON.stringify(payload));

async function save(store) {
    for (const payload of PAYLOADS) {
        const { score } = await store.call('saveScore', payload);
        const { createdAt, updatedAt, ...rest } = score;
        assert.equal(createdAt, updatedAt);
        assertEqual(rest, expected(payload), payload.id);
        await nextMillisecond();
    }
}

async function everything(store) {
    const answers = [];
    for (const { id } of PAYLOADS) {
        answers.push([id, await store.call('getScoreById', { id })]);
    }
    for (const [op, args] of LISTS) {
        for (const pagination of PAGES) {
            answers.push([op, args, pagination, await store.call(op, { ...args, pagination })]);
        }
    }
    return answers;
}

for (const ours of [true, false]) {
    test(`scores saved by ${ours ? 'us' : 'the peer'} are read alike by both`, async (t) => {
        const file = path.join(scratch(t), 'scores.db');
        const us = openOurs(t, file);
        const peer = await Peer.open(file);
        await save(ours ? us : peer);
        const a = await everything(us);
        const b = await everything(peer);
        for (const [n, answer] of a.entries()) {
            assertEqual(answer, b[n], JSON.stringify(answer.slice(0, -1)));
        }
        for (const [n, payload] of PAYLOADS.entries()) {
            const { createdAt, updatedAt, ...rest } = a[n][1];
            assertEqual(rest, expected(payload), payload.id);
        }
        await us.close();
        peer.close();
        await assertIntact(file);
    });
}

test('a score replaced by the other side is replaced as a whole', async (t) => {
    const file = path.join(scratch(t), 'scores.db');
    const us = openOurs(t, file);
    const peer = await Peer.open(file);
    for (const [first, second] of [
        [us, peer],
        [peer, us],
    ]) {
        const full = { ...PAYLOADS[1], id: 'one' };
        const small = { ...BASE, id: 'one', score: 0.1 };
        const { score: before } = await first.call('saveScore', full);
        await nextMillisecond();
        const { score: after } = await second.call('saveScore', small);
        assert.ok(after.createdAt > before.createdAt);
        for (const store of [us, peer]) {
            const { createdAt, updatedAt, ...rest } = await store.call('getScoreById', { id: 'one' });
            assert.deepEqual([createdAt, updatedAt], [after.createdAt, after.createdAt]);
            assertEqual(rest, small, 'the new score');
        }
    }
    assert.deepEqual(await query(file, 'SELECT COUNT(*) AS n FROM mastra_scorers'), [{ n: 1 }]);
    await us.close();
    peer.close();
});

test('ids that the stores draw are of one form, and so are the rows', async (t) => {
    const file = path.join(scratch(t), 'scores.db');
    const us = openOurs(t, file);
    const peer = await Peer.open(file);
    const { id, ...payload } = PAYLOADS[1];
    for (const store of [us, peer]) {
        const { score } = await store.call('saveScore', payload);
        assert.match(score.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    const rows = await query(
        file,
        `SELECT *, json(scorer) AS scorer, json(preprocessStepResult) AS preprocessStepResult,
            json(extractStepResult) AS extractStepResult, json(analyzeStepResult) AS analyzeStepResult,
            json(metadata) AS metadata, json(input) AS input, json(output) AS output, json(entity) AS entity,
            json(additionalContext) AS additionalContext, json(requestContext) AS requestContext,
            0 AS id, 0 AS createdAt, 0 AS updatedAt, typeof(score) AS kind
        FROM mastra_scorers`,
    );
    assertEqual(rows[0], rows[1], 'rows');
    await us.close();
    peer.close();
});

test('both refuse the same payloads', async (t) => {
    const file = path.join(scratch(t), 'scores.db');
    const us = openOurs(t, file);
    const peer = await Peer.open(file);
    for (const change of REFUSED) {
        const payload = JSON.parse(JSON.stringify({ ...BASE, ...change }));
        const refusals = [];
        for (const store of [us, peer]) {
            const refusal = await store.call('saveScore', payload).catch((error) => error);
            assert.ok(refusal instanceof Refusal, JSON.stringify(change));
            refusals.push([refusal.error.id, refusal.error.category]);
            assert.match(refusal.message, new RegExp(Object.keys(change)[0]));
        }
        assert.deepEqual(refusals[0], refusals[1]);
    }
    assert.deepEqual(await query(file, 'SELECT COUNT(*) AS n FROM mastra_scorers'), [{ n: 0 }]);
    await us.close();
    peer.close();
});
