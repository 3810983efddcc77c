'use strict';
// Lists of messages in the form that agents expect: what core's own message list makes of stored rows. It hides system
// messages, brings older forms of content into the second format, drops repeated ids and sorts by time.

function isObject(value) {
    return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isPart(part) {
    return part !== null && typeof part === 'object' && typeof part.type === 'string';
}

/** The message list fills in missing arguments from the parts; with arguments an invocation stays as it is. */
function isWholeInvocation(invocation) {
    return isObject(invocation) && isObject(invocation.args) && Object.keys(invocation.args).length > 0;
}

function isInForm(message) {
    const { content, createdAt, id, role } = message;

    return (
        Boolean(id) &&
        role !== 'system' &&
        isObject(content) &&
        content.format === 2 &&
        Array.isArray(content.parts) &&
        content.parts.every(isPart) &&
        (!content.toolInvocations ||
            (Array.isArray(content.toolInvocations) && content.toolInvocations.every(isWholeInvocation))) &&
        createdAt instanceof Date &&
        !Number.isNaN(createdAt.getTime()) &&
        message.__isCreatedSignal !== true
    );
}

/** Whether the message list would return these messages, in some order. */
function areInForm(messages) {
    return messages.every(isInForm) && new Set(messages.map(({ id }) => id)).size === messages.length;
}

const byTime = (a, b) => a.createdAt.getTime() - b.createdAt.getTime();

/** Functions that need the message list of one copy of core. */
function messageForms(MessageList) {
    const listed = (messages) => new MessageList().add(messages, 'memory').get.all.db();

    return {
        listed,

        /** Rows of the database, which stay in their order. */
        rows(messages) {
            if (areInForm(messages)) {
                return messages;
            }
            const places = new Map(messages.map(({ id }, place) => [id, place]));
            return listed(messages).sort((a, b) => places.get(a.id) - places.get(b.id));
        },

        /** Messages that the caller has given: they are left as they are. */
        given(messages) {
            return areInForm(messages) ? [...messages].sort(byTime) : listed(messages.map(copy));
        },
    };
}

/** The message list writes into what it is given. */
function copy(message) {
    if (message.__isCreatedSignal) {
        return message;
    }
    return isObject(message.content) ? { ...message, content: { ...message.content } } : { ...message };
}

module.exports = { areInForm, messageForms };
