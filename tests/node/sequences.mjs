// Random operations with the values that an application may come along with, good and bad.
import { Sequence } from '../interop/generator.mjs';
import { RunSequence } from '../interop/runs.mjs';
import { SpanSequence } from '../interop/spans.mjs';
import { seeded } from '../interop/support.mjs';

// Members of JSON of the user's own that JSON.stringify does something to, or that databases have trouble with.
const MEMBERS = [
    { when: new Date(0), never: new Date(NaN) },
    { gone: undefined, nothing: null },
    { lone: '\ud800', other: 'x\udc00y' },
    { zero: 'a\u0000b', 'k\u0000': 1 },
    { nan: NaN, much: Infinity, minus: -0 },
    { '': 'empty', ' ': 'blank', "it's": '"quoted"', 'a.b[0]': '$.x' },
    { list: [undefined, () => 1, Symbol('s'), , null] },
    { call: () => 1, mark: Symbol('s'), kept: 1 },
    { json: { toJSON: () => ({ made: 'by toJSON' }) } },
    { map: new Map([[1, 2]]), set: new Set([1]), bytes: new Uint8Array([1, 2]), pattern: /x/g },
    { large: 2 ** 60, tiny: 5e-324, long: 1.7976931348623157e308, big: 123456789012345680000 },
    { text: '{"a": 1}', list: '[1, 2]', word: 'null', number: '1' },
    { deep: { er: { and: { deeper: [[[[{ x: [] }]]]] } } } },
    { emoji: '👩‍👩‍👧', rtl: 'مرحبا', combining: 'é', line: '\u2028\u2029' },
    { long: 'x'.repeat(3000) },
    { time: '2024-01-01T00:00:00.000Z', date: '2024-01-01' },
    { __proto__: { inherited: 1 }, own: 1 },
    { constructor: 'c', toString: 's', hasOwnProperty: 'h' },
    {},
];

const BAD = [
    undefined,
    null,
    '',
    ' ',
    'x',
    '-1',
    '\ud800',
    'a\u0000b',
    0,
    -1,
    1.5,
    7,
    NaN,
    Infinity,
    2 ** 53,
    true,
    false,
];
BAD.push([], {}, ['x'], [null], { x: 1 }, new Date(NaN), new Date(0), 10n, () => 1, Symbol('s'));

// For writes: what comes out as JSON has it is left to the sequences of good arguments.
export const BAD_TO_SAVE = BAD.filter(
    (value) =>
        !['function', 'symbol', 'bigint'].includes(typeof value) && !(value instanceof Date && value.getTime() === 0),
);

/** Where something can be replaced: paths to members and elements, not deep into the user's own JSON. */
function places(value, path = []) {
    const isPlain = Array.isArray(value) || (value && Object.getPrototypeOf(value) === Object.prototype);
    if (!isPlain || path.length > 4) {
        return [];
    }
    const keys = Object.keys(value);
    return keys.flatMap((key) => [[...path, key], ...places(value[key], [...path, key])]);
}

function copy(value) {
    if (Array.isArray(value)) {
        return value.map(copy);
    }
    if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
    }
    return value;
}

/** The arguments with one member replaced, removed or added; and what was done, for people. */
export function spoilt(sequence, args, values = BAD) {
    if (sequence.chance(4)) {
        const value = sequence.pick(values);
        return { args: value, value, done: `all: ${show(value)}` };
    }
    const made = copy(args);
    const all = places(made);
    if (all.length === 0) {
        return { args: made, done: 'nothing' };
    }
    const path = sequence.pick(all);
    let inside = made;
    for (const key of path.slice(0, -1)) {
        inside = inside[key];
    }
    if (sequence.chance(15)) {
        delete inside[path.at(-1)];
        return { args: made, path, done: `${path.join('.')}: removed` };
    }
    const value = sequence.pick(values);
    inside[path.at(-1)] = value;
    return { args: made, path, value, done: `${path.join('.')}: ${show(value)}` };
}

export function show(value) {
    return typeof value === 'string' || (value && typeof value === 'object' && !(value instanceof Date))
        ? JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item)).slice(0, 400)
        : Object.is(value, -0)
          ? '-0'
          : String(value);
}

export class MemorySequence extends Sequence {
    domain = 'memory';
    reads = [
        'getThreadById',
        'listThreads',
        'listMessages',
        'listMessagesByResourceId',
        'listMessagesById',
        'getResourceById',
    ];

    constructor(seed, habits) {
        super(seeded(seed), habits);
    }

    next() {
        for (;;) {
            const made = super.next();
            // The domains have it under another name.
            if (made.op !== 'listThreadsByResourceId') {
                return made;
            }
        }
    }

    metadata() {
        return this.chance(40) ? { ...super.metadata(), ...this.pick(MEMBERS) } : super.metadata();
    }

    dbContent() {
        const content = super.dbContent();
        if (this.chance(25)) {
            content.parts.push({ type: 'data', data: this.pick(MEMBERS) });
        }
        return content;
    }
}

export class WorkflowSequence extends RunSequence {
    domain = 'workflows';
    reads = ['loadWorkflowSnapshot', 'getWorkflowRunById', 'listWorkflowRuns'];

    next() {
        const [op, args] = super.next();
        return { op, args: withDates(args) };
    }

    snapshot(runId) {
        const snapshot = super.snapshot(runId);
        return this.chance(40) ? { ...snapshot, value: this.pick(MEMBERS) } : snapshot;
    }

    learn() {}
}

const TIMES = new Set(['createdAt', 'updatedAt', 'fromDate', 'toDate', 'startedAt', 'endedAt', 'start', 'end']);

