// Workflow runs on our store, on the peer's and on the one that core brings: the same answers, and each reads what the
// other has written.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Peer } from './peer.mjs';
import { Choice, RunSequence, at, run } from './runs.mjs';
import { Refusal, assertEqual, assertIntact, fixture, openOurs, openPeerProcess, query, scratch } from './support.mjs';

function open(t) {
    const folder = scratch(t);
    const files = { ours: path.join(folder, 'ours.db'), theirs: path.join(folder, 'theirs.db') };
    return { files, ours: openOurs(t, files.ours) };
}

async function answer(store, op, args) {
    try {
        return { answer: await store.call(op, args) };
    } catch (error) {
        if (!(error instanceof Refusal)) {
            throw error;
        }
        return { refused: error.message };
    }
}

test('random foreach results are merged as core and the peer merge them', async (t) => {
    const { files, ours } = open(t);
    const peers = [await Peer.open(files.theirs), await Peer.openCore()];
    for (const seed of [1, 2, 3]) {
        const choice = new Choice(seed);
        const runId = `run ${seed}`;
        for (const store of [ours, ...peers]) {
            await store.call('persistWorkflowSnapshot', run(runId, { snapshot: { context: { input: 1 }, runId } }));
        }
        for (let step = 1; step <= 200; step++) {
            const args = run(runId, {
                stepId: choice.pick(['a', 'b', 'ключ', 'with "quotes"', '']),
                result: choice.result(),
                requestContext: choice.pick([{}, { k: step }, { [`k${step % 7}`]: { step } }]),
            });
            const mine = await ours.call('updateWorkflowResults', args);
            for (const peer of peers) {
                const about = `seed ${seed}, step ${step}: ${JSON.stringify(args)}`;
                assertEqual(mine, await peer.call('updateWorkflowResults', args), about);
            }
        }
        const load = ['loadWorkflowSnapshot', run(runId)];
        for (const peer of peers) {
            assertEqual(await ours.call(...load), await peer.call(...load), `seed ${seed}: what is stored`);
        }
    }
    await ours.close();
    peers[0].close();
});

test('several results at once are what one after the other would be', async (t) => {
    const { files, ours } = open(t);
    const peer = await Peer.open(files.theirs);
    const choice = new Choice(7);
    for (let round = 0; round < 40; round++) {
        const results = Object.fromEntries(
            Array.from({ length: choice.random(4) }, () => [choice.pick(['a', 'b', 'c', 'd']), choice.result()]),
        );
        const requestContext = { [`r${round}`]: 1 };
        const mine = await ours.call('updateWorkflowResults', run('r', { results, requestContext }));
        for (const [stepId, result] of Object.entries(results)) {
            await peer.call('updateWorkflowResults', run('r', { stepId, result, requestContext }));
        }
        if (Object.keys(results).length > 0) {
            assertEqual(mine, (await peer.call('loadWorkflowSnapshot', run('r'))).context, JSON.stringify(results));
        }
    }
    await ours.close();
    peer.close();
});

/** Times of this test's run are "now"; those of the last change are left out. */
function levelled(value, since) {
    if (Array.isArray(value)) {
        return value.map((item) => levelled(item, since));
    }
    if (value && typeof value === 'object') {
        const entries = Object.entries(value).filter(([key]) => key !== 'updatedAt');
        return Object.fromEntries(
            entries.map(([key, item]) => [key, key === 'timestamp' ? 'now' : levelled(item, since)]),
        );
    }
    return typeof value === 'string' && /^\d{4}-.*Z$/.test(value) && value >= since ? 'now' : value;
}

const nextMillisecond = () => new Promise((resolve) => setTimeout(resolve, 2));

test('the same random operations have the same answers', async (t) => {
    for (const seed of [1, 20, 300]) {
        const { files, ours } = open(t);
        const peer = await Peer.open(files.theirs);
        const since = new Date().toISOString();
        const sequence = new RunSequence(seed);
        for (let step = 1; step <= 400; step++) {
            const [op, args] = sequence.next();
            const about = `seed ${seed}, step ${step}: ${op} ${JSON.stringify(args)}`;
            const [mine, theirs] = [await answer(ours, op, args), await answer(peer, op, args)];
            assertEqual(levelled(mine, since), levelled(theirs, since), about);
            await nextMillisecond();
        }
        const all = ['listWorkflowRuns', {}];
        const [mine, theirs] = [await ours.call(...all), await peer.call(...all)];
        assert.ok(mine.total > 3, 'some runs are left');
        assertEqual(levelled(mine, since), levelled(theirs, since), 'the same is stored');
        await ours.close();

        // Each reads the other's file as its own.
        const ourView = openOurs(t, files.theirs);
        assertEqual(await ourView.call(...all), theirs, 'their file, read by us');
        await ourView.close();
        peer.close();
        const theirView = await Peer.open(files.ours);
        assertEqual(mine, await theirView.call(...all), 'our file, read by them');
        theirView.close();
        await assertIntact(files.ours);
        await assertIntact(files.theirs);
    }
});

