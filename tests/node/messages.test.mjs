// Lists of messages come out as core's message list makes them, whether it was asked or its work was seen to be none.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MessageList } from '@mastra/core/agent/message-list';
import { LibSQLStore as PeerStore } from '@mastra/libsql';

import { LibSQLStore } from '../../bindings/node/lib/index.mjs';
import messages from '../../bindings/node/lib/messages.js';

const { areInForm, messageForms } = messages;
const forms = messageForms(MessageList);

// Numbers that are the same in every run.
function dice(seed) {
    let state = seed;
    const next = (most) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * most);
    };
    const pick = (list) => list[next(list.length)];
    return { next, pick, oneIn: (n) => next(n) === 0 };
}

const invocation = (args) => ({ state: 'result', toolCallId: 'call-1', toolName: 'tool', args, result: { ok: true } });

function part({ pick, oneIn }) {
    return pick([
        { type: 'text', text: pick(['', 'Hi', 'a\u0000b', '\ud800', 'é']) },
        { type: 'step-start' },
        { type: 'reasoning', reasoning: 'because', details: [] },
        { type: 'tool-invocation', toolInvocation: invocation(pick([{}, { q: 1 }])) },
        { type: 'file', mimeType: 'text/plain', data: 'eA==' },
        { type: 'data-note', data: { type: 'user' } },
        { type: 'source', source: { id: 's', url: 'https://example.org' } },
        ...(oneIn(6) ? [null, 'text', {}, { text: 'no type' }, [{ type: 'text' }]] : []),
    ]);
}

function parts(random) {
    return Array.from({ length: random.next(4) }, () => part(random));
}

function metadata({ pick }) {
    return pick([
        {},
        { metadata: { a: 1 } },
        { metadata: null },
        { metadata: { createdAt: '2024-01-01T00:00:00.000Z' } },
        { metadata: { mastra: { sealed: true } } },
        { metadata: { mastra: { responseBoundary: true } } },
        { metadata: { completionResult: { passed: true } } },
        { metadata: { signal: { type: 'state' } } },
    ]);
}

function usualContent(random) {
    const { pick, oneIn } = random;
    return {
        format: 2,
        parts: parts(random),
        ...metadata(random),
        ...(oneIn(3) ? { content: pick(['', 'Hi']) } : {}),
        ...(oneIn(4) ? { toolInvocations: pick([[], [invocation({ q: 2 })], [invocation({})], [invocation()]]) } : {}),
        ...(oneIn(6) ? { experimental_attachments: [{ url: 'data:,x' }], annotations: [1] } : {}),
    };
}

function oddContent(random) {
    return random.pick([
        'plain text',
        '',
        '{"a":1',
        [],
        [{ type: 'text', text: 'core' }],
        [{ type: 'tool-call', toolCallId: 'c', toolName: 't', args: { a: 1 } }],
        { format: 2 },
        { format: 2, parts: null },
        { format: '2', parts: parts(random) },
        { format: 1, parts: parts(random) },
        { format: 2, parts: {} },
        { content: 'Hello' },
        { parts: parts(random) },
        {},
    ]);
}

/** A message as rows of the database are; `often` says one in how many is of an odd form. */
function message(random, id, often) {
    const { next, pick, oneIn } = random;
    const odd = oneIn(often);
    return {
        id,
        content: odd ? oddContent(random) : usualContent(random),
        role: odd && oneIn(2) ? pick(['system', 'tool', 'signal']) : pick(['user', 'assistant']),
        createdAt: new Date(Date.UTC(2024, 0, 1) + next(4) * 1000),
        threadId: pick(['t1', 't2']),
        resourceId: pick(['r1', null]),
        ...(oneIn(4) ? { type: pick(['text', 'tool-call']) } : {}),
    };
}

const made = (random, count, often) => Array.from({ length: count }, (_, i) => message(random, `m${i}`, often));
const byTime = (direction) => (a, b) => direction * (a.createdAt - b.createdAt);

function outcome(work) {
    try {
        return { value: work() };
    } catch (error) {
        return { error: `${error.name}: ${error.message}` };
    }
}

const viaList = (list) => new MessageList().add(structuredClone(list), 'memory').get.all.db();

// The adapters sort what the list gives by the direction that was asked for; rows come in that order already.
for (const [name, direction] of [
    ['forwards', 1],
    ['backwards', -1],
]) {
    test(`rows ${name}: the short way and the list agree`, () => {
        const seen = { short: 0, long: 0, failing: 0 };
        for (let seed = 1; seed <= 1500; seed++) {
            const random = dice(seed);
            const rows = made(random, random.next(9), random.pick([2, 8, 100])).sort(byTime(direction));
            const expected = outcome(() => viaList(rows).sort(byTime(direction)));

            if (areInForm(rows)) {
                seen.short++;
            } else {
                seen[expected.error ? 'failing' : 'long']++;
            }
            assert.deepStrictEqual(
                outcome(() => forms.rows(structuredClone(rows))),
                expected,
                `seed ${seed}`,
            );
        }
        assert.ok(seen.short > 100 && seen.long > 200 && seen.failing > 20, JSON.stringify(seen));
    });
}

