// Spans: the peer's observability domain behind call(operation, arguments), and random sequences that both stores must
// answer alike.
import assert from 'node:assert/strict';

import { Peer } from './peer.mjs';
import { Refusal, assertEqual, openOurs, plain, seeded } from './support.mjs';

export class SpanPeer {
    static async open(file) {
        const peer = await Peer.open(file);
        return new SpanPeer(peer, await peer.store.getStore('observability'));
    }

    constructor(peer, domain) {
        this.peer = peer;
        this.domain = domain;
    }

    async call(op, args = {}) {
        try {
            return plain(await this.domain[op](structuredClone(args)));
        } catch (error) {
            throw new Refusal({ id: error.id, category: error.category, message: error.message });
        }
    }

    close() {
        return this.peer.close();
    }
}

const PLAIN_TRACES = Array.from({ length: 24 }, (_, n) => `t${n}`);
const TRACES = ["t'2", 't "3"', 't🧵4', 't\n5', 'x'.repeat(100), ...PLAIN_TRACES];
const WORDS = ['red', "o'k", 'grün 🙂', 'a "quote" \\ and %_', ''];
const FIRST_DAY = Date.UTC(2024, 0, 1);
const FREE = ['entityId', 'entityName', 'userId', 'organizationId', 'resourceId', 'runId', 'sessionId', 'threadId'];
const MORE = ['requestId', 'environment', 'serviceName', 'source'];
// Members that the peer does not filter by.
const UNASKED = ['experimentId', 'entityVersionId', 'parentEntityId', 'rootEntityName', 'parentEntityVersionId'];
const JSON_MEMBERS = ['attributes', 'links', 'input', 'output', 'requestContext'];

// All startedAt and all endedAt differ, because the peer leaves the order of equal ones open; and every trace has one
// root, because it leaves open which of several is returned.
export class SpanSequence {
    /** habits: newSpans, no span is created twice; fixedEnds, no update tells when a span ended. */
    constructor(random, habits = {}) {
        this.random = random;
        this.habits = habits;
        this.clock = 0;
        this.counter = 0;
        this.spans = new Map();
        this.traces = TRACES;
    }

    pick(list) {
        return list[this.random(list.length)];
    }

    chance(percent) {
        return this.random(100) < percent;
    }

    newTime() {
        this.clock += 1 + this.random(100_000);
        return new Date(FIRST_DAY + this.clock).toISOString();
    }

    aTime() {
        return new Date(FIRST_DAY + this.random(this.clock + 100_000)).toISOString();
    }

    json() {
        return this.pick([
            { a: [1, { b: null }], text: this.pick(WORDS) },
            [{ type: 'text', text: this.pick(WORDS) }, 1.5, true],
            'plain text',
            '{"a": 1}',
            '[1]',
            '',
            0,
            -7.25,
            false,
            {},
            [],
        ]);
    }

    /** Members of a span besides those that it must have. */
    members() {
        const span = {};
        for (const name of [...FREE, ...MORE, ...UNASKED]) {
            if (this.chance(40)) {
                span[name] = this.pick(WORDS);
            }
        }
        for (const name of JSON_MEMBERS) {
            if (this.chance(30)) {
                span[name] = this.json();
            }
        }
        if (this.chance(60)) {
            span.metadata = { color: this.pick(WORDS), deep: { n: this.random(3) } };
        }
        if (this.chance(40)) {
            span.scope = { version: this.pick(WORDS) };
        }
        if (this.chance(50)) {
            span.tags = WORDS.filter(() => this.chance(40));
        }
        if (this.chance(50)) {
            span.entityType = this.pick(['agent', 'tool', 'workflow_run']);
        }
        if (this.chance(60)) {
            span.endedAt = this.newTime();
        }
        if (this.chance(20)) {
            span.error = this.pick([{ message: 'no', id: 'E' }, 'broken', {}]);
        }
        return span;
    }

