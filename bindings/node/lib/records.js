'use strict';
// Results as they come out of JSON, turned into what the methods of Mastra's stores return: times become dates. Every
// function works on its argument, which nobody else holds, and returns it.

/** A function that turns the named members into dates. */
function timed(...names) {
    return (record) => {
        for (const name of names) {
            if (typeof record[name] === 'string') {
                record[name] = new Date(record[name]);
            }
        }
        return record;
    };
}

const stamped = timed('createdAt', 'updatedAt');

/** One function for a value that may be null. */
const orNull = (form) => (value) => (value === null ? null : form(value));
/** One for a list. */
const each = (form) => (list) => {
    list.forEach(form);
    return list;
};
/** One for an object whose named member holds a list, or a record. */
const within = (name, form) => (result) => {
    result[name] = form(result[name]);
    return result;
};

/** Records of the compact form, as objects with every column: half of what parsing objects costs. */
function unfolded({ columns, times, ...result }, list) {
    const blank = Object.fromEntries(columns.map((name) => [name, null]));
    const isTime = columns.map((_, number) => times.includes(number));
    result[list] = result[list].map((pairs) => {
        const record = { ...blank };
        for (let i = 0; i < pairs.length; i += 2) {
            const number = pairs[i];
            record[columns[number]] = isTime[number] ? new Date(pairs[i + 1]) : pairs[i + 1];
        }
        return record;
    });
    return result;
}

const asIs = (value) => value;
const orUndefined = (value) => value ?? undefined;

const cloned = timed('clonedAt');
const clone = within('thread', (thread) => {
    cloned(thread.metadata.clone);
    return stamped(thread);
});

module.exports = {
    asIs,
    clone,
    each,
    orNull,
    orUndefined,
    stamped,
    unfolded,
    within,
    message: timed('createdAt'),
    span: timed('startedAt', 'endedAt', 'createdAt', 'updatedAt'),
    lock: timed('acquiredAt', 'expiresAt'),
    created: timed('createdAt'),
};
