'use strict';
// What errors tell of the call's arguments besides what the library knows: the ids that Mastra's adapters tell.

/** The named arguments. */
const named =
    (...names) =>
    (args) =>
        Object.fromEntries(names.map((name) => [name, args[name]]));
/** Those of a record that is an argument. */
const within =
    (member, ...names) =>
    (args) =>
        named(...names)(args[member] ?? {});

const joined = (value, separator) => (Array.isArray(value) ? value.join(separator) : value);

const TELL = {
    saveThread: ({ thread }) => ({ threadId: thread?.id }),
    createThread: named('threadId', 'resourceId'),
    getThreadById: named('threadId'),
    updateThread: ({ id }) => ({ threadId: id }),
    deleteThread: named('threadId'),
    updateThreadResourceId: named('threadId', 'resourceId'),
    cloneThread: named('sourceThreadId', 'newThreadId'),
    copyThread: named('sourceThreadId', 'newThreadId'),
    listThreads: ({ filter }) => ({ resourceId: filter?.resourceId }),
    listThreadsByResourceId: named('resourceId'),
    listMessages: ({ threadId, resourceId }) => ({ threadId: joined(threadId, ','), resourceId: resourceId ?? '' }),
    listMessagesByResourceId: named('resourceId'),
    listMessagesById: ({ messageIds }) => ({ messageIds: JSON.stringify(messageIds) }),
    deleteMessages: ({ messageIds }) => ({ messageIds: joined(messageIds, ', ') }),
    saveResource: ({ resource }) => ({ resourceId: resource?.id }),
    updateResource: named('resourceId'),
    getResourceById: named('resourceId'),
    persistWorkflowSnapshot: named('workflowName', 'runId'),
    loadWorkflowSnapshot: named('workflowName', 'runId'),
    getWorkflowRunById: named('workflowName', 'runId'),
    updateWorkflowResults: named('workflowName', 'runId', 'stepId'),
    updateWorkflowState: named('workflowName', 'runId'),
    deleteWorkflowRunById: named('workflowName', 'runId'),
    listWorkflowRuns: named('workflowName', 'resourceId'),
    createSpan: within('span', 'traceId', 'spanId', 'spanType', 'name'),
    updateSpan: named('traceId', 'spanId'),
    getSpan: named('traceId', 'spanId'),
    getRootSpan: named('traceId'),
    getTrace: named('traceId'),
    getTraceLight: named('traceId'),
    getScoreById: named('id'),
    createTable: named('tableName'),
    alterTable: named('tableName'),
    clearTable: named('tableName'),
    dropTable: named('tableName'),
    insert: named('tableName'),
    batchInsert: named('tableName'),
    load: named('tableName'),
};

const isShown = (value) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** The details of a call's error; wrong arguments tell nothing. */
function detailsOf(operation, args) {
    if (!Object.hasOwn(TELL, operation) || args === null || typeof args !== 'object') {
        return {};
    }
    try {
        return Object.fromEntries(Object.entries(TELL[operation](args)).filter(([, value]) => isShown(value)));
    } catch {
        return {};
    }
}

module.exports = { detailsOf };
