'use strict';
// What crosses the boundary is JSON text. Values that JSON.stringify refuses are stored as Mastra's adapters store them.

/** The value without what JSON cannot say: big integers as text, no functions, no way back to an enclosing object. */
function sayable(value, enclosing) {
    if (typeof value === 'bigint') {
        return value.toString();
    }
    if (typeof value === 'function' || typeof value === 'symbol' || enclosing.includes(value)) {
        return undefined;
    }
    if (value === null || typeof value !== 'object') {
        return value;
    }
    let toJSON;
    let keys;
    try {
        toJSON = value.toJSON;
        keys = Object.keys(value);
    } catch {
        // A proxy of something far away that cannot be looked into.
        return undefined;
    }
    if (typeof toJSON === 'function') {
        return sayable(toJSON.call(value), enclosing);
    }
    const within = [...enclosing, value];
    if (Array.isArray(value)) {
        return value.map((item) => sayable(item, within));
    }
    return Object.fromEntries(keys.map((key) => [key, sayable(value[key], within)]));
}

/** JSON text of any value. */
function stringify(value) {
    try {
        return JSON.stringify(value);
    } catch {
        return JSON.stringify(sayable(value, []));
    }
}

// Members that hold JSON of the user's own: nothing in them is an argument.
const OPAQUE = new Set([
    'content',
    'metadata',
    'snapshot',
    'opts',
    'state',
    'result',
    'results',
    'requestContext',
    'input',
    'output',
    'attributes',
    'links',
    'tags',
    'scope',
    'error',
    'scorer',
    'entity',
    'additionalContext',
    'extractStepResult',
    'preprocessStepResult',
    'analyzeStepResult',
    'testInfo',
    'record',
    'schema',
]);
// Those of them that hold an object: null, which JSON makes of such a value, would count as absent.
const OBJECTS = new Set([
    'metadata',
    'requestContext',
    'scorer',
    'entity',
    'additionalContext',
    'extractStepResult',
    'preprocessStepResult',
    'analyzeStepResult',
]);
const isNullInJson = (value) =>
    (typeof value === 'number' && !Number.isFinite(value)) || (value instanceof Date && Number.isNaN(value.getTime()));

// Records to be saved: what they have besides their columns, methods too, is left out.
const RECORDS = new Set(['thread', 'messages', 'resource', 'span', 'records']);
// The deepest argument is records[].updates.endedAt.
const DEEPEST = 5;

/**
 * Tells of the first argument that JSON would turn into null or leave out: an invalid date, a number that is not finite, a
 * function. It would count as absent, and a list would show more than was asked for. Returns {path, problem}, or undefined.
 */
function unsayable(value, depth = 0, inRecord = false) {
    if (!inRecord && (typeof value === 'function' || typeof value === 'symbol')) {
        return { path: '', problem: `must be a JSON value, got a ${typeof value}` };
    }
    if (typeof value === 'number') {
        return Number.isFinite(value) ? undefined : { path: '', problem: `must be a finite number, got ${value}` };
    }
    if (value === null || typeof value !== 'object' || depth > DEEPEST) {
        return undefined;
    }
    if (value instanceof Date) {
        return Number.isNaN(value.getTime()) ? { path: '', problem: 'must be a valid date' } : undefined;
    }
    const list = Array.isArray(value);
    for (const key in value) {
        if (!list && OPAQUE.has(key)) {
            if (OBJECTS.has(key) && isNullInJson(value[key])) {
                return { path: key, problem: `must be an object, got ${value[key]}` };
            }
            continue;
        }
        const found = unsayable(value[key], depth + 1, inRecord || RECORDS.has(key));
        if (found) {
            const rest = found.path && !found.path.startsWith('[') ? `.${found.path}` : found.path;
            return { path: (list ? `[${key}]` : key) + rest, problem: found.problem };
        }
    }
    return undefined;
}

module.exports = { stringify, unsayable };
