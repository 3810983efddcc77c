// Several processes write one database at the same time, ours and the peer's: nobody loses a write, nobody is told that
// the database is locked.
import assert from 'node:assert/strict';

import { Peer } from './peer.mjs';
import { assertEqual, openOurs, openPeerProcess, plain, seeded } from './support.mjs';

const SHARED = ['shared-1', 'shared-2', 'shared-3'];
// Requests that a writer keeps under way, so that its process never waits for this one.
const AHEAD = 16;

const stamp = (n) => new Date(Date.UTC(2024, 0, 1) + n).toISOString();

const threadOf = (id) => ({ id, resourceId: 'r', title: id, metadata: {}, createdAt: stamp(0), updatedAt: stamp(0) });

function batch(writer, n, size) {
    return Array.from({ length: size }, (_, i) => ({
        id: `${writer.name} ${n}.${i}`,
        threadId: SHARED[n % SHARED.length],
        resourceId: 'r',
        role: 'user',
        content: { format: 2, parts: [{ type: 'text', text: `${writer.name} ${n}.${i} ${'.'.repeat(200)}` }] },
        createdAt: stamp(n),
    }));
}

// One step of a writer. What it has been promised is remembered; what it reads must show that.
async function step(writer, n) {
    const kind = writer.random(10);
    if (kind < 6) {
        const messages = batch(writer, n, 1 + writer.random(3));
        await writer.store.call('saveMessages', { messages });
        writer.saved.push(...messages);
    } else if (kind < 8) {
        // Each updates a thread of its own: over a foreign one the peer would write what it has read before.
        await writer.store.call('updateThread', { id: writer.name, metadata: { [`k${n}`]: n } });
        writer.updates[`k${n}`] = n;
    } else {
        const threadId = SHARED[n % SHARED.length];
        const before = writer.saved.filter((message) => message.threadId === threadId).length;
        const { messages, total } = await writer.store.call('listMessages', {
            threadId,
            perPage: 10,
            orderBy: { field: 'createdAt', direction: 'DESC' },
        });
        assert.ok(total >= before, `${writer.name} finds ${total} messages after it has saved ${before}`);
        assert.equal(messages.length, Math.min(10, total));
    }
}

async function work(writer, steps) {
    const end = writer.next + steps;
    const lane = async () => {
        while (writer.next < end) {
            await step(writer, writer.next++);
        }
    };
    await Promise.all(Array.from({ length: AHEAD }, lane));
}

// What was promised to all, against what a store finds in the end.
async function assertComplete(store, writers, whose) {
    for (const threadId of SHARED) {
        const expected = writers.flatMap(({ saved }) => saved).filter((message) => message.threadId === threadId);
        const { messages, total } = await store.call('listMessages', { threadId, perPage: false });
        assert.equal(total, expected.length, `${whose}: messages of ${threadId}`);
        const text = ({ id, content }) => `${id}: ${JSON.stringify(plain(content))}`;
        assertEqual(messages.map(text).toSorted(), expected.map(text).toSorted(), `${whose}: messages of ${threadId}`);
    }
    for (const { name, updates } of writers) {
        const { metadata } = await store.call('getThreadById', { threadId: name });
        assertEqual(metadata, updates, `${whose}: metadata of ${name}`);
    }
}

// Ours is the faster: it does more in a round, so that all are at work for most of it.
export const PEER = { open: openPeerProcess, pace: 50 };
export const OURS = { open: openOurs, pace: 200 };

/** Gives how many messages there must be in the end. */
export async function writeTogether(t, place, kinds, rounds) {
    const setter = openOurs(t, place);
    for (const id of [...SHARED, ...kinds.map((_, n) => `writer ${n}`)]) {
        await setter.call('saveThread', { thread: threadOf(id) });
    }
    await setter.close();

    const writers = kinds.map(({ open, pace }, n) => ({
        name: `writer ${n}`,
        store: open(t, place),
        pace,
        next: 0,
        random: seeded(n + 1),
        saved: [],
        updates: {},
    }));
    for (let round = 0; round < rounds; round++) {
        await Promise.all(writers.map((writer) => work(writer, writer.pace)));
    }

    const checkers = [openOurs(t, place), await Peer.open(place)];
    await assertComplete(checkers[0], writers, 'our view');
    await assertComplete(checkers[1], writers, "the peer's view");
    for (const { store } of writers) {
        await assertComplete(store, writers, 'the view of a writer');
        await store.close();
    }
    await checkers[0].close();
    await checkers[1].close();
    return writers.reduce((sum, { saved }) => sum + saved.length, 0);
}

/** All find nothing, and each creates its tables. */
export async function beginTogether(t, place) {
    const stores = [openOurs, openPeerProcess, openOurs].map((open) => open(t, place));
    await Promise.all(stores.map((store, n) => store.call('saveThread', { thread: threadOf(`first ${n}`) })));
    for (const store of stores) {
        const { threads } = await store.call('listThreads', { perPage: false });
        assert.deepEqual(threads.map(({ id }) => id).toSorted(), ['first 0', 'first 1', 'first 2']);
        await store.close();
    }
}
