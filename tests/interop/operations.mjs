// The same random sequence of operations on our store and on the peer's: every answer is compared, and in the end
// everything that is stored, each store being read by both.
import assert from 'node:assert/strict';

import { Sequence } from './generator.mjs';
import { Peer } from './peer.mjs';
import { Refusal, assertEqual, openOurs, seeded } from './support.mjs';

// Where the answers differ by design: how one of them is brought to the form of the other. What follows from a
// difference over several steps is kept out of the sequences by the generator; both kinds are shown one by one, with
// the reasons, in differences.test.mjs.
const LEVELLED = {
    saveMessages: (ours, theirs) => [withoutDefaultType(ours.messages), withoutDefaultType(theirs.messages)],
    listMessages: (ours, theirs) => [tiesById(ours), tiesById(theirs)],
    listMessagesByResourceId: (ours, theirs) => [tiesById(ours), tiesById(theirs)],
    listMessagesById: (ours, theirs) => [byTimeAndId(ours.messages), byTimeAndId(theirs.messages)],
    updateMessages: (ours, theirs) => [byId(withoutDefaultType(ours)), byId(withoutDefaultType(theirs))],
    updateResource: (ours, theirs) => [withoutEmpty(ours), withoutEmpty(theirs)],
    saveThread: (ours, theirs) => [withoutEmpty(ours), withoutEmpty(theirs)],
    updateThreadResourceId: (ours, theirs) => [{ ...ours, metadata: 0 }, { ...theirs, metadata: 0 }],
};

function withoutDefaultType(messages) {
    return messages.map(({ type, ...rest }) => (type && type !== 'v2' ? { ...rest, type } : rest));
}

// Messages of several threads with equal times. In one thread their order counts.
function tiesById(list) {
    const threads = new Set(list.messages.map((message) => message.threadId));
    if (threads.size <= 1) {
        return list;
    }
    return { ...list, messages: byTimeAndId(list.messages) };
}

function byTimeAndId(messages) {
    return tiesBy(messages, 'createdAt', (message) => message.id);
}

/** Sorts those that follow one another with the same time. */
function tiesBy(records, time, id) {
    const groups = [];
    for (const record of records) {
        if (groups.at(-1)?.[0][time] === record[time]) {
            groups.at(-1).push(record);
        } else {
            groups.push([record]);
        }
    }
    return groups.flatMap((group) => group.toSorted((a, b) => (id(a) < id(b) ? -1 : 1)));
}