const SNAPSHOTS = [
    {},
    { context: {} },
    { context: { 'a b': 1, ключ: 'значение', '': 'empty', 'quote"': "'", nul: '\u0000', lone: '\ud800' } },
    { numbers: [0, -1, 1.5, 1e21, 1e-7, 123456789012345, 5e-324, 1.7976931348623157e308] },
    { text: 'line\nline "quoted" \\ 🙂 \u2028 </script>', json: '{"a":1}', list: [[[{}]], null, true, false] },
    { long: 'y'.repeat(200_000), many: Array.from({ length: 5000 }, (_, n) => ({ n })) },
    [1, { a: [] }],
];

test('snapshots of every shape are read by the other, and updated by both in turn', async (t) => {
    const { files, ours } = open(t);
    const peer = await Peer.open(files.theirs);
    for (const [n, snapshot] of SNAPSHOTS.entries()) {
        const args = run(`run ${n}`, { snapshot, createdAt: at(n), updatedAt: at(n + 100), resourceId: `u${n % 2}` });
        await ours.call('persistWorkflowSnapshot', args);
        await peer.call('persistWorkflowSnapshot', args);
    }
    await ours.close();
    peer.close();

    const [kind] = await query(files.theirs, 'SELECT DISTINCT typeof(snapshot) AS kind FROM mastra_workflow_snapshot');
    assert.equal(kind.kind, 'blob', 'the peer writes binary JSON');
    for (const file of Object.values(files)) {
        const stores = [openOurs(t, file), await Peer.open(file)];
        for (const n of SNAPSHOTS.keys()) {
            for (const op of ['loadWorkflowSnapshot', 'getWorkflowRunById']) {
                const [first, second] = [
                    await stores[0].call(op, run(`run ${n}`)),
                    await stores[1].call(op, run(`run ${n}`)),
                ];
                assertEqual(first, second, `${op} of run ${n}`);
            }
        }
        for (let turn = 0; turn < 6; turn++) {
            const args = run('run 1', {
                stepId: `s${turn % 3}`,
                result: { output: [...Array(turn).fill(null), turn] },
            });
            const context = await stores[turn % 2].call('updateWorkflowResults', args);
            assert.equal(context[`s${turn % 3}`].output[turn], turn);
            await stores[(turn + 1) % 2].call('updateWorkflowState', run('run 1', { opts: { [`o${turn}`]: turn } }));
        }
        const snapshot = await stores[0].call('loadWorkflowSnapshot', run('run 1'));
        assertEqual(snapshot, await stores[1].call('loadWorkflowSnapshot', run('run 1')), 'after all turns');
        assert.deepEqual(snapshot.context.s1, { output: [null, 1, null, null, 4] });
        assert.equal(Object.keys(snapshot).filter((key) => key.startsWith('o')).length, 6);
        await stores[0].close();
        stores[1].close();
        await assertIntact(file);
    }
});

test('columns have the same forms', async (t) => {
    const { files, ours } = open(t);
    const peer = await Peer.open(files.theirs);
    const sql = `SELECT workflow_name, run_id, resourceId, json(snapshot) AS snapshot, createdAt, updatedAt,
                        typeof(createdAt) AS a, typeof(updatedAt) AS b, typeof(resourceId) AS c
                 FROM mastra_workflow_snapshot ORDER BY rowid`;
    for (const store of [ours, peer]) {
        for (const [n, snapshot] of SNAPSHOTS.entries()) {
            const resource = n % 2 ? { resourceId: 'u' } : {};
            const times = { createdAt: at(n), updatedAt: at(n + 1) };
            await store.call('persistWorkflowSnapshot', run(`run ${n}`, { snapshot, ...times, ...resource }));
            await store.call('persistWorkflowSnapshot', run(`run ${n}`, { snapshot, updatedAt: at(n + 2) }));
        }
    }
    await ours.close();
    peer.close();
    assertEqual(await query(files.ours, sql), await query(files.theirs, sql), 'rows');
});

test('runs of an application that Mastra wrote', async (t) => {
    const file = path.join(scratch(t), 'app.db');
    fs.copyFileSync(fixture, file);
    const ours = openOurs(t, file);
    const peer = await Peer.open(file);
    const { runs, total } = await ours.call('listWorkflowRuns');
    assert.equal(total, 2);
    assertEqual({ runs, total }, await peer.call('listWorkflowRuns'), 'listWorkflowRuns');
    for (const { workflowName, runId, snapshot } of runs) {
        assert.equal(workflowName, 'approval');
        assert.equal(snapshot.runId, runId);
        const one = await ours.call('listWorkflowRuns', { status: snapshot.status, workflowName });
        assert.ok(one.runs.some((found) => found.runId === runId));
        await ours.call('updateWorkflowState', { workflowName, runId, opts: { status: 'canceled' } });
        assert.equal((await peer.call('loadWorkflowSnapshot', { workflowName, runId })).status, 'canceled');
    }
    await ours.close();
    peer.close();
});