    newSpan() {
        const traceId = this.pick(TRACES);
        const ids = [...this.spans.keys()].filter((key) => JSON.parse(key)[0] === traceId);
        const hasRoot = ids.some((key) => JSON.parse(key)[1] === 'root');
        const again = !this.habits.newSpans && ids.length > 0 && this.chance(15) ? JSON.parse(this.pick(ids))[1] : undefined;
        const spanId = again ?? (hasRoot ? `s${this.counter++}${this.pick(['', "'", '"', '🙂'])}` : 'root');
        this.spans.set(JSON.stringify([traceId, spanId]), true);
        return {
            traceId,
            spanId,
            name: this.pick(WORDS) || 'name',
            spanType: this.pick(['agent_run', 'workflow_run', 'tool_call']),
            isEvent: this.chance(20),
            startedAt: this.newTime(),
            ...(spanId === 'root' ? {} : { parentSpanId: this.pick(['root', 'gone']) }),
            ...this.members(),
        };
    }

    key() {
        if (this.spans.size === 0 || this.chance(5)) {
            return { traceId: this.pick(TRACES), spanId: 'none' };
        }
        const [traceId, spanId] = JSON.parse(this.pick([...this.spans.keys()]));
        return { traceId, spanId };
    }

    update() {
        const updates = this.members();
        if (this.habits.fixedEnds) {
            delete updates.endedAt;
        }
        for (const name of Object.keys(updates)) {
            if (this.chance(60)) {
                delete updates[name];
            } else if (this.chance(15)) {
                updates[name] = null;
            }
        }
        if (this.chance(20)) {
            updates.name = 'renamed';
            updates.isEvent = true;
        }
        return { ...this.key(), updates };
    }

    range() {
        return { ...(this.chance(70) ? { start: this.aTime() } : {}), ...(this.chance(70) ? { end: this.aTime() } : {}) };
    }

    filters() {
        const filters = {};
        const maybe = (percent, name, value) => {
            if (this.chance(percent)) {
                filters[name] = value();
            }
        };
        [...FREE, ...MORE].forEach((name) => maybe(2, name, () => this.pick(WORDS)));
        maybe(15, 'spanType', () => this.pick(['agent_run', 'workflow_run', 'model_step']));
        maybe(15, 'entityType', () => this.pick(['agent', 'tool']));
        maybe(20, 'startedAt', () => this.range());
        maybe(20, 'endedAt', () => this.range());
        maybe(20, 'status', () => this.pick(['success', 'error', 'running']));
        maybe(20, 'hasChildError', () => this.pick([true, false, 'true', 'false']));
        maybe(15, 'tags', () => WORDS.filter(() => this.chance(25)));
        maybe(15, 'metadata', () => ({ color: this.pick(WORDS) }));
        maybe(10, 'scope', () => ({ version: this.pick(WORDS) }));
        return filters;
    }

    list() {
        const args = {};
        if (this.chance(80)) {
            args.filters = this.filters();
        }
        if (this.chance(50)) {
            args.pagination = { page: this.random(3), perPage: this.pick([1, 2, 3, 100, '2']) };
        }
        if (this.chance(40)) {
            args.orderBy = { field: 'startedAt', direction: this.pick(['ASC', 'DESC']) };
        } else if (this.chance(30)) {
            // Only what has ended: the peer leaves the order of the others open.
            args.orderBy = { field: 'endedAt', direction: this.pick(['ASC', 'DESC']) };
            args.filters = { ...args.filters, endedAt: { start: '2000-01-01T00:00:00.000Z' } };
        }
        return args;
    }