test('given messages: the short way and the list agree, and nothing that was given is changed', () => {
    const seen = { short: 0, long: 0, failing: 0 };
    for (let seed = 1; seed <= 1500; seed++) {
        const random = dice(seed);
        const given = made(random, 1 + random.next(8), random.pick([2, 8, 100]));
        for (const one of given) {
            if (random.oneIn(12)) {
                one.id = 'm0';
            }
            if (random.oneIn(20)) {
                one.createdAt = random.pick(['2024-01-01T00:00:02.000Z', Date.UTC(2024, 0, 1)]);
            }
        }
        const before = structuredClone(given);
        const expected = outcome(() => viaList(given));

        if (areInForm(given)) {
            seen.short++;
        } else {
            seen[expected.error ? 'failing' : 'long']++;
        }
        assert.deepStrictEqual(
            outcome(() => withoutDrawnIds(forms.given(given))),
            outcome(() => withoutDrawnIds(viaList(before))),
        );
        assert.deepStrictEqual(given, before, `seed ${seed}`);
    }
    assert.ok(seen.short > 100 && seen.long > 200 && seen.failing > 20, JSON.stringify(seen));
});

// A repeated id of a sealed message makes the list draw a new one.
function withoutDrawnIds(list) {
    return list.map((one) => (/^m\d+$/.test(one.id) ? one : { ...one, id: 'drawn' }));
}

test('messages that the short way is for: nothing is copied', () => {
    const rows = [
        { id: 'a', role: 'user', content: { format: 2, parts: [{ type: 'text', text: 'x' }] }, createdAt: new Date(1) },
    ];
    assert.equal(forms.rows(rows), rows);
    assert.equal(forms.given(rows)[0], rows[0]);
});

test('both stores list the same', async (t) => {
    const stores = [new LibSQLStore({ id: 'ours', url: ':memory:' }), new PeerStore({ id: 'peer', url: ':memory:' })];
    t.after(() => Promise.all(stores.map((store) => store.close())));
    const [ours, peer] = await Promise.all(
        stores.map(async (store) => {
            await store.init();
            return store.getStore('memory');
        }),
    );
    const both = async (work) => {
        const [mine, theirs] = await Promise.all([ours, peer].map(work));
        assert.deepStrictEqual(mine, theirs);
    };
    // What the list cannot read fails with the adapter, in one direction or the other.
    const readable = (list) => !outcome(() => viaList(list)).error && !outcome(() => viaList(list.toReversed())).error;
    let compared = 0;

    for (let seed = 1; seed <= 60; seed++) {
        const random = dice(seed);
        // Kinds in which the two differ on purpose stand in the tables of differences.
        const list = made(random, 1 + random.next(9), random.pick([3, 100])).filter(
            ({ content, resourceId }) => content !== '' && resourceId !== null,
        );
        list.forEach((one, i) => {
            one.id = `${seed}-${i}`;
            one.threadId = `t${seed}`;
            one.createdAt = new Date(Date.UTC(2024, 0, 1) + i * 1000);
        });
        if (!readable(list)) {
            continue;
        }
        compared++;
        await both((memory) => memory.saveMessages({ messages: structuredClone(list) }));
        for (const direction of ['ASC', 'DESC']) {
            await both((memory) =>
                memory.listMessages({ threadId: `t${seed}`, perPage: 5, orderBy: { field: 'createdAt', direction } }),
            );
        }
        await both((memory) => memory.listMessagesById({ messageIds: list.map(({ id }) => id) }));
        await both((memory) => memory.listMessagesByResourceId({ resourceId: 'r1', perPage: false }));
    }
    assert.ok(compared > 30, String(compared));
});

test('a message that the list cannot read is refused before anything is stored', async (t) => {
    const store = new LibSQLStore({ id: 'ours', url: ':memory:' });
    t.after(() => store.close());
    const one = (id, type) => ({
        id,
        threadId: 't',
        resourceId: 'r',
        role: 'user',
        content: { format: 2, parts: [{ type, text: 'x' }] },
        createdAt: new Date(1000),
    });

    await assert.rejects(store.saveMessages({ messages: [one('a', 'text'), one('b'), one('c', 'text')] }), {
        id: 'MASTRA_STORAGE_LIBSQL_SAVE_MESSAGES_FAILED',
        category: 'THIRD_PARTY',
    });
    assert.equal((await store.listMessages({ threadId: 't' })).total, 0);
});
