// Random operations on spans on schemas of PostgreSQL, see spans.mjs.
import { schema, test } from './postgres.mjs';
import { compareSpans } from './spans.mjs';

const SEEDS = [3, 41];
const STEPS = 300;

// A span that is created again keeps in the adapter what the second one has not got, and an update of endedAt reaches
// only one of its two columns.
const habits = { newSpans: true, fixedEnds: true };

// Columns that the adapter writes and does not read.
const UNREAD =
    /^(parentEntity(Type|Id|Name)|rootEntity(Type|Id|Name)|(e|parentE|rootE)ntityVersionId|experimentId|requestContext)$/;
// Those of the short form of a trace, of which the adapter reads fewer.
const SHORT = /^(traceId|spanId|parentSpanId|name|spanType|isEvent|error|entity(Type|Id|Name)|(start|end|creat|updat)edAt)$/;
const JSON_COLUMNS = new Set(['attributes', 'metadata', 'tags', 'links', 'input', 'output', 'error', 'scope']);

// It takes a text in a column of JSON for the text of some JSON.
function reread(value) {
    if (typeof value !== 'string') {
        return value;
    }
    try {
        return JSON.parse(value);
    } catch {
        return value;
    }
}

function level(op, value) {
    if (Array.isArray(value)) {
        return value.map((item) => level(op, item));
    }
    if (!value || typeof value !== 'object') {
        return value;
    }
    const isRead = (name) => !UNREAD.test(name) && (op !== 'getTraceLight' || SHORT.test(name));
    const members = Object.entries(value).filter(([name]) => !('spanId' in value) || isRead(name));
    return Object.fromEntries(
        members.map(([name, item]) => [name, JSON_COLUMNS.has(name) ? reread(item) : level(op, item)]),
    );
}

const open = () => ({ ours: schema('ours'), theirs: schema('theirs') });

for (const seed of SEEDS) {
    test(`${STEPS} random operations on spans answer alike, seed ${seed}`, (t) =>
        compareSpans(t, seed, STEPS, { open, level, habits }));
}