    next() {
        const some = (make) => Array.from({ length: this.random(6) }, make);
        const traceId = this.pick([...TRACES, 'none']);
        const kinds = [
            [10, () => ({ op: 'createSpan', args: { span: this.newSpan() } })],
            [10, () => ({ op: 'batchCreateSpans', args: { records: some(() => this.newSpan()) } })],
            [10, () => ({ op: 'updateSpan', args: this.update() })],
            [8, () => ({ op: 'batchUpdateSpans', args: { records: some(() => this.update()) } })],
            [6, () => ({ op: 'getSpan', args: this.key() })],
            [4, () => ({ op: 'getRootSpan', args: { traceId } })],
            [6, () => ({ op: 'getTrace', args: { traceId } })],
            [4, () => ({ op: 'getTraceLight', args: { traceId } })],
            [40, () => ({ op: 'listTraces', args: this.list() })],
            [2, () => this.deletion()],
        ];
        let left = this.random(100);
        return kinds.find(([weight]) => (left -= weight) < 0)[1]();
    }

    deletion() {
        const traceIds = [...TRACES, 'none'].filter(() => this.chance(20));
        for (const key of [...this.spans.keys()]) {
            if (traceIds.includes(JSON.parse(key)[0])) {
                this.spans.delete(key);
            }
        }
        return { op: 'batchDeleteTraces', args: { traceIds } };
    }
}

// Both stores set these two by their own clock.
function withoutClock(value, since) {
    if (Array.isArray(value)) {
        return value.map((item) => withoutClock(item, since));
    }
    if (!value || typeof value !== 'object' || !('createdAt' in value && 'spanId' in value)) {
        return value && typeof value === 'object'
            ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutClock(item, since)]))
            : value;
    }
    const { createdAt, updatedAt, ...rest } = value;
    assert.ok(createdAt >= since && updatedAt >= createdAt, `times of ${value.spanId}`);
    return rest;
}

export async function answered(store, op, args) {
    try {
        return await store.call(op, args);
    } catch (error) {
        if (!(error instanceof Refusal)) {
            throw error;
        }
        return { refused: error.message };
    }
}

async function contents(store, traces, level) {
    const all = { listed: level('listTraces', plain(await store.call('listTraces', { pagination: { perPage: 100 } }))) };
    for (const traceId of traces) {
        all[traceId] = level('getTrace', plain(await store.call('getTrace', { traceId })));
    }
    return all;
}

/**
 * The same random sequence on our store and on the peer's, in the places `open(t)` gives; level(op, answer) brings an answer
 * to the form in which the two are compared.
 */
export async function compareSpans(t, seed, steps, { open, level = (_, answer) => answer, intact = () => {}, habits }) {
    const files = open(t);
    const since = new Date().toISOString();
    const ours = openOurs(t, files.ours);
    const theirs = await SpanPeer.open(files.theirs);
    const sequence = new SpanSequence(seeded(seed), habits);
    let matched = 0;

    for (let step = 1; step <= steps; step++) {
        const { op, args } = sequence.next();
        const about = `seed ${seed}, step ${step}: ${op} ${JSON.stringify(args)}`;
        const [a, b] = await Promise.all([answered(ours, op, args), answered(theirs, op, args)]);
        assertEqual(withoutClock(level(op, plain(a)), since), withoutClock(level(op, b), since), about);
        assert.ok(!b?.refused, about);
        if (args.filters && b.spans.length > 0) {
            matched++;
        }
    }
    assert.ok(matched > 20, `filters find something: ${matched}`);

    const seen = async (store) => withoutClock(await contents(store, sequence.traces, level), since);
    const expected = await seen(theirs);
    assertEqual(await seen(ours), expected, 'the same is stored');
    await ours.close();
    await theirs.close();

    // Each reads the file of the other.
    const weReadTheirs = openOurs(t, files.theirs);
    const theyReadOurs = await SpanPeer.open(files.ours);
    assertEqual(await seen(weReadTheirs), expected, 'we read what the peer stored');
    assertEqual(await seen(theyReadOurs), expected, 'the peer reads what we stored');
    await weReadTheirs.close();
    await theyReadOurs.close();
    await intact(files.ours);
    await intact(files.theirs);
}