// JSON of the user's own.
const OPAQUE = new Set([
    'result',
    'snapshot',
    'opts',
    'requestContext',
    'input',
    'output',
    'attributes',
    'metadata',
    'error',
]);

/** Times as applications give them. */
function withDates(value, key) {
    if (OPAQUE.has(key)) {
        return value;
    }
    if (typeof value === 'string' && TIMES.has(key)) {
        return new Date(value);
    }
    if (Array.isArray(value)) {
        return value.map((item) => withDates(item));
    }
    if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
        return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withDates(item, name)]));
    }
    return value;
}

export class TraceSequence extends SpanSequence {
    domain = 'observability';
    reads = ['getSpan', 'getRootSpan', 'getTrace', 'getTraceLight', 'listTraces'];

    constructor(seed) {
        super(seeded(seed));
    }

    next() {
        const { op, args } = super.next();
        return { op, args: withDates(args) };
    }

    /** By endedAt only what has ended can be compared: the peer leaves the order of the others open. */
    list() {
        const args = super.list();
        return args.orderBy?.field === 'endedAt' ? { ...args, orderBy: { field: 'startedAt' } } : args;
    }

    json() {
        return this.chance(30) ? this.pick(MEMBERS) : super.json();
    }

    learn() {}
}

const SCORE_TEXTS = [
    'preprocessPrompt',
    'extractPrompt',
    'generateScorePrompt',
    'generateReasonPrompt',
    'analyzePrompt',
];
SCORE_TEXTS.push(
    'reasonPrompt',
    'reason',
    'traceId',
    'spanId',
    'resourceId',
    'threadId',
    'organizationId',
    'projectId',
);
SCORE_TEXTS.push('batchId', 'datasetId', 'datasetItemId');
const SCORE_OBJECTS = [
    'preprocessStepResult',
    'extractStepResult',
    'analyzeStepResult',
    'metadata',
    'additionalContext',
];
SCORE_OBJECTS.push('requestContext');
const WORDS = ['red', "o'k", 'grün 🙂', 'a "quote" \\ and %_', '', '[1]', '{"a": 1}', 'null'];

/** Scores, each saved in a millisecond of its own, as the peer leaves the order of equal times open. */
export class ScoreSequence {
    domain = 'scores';
    reads = ['getScoreById', 'listScoresByScorerId', 'listScoresByRunId', 'listScoresByEntityId', 'listScoresBySpan'];

    constructor(seed) {
        this.random = seeded(seed);
        this.counter = 0;
    }

    pick(list) {
        return list[this.random(list.length)];
    }

    chance(percent) {
        return this.random(100) < percent;
    }

    id() {
        return `score-${this.random(12)}`;
    }

    json() {
        return this.pick([...MEMBERS, [1, 'two', null], 'text', '{"a": 1}', '', 0, 1.5, true, false]);
    }

    saveScore() {
        const score = {
            scorerId: this.pick(['tone', 'length']),
            runId: this.pick(['run-1', 'run-2']),
            entityId: this.pick(['agent', "o'tool"]),
            scorer: { id: 'tone', ...this.pick(MEMBERS) },
            entity: this.pick(MEMBERS),
            source: this.pick(['LIVE', 'TEST']),
            score: this.pick([0, 1, 0.1 + 0.2, -7.5, 5e-324, 1e300]),
            output: this.json(),
        };
        // Given ids come again, and with them a score is replaced.
        if (this.chance(70)) {
            score.id = this.id();
        }
        if (this.chance(50)) {
            score.input = this.json();
        }
        if (this.chance(50)) {
            score.entityType = this.pick(['AGENT', 'WORKFLOW', 'tool_call']);
        }
        for (const name of SCORE_TEXTS) {
            if (this.chance(25)) {
                score[name] = this.pick(WORDS);
            }
        }
        for (const name of SCORE_OBJECTS) {
            if (this.chance(25)) {
                score[name] = this.pick(MEMBERS);
            }
        }
        if (this.chance(10)) {
            Object.assign(score, { unknown: 1, createdAt: new Date(0), structuredOutput: true });
        }
        return score;
    }

    list(given) {
        const args = { ...given, pagination: { page: this.random(3), perPage: this.pick([1, 2, 5, 100, 0, false]) } };
        if (args.pagination.perPage === false) {
            args.pagination.page = 0;
        }
        if (this.chance(20)) {
            args.filters = this.pick([{}, { organizationId: 'red' }, { organizationId: '', projectId: "o'k" }]);
        }
        return args;
    }

    next() {
        const kinds = [
            [45, () => ({ op: 'saveScore', args: this.saveScore() })],
            [15, () => ({ op: 'getScoreById', args: { id: this.id() } })],
            [15, () => ({ op: 'listScoresByScorerId', args: this.list(this.#scorer()) })],
            [
                10,
                () => ({ op: 'listScoresByRunId', args: this.list({ runId: this.pick(['run-1', 'run-2', 'none']) }) }),
            ],
            [8, () => ({ op: 'listScoresByEntityId', args: this.list({ entityId: 'agent', entityType: 'AGENT' }) })],
            [
                7,
                () => ({
                    op: 'listScoresBySpan',
                    args: this.list({ traceId: this.pick(WORDS), spanId: this.pick(WORDS) }),
                }),
            ],
        ];
        let left = this.random(100);
        return kinds.find(([weight]) => (left -= weight) < 0)[1]();
    }

    #scorer() {
        const args = { scorerId: this.pick(['tone', 'length', 'none', '']) };
        if (this.chance(30)) {
            Object.assign(args, { entityId: 'agent', entityType: this.pick(['AGENT', 'WORKFLOW']) });
        }
        return this.chance(30) ? { ...args, source: this.pick(['LIVE', 'TEST']) } : args;
    }

    learn() {}
}