export function byId(messages) {
    return messages.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function withoutEmpty({ metadata, workingMemory, ...rest }) {
    const empty = metadata === null || metadata === undefined || Object.keys(metadata).length === 0;
    return { ...rest, workingMemory: workingMemory ?? null, ...(empty ? {} : { metadata }) };
}

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

// Ids that each store has drawn for itself stand for the same record, and a time of this run is "now".
class Names {
    constructor(since) {
        this.since = since;
        this.common = new Map();
        this.own = new Map();
    }

    add(own, common) {
        this.common.set(own, common);
        this.own.set(common, own);
    }

    toOwn(value) {
        return replaced(value, (text) => this.own.get(text) ?? text);
    }

    toCommon(value) {
        return replaced(value, (text) => {
            if (/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/.test(text) && text >= this.since) {
                return '<now>';
            }
            return text.replace(UUID, (id) => this.common.get(id) ?? id);
        });
    }
}

function replaced(value, change) {
    if (typeof value === 'string') {
        return change(value);
    }
    if (Array.isArray(value)) {
        return value.map((item) => replaced(item, change));
    }
    if (value && typeof value === 'object' && !(value instanceof Date)) {
        const entries = Object.entries(value).map(([key, item]) => [change(key), replaced(item, change)]);
        return Object.fromEntries(entries);
    }
    return value;
}

class Side {
    constructor(store, since, level) {
        this.store = store;
        this.level = level;
        this.names = new Names(since);
    }

    /** The answer, with common names; or the refusal. */
    async call(op, args, label) {
        try {
            const answer = await this.store.call(op, this.names.toOwn(args));
            if (answer?.messageIdMap) {
                this.names.add(answer.thread.id, args.newThreadId ?? label);
                for (const [source, copy] of Object.entries(answer.messageIdMap)) {
                    this.names.add(copy, `${this.names.toCommon(source)} in ${label}`);
                }
            }
            const byUpdate = op === 'listThreads' && args.orderBy?.field === 'updatedAt';
            const common = this.names.toCommon(byUpdate ? this.#tiesByCommonId(answer) : answer);
            return { answer: this.level[op] && common ? this.level[op](common, args) : common };
        } catch (error) {
            if (!(error instanceof Refusal)) {
                throw error;
            }
            return { refusal: this.names.toCommon(error.error) };
        }
    }

    // One write may give several threads the same updatedAt, and the peer leaves their order open.
    #tiesByCommonId(list) {
        const id = (thread) => this.names.toCommon(thread.id);
        return { ...list, threads: tiesBy(list.threads, 'updatedAt', id) };
    }
}

// A refusal of a plain kind carries no id in the peer; ours always have one.
function assertSameRefusal(ours, theirs, about) {
    assert.equal(ours.message, theirs.message, about);
    if (theirs.id) {
        assert.equal(ours.id, theirs.id, about);
    }
}

function assertSame(op, args, ours, theirs, about) {
    if (ours.refusal && theirs.refusal) {
        assertSameRefusal(ours.refusal, theirs.refusal, about);
        return;
    }
    assert.ok(!ours.refusal, `${about}\nonly we refuse: ${ours.refusal?.message}`);
    assert.ok(!theirs.refusal, `${about}\nonly the peer refuses: ${theirs.refusal?.message}`);
    const level = LEVELLED[op];
    const [a, b] = level && ours.answer && theirs.answer ? level(ours.answer, theirs.answer) : [ours.answer, theirs.answer];
    assertEqual(a, b, about);
}

/** Everything in a store, by its own operations. */
async function contents(side, resources) {
    const { answer: listed } = await side.call('listThreads', { perPage: false, orderBy: { field: 'updatedAt' } });
    const everything = { threads: listed.threads, total: listed.total, messages: {}, resources: {} };
    for (const { id } of listed.threads) {
        everything.messages[id] = (await side.call('listMessages', { threadId: id, perPage: false })).answer;
    }
    for (const resourceId of resources) {
        everything.resources[resourceId] = (await side.call('getResourceById', { resourceId })).answer;
    }
    return everything;
}

const nextMillisecond = () => new Promise((resolve) => setTimeout(resolve, 2));

async function openPeer(t, place) {
    const peer = await Peer.open(place);
    peer.asStored = true;
    return peer;
}

/**
 * Where the stores live: open(t) gives a place for each, rows(place) what stands in it as { threads, messages }, arrange
 * puts messages into an order where they have none, intact tells whether the place is whole. `habits` are those of the
 * sequence; `level` has for some operations what is done to both answers, given with the arguments,
 * before all else; openTheirs opens the peer.
 */
export async function compareOperations(t, seed, steps, options) {
    const { open, rows, arrange = (messages) => messages, intact = () => {}, habits = {}, level = {} } = options;
    const { openTheirs = openPeer } = options;
    const places = await open(t);
    const since = new Date().toISOString();
    const ours = new Side(openOurs(t, places.ours), since, level);
    const theirs = new Side(await openTheirs(t, places.theirs), since, level);
    const sequence = new Sequence(seeded(seed), habits);

    for (let step = 1; step <= steps; step++) {
        const { op, args } = sequence.next();
        const about = `seed ${seed}, step ${step}: ${op} ${JSON.stringify(args)}`;
        const label = `copy ${step}`;
        const [a, b] = await Promise.all([ours.call(op, args, label), theirs.call(op, args, label)]);
        assertSame(op, args, a, b, about);
        sequence.learn(op, args, a.answer, label);
        // So that no two times of one store are equal, which would leave their order to chance.
        await nextMillisecond();
    }

    const expected = await contents(theirs, sequence.resources);
    assertEqual(await contents(ours, sequence.resources), expected, 'the same is stored');
    const stored = async (side, place) => {
        const common = side.names.toCommon(await rows(place));
        return { threads: byId(common.threads), messages: arrange(common.messages) };
    };
    assertEqual(await stored(ours, places.ours), await stored(theirs, places.theirs), 'the same rows');
    await ours.store.close();
    await theirs.store.close();

    // Each reads what the other has written.
    const weReadTheirs = openOurs(t, places.theirs);
    const theyReadOurs = await openTheirs(t, places.ours);
    ours.store = theyReadOurs;
    theirs.store = weReadTheirs;
    assertEqual(await contents(theirs, sequence.resources), expected, 'we read what the peer stored');
    assertEqual(await contents(ours, sequence.resources), expected, 'the peer reads what we stored');
    await weReadTheirs.close();
    await theyReadOurs.close();
    await intact(places.ours);
    await intact(places.theirs);
}