test('what somebody else left in the column', async (t) => {
    const { files, ours } = open(t);
    await ours.call('persistWorkflowSnapshot', run('r', { snapshot: {} }));
    const put = (text) => query(files.ours, 'UPDATE mastra_workflow_snapshot SET snapshot = ?', [text]);

    await put('{no JSON');
    assert.equal(await ours.call('loadWorkflowSnapshot', run('r')), '{no JSON');
    assert.equal((await ours.call('getWorkflowRunById', { runId: 'r' })).snapshot, '{no JSON');
    assert.deepEqual(await ours.call('listWorkflowRuns', { status: 'x' }), { runs: [], total: 0 });
    const step = run('r', { stepId: 'a', result: 1 });
    const refused = { refused: 'Snapshot context not found for runId undefined' };
    assert.deepEqual(await answer(ours, 'updateWorkflowResults', step), refused);
    assert.deepEqual(await answer(ours, 'updateWorkflowState', run('r', { opts: { status: 'x' } })), {
        refused: 'Snapshot not found for runId r',
    });
    await put(null);
    assert.equal(await ours.call('loadWorkflowSnapshot', run('r')), null);
    assert.deepEqual(await answer(ours, 'updateWorkflowResults', step), refused);
    await put(' { "context" : { "b" : 2 } }\n');
    assert.deepEqual(await ours.call('updateWorkflowResults', run('r', { results: {} })), { b: 2 });
    assert.deepEqual(await ours.call('updateWorkflowResults', step), { b: 2, a: 1 });
    assert.deepEqual(await ours.call('loadWorkflowSnapshot', run('r')), {
        context: { b: 2, a: 1 },
        requestContext: {},
    });
    await ours.close();
});

test('what the peer refuses with an error of its own, we refuse with the same words', async (t) => {
    const { files, ours } = open(t);
    const peer = await Peer.open(files.theirs);
    const persist = (runId, snapshot) => ['persistWorkflowSnapshot', run(runId, { snapshot })];
    for (const store of [ours, peer]) {
        await store.call(...persist('none', {}));
        await store.call(...persist('inner', { runId: 'another', context: null }));
        await store.call(...persist('number', { runId: 5, context: 0 }));
    }
    for (const [op, args] of [
        ['updateWorkflowResults', run('none', { stepId: 'a', result: {} })],
        ['updateWorkflowResults', run('inner', { stepId: 'a', result: {} })],
        ['updateWorkflowResults', run('number', { stepId: 'a', result: {} })],
        ['updateWorkflowState', run('none', { opts: { status: 'x' } })],
        ['updateWorkflowState', run('inner', { opts: { status: 'x', expectedStatus: 'y' } })],
        ['listWorkflowRuns', { page: 0, perPage: -1 }],
        ['listWorkflowRuns', { page: 0, perPage: 1.5 }],
    ]) {
        const [mine, theirs] = [await answer(ours, op, args), await answer(peer, op, args)];
        assert.ok(theirs.refused, `${op} ${JSON.stringify(args)}`);
        assert.deepEqual(mine, theirs);
    }
    await ours.close();
    peer.close();
});

test('the peer and we lay results into one run at the same time', async (t) => {
    const file = path.join(scratch(t), 'shared.db');
    const stores = [openOurs, openPeerProcess, openOurs].map((open) => open(t, file));
    const each = 40;
    await stores[0].call('persistWorkflowSnapshot', run('r', { snapshot: { context: {}, runId: 'r' } }));
    await stores[1].call('loadWorkflowSnapshot', run('r'));
    await Promise.all(
        stores.flatMap((store, n) =>
            Array.from({ length: each }, async (_, i) => {
                const output = [...Array(n * each + i).fill(null), `${n}.${i}`];
                await store.call('updateWorkflowResults', run('r', { stepId: `${n}.${i}`, result: { i } }));
                await store.call('updateWorkflowResults', run('r', { stepId: 'each', result: { output } }));
            }),
        ),
    );
    const { context } = await stores[0].call('loadWorkflowSnapshot', run('r'));
    assert.equal(Object.keys(context).length, stores.length * each + 1);
    assert.equal(context.each.output.filter((element) => element !== null).length, stores.length * each);
    for (const store of stores) {
        await store.close();
    }
    await assertIntact(file);
});
