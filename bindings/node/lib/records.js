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

const nothing = () => undefined;
const asIs = (value) => value;
const orUndefined = (value) => value ?? undefined;

/** A thread that has just been copied: its metadata tell when, which is a Date until it is stored. */
const copied = (thread) => {
    timed('clonedAt')(thread.metadata.clone);
    return stamped(thread);
};
const clone = within('thread', copied);

module.exports = {
    asIs, clone, each, nothing, orNull, orUndefined, stamped, within,
    message: timed('createdAt'),
    span: timed('startedAt', 'endedAt', 'createdAt', 'updatedAt'),
    lock: timed('acquiredAt', 'expiresAt'),
    created: timed('createdAt'),
};
