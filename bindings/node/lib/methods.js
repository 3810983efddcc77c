'use strict';
// The methods of the domains: which operation each calls, by which method of the client unless by `call`, what becomes of its
// argument and of its result. Arguments go as they are unless `args` says otherwise; `result` is given the parsed result, without
// it the method returns nothing. A method that needs more stands in domains.js.

const {
    asIs,
    clone,
    created,
    each,
    lock,
    message,
    orNull,
    orUndefined,
    span,
    stamped,
    within,
} = require('./records.js');

const spanIn = orNull(within('span', span));
const spansIn = within('spans', each(span));
const scoresIn = within('scores', each(stamped));
const evalsIn = within('evals', each(created));

// An undefined column of an update is emptied, as null; one that cannot be empty stays.
const KEPT_COLUMNS = new Set(['name', 'spanType', 'isEvent', 'startedAt']);

function spanUpdate(given) {
    if (given === null || typeof given !== 'object') {
        return given; // the library says what is wrong
    }
    const { updates, ...record } = given;
    return {
        ...record,
        updates: Object.fromEntries(
            Object.entries(updates ?? {}).map(([column, value]) => [
                column,
                value === undefined && !KEPT_COLUMNS.has(column) ? null : value,
            ]),
        ),
    };
}

const spanUpdates = (args) =>
    Array.isArray(args?.records) ? { ...args, records: args.records.map(spanUpdate) } : args;

/** Names of undefined members: JSON leaves them out, and what is stored would stay where it is merged. */
function undefinedIn(value, besides) {
    const names = value !== null && typeof value === 'object' ? Object.keys(value) : [];
    return names.filter((name) => value[name] === undefined && name !== besides);
}

const withUnset = (args, unset) => (unset.length > 0 ? { ...args, unset } : args);

const stateUpdate = (args) => withUnset(args, undefinedIn(args?.opts, 'expectedStatus'));
const metadataUpdate = (args) => withUnset(args, undefinedIn(args?.metadata));

function messageUpdates(args) {
    const unset = {};
    for (const message of Array.isArray(args?.messages) ? args.messages : []) {
        const names = undefinedIn(message?.content?.metadata);
        if (names.length > 0) {
            unset[message.id] = names;
        }
    }
    return Object.keys(unset).length > 0 ? { ...args, unset } : args;
}

const memory = {
    createThread: { result: stamped },
    getThreadById: { result: orNull(stamped) },
    updateThread: { args: metadataUpdate, result: stamped },
    deleteThread: {},
    listThreadsByResourceId: { result: within('threads', each(stamped)) },
    updateThreadResourceId: { result: stamped },
    updateMessages: { args: messageUpdates, result: each(message) },
    copyThread: { result: clone },
    updateResource: { args: metadataUpdate, result: stamped },
    getResourceById: { result: orNull(stamped) },
    listResources: { result: within('resources', each(stamped)) },
};

const workflows = {
    persistWorkflowSnapshot: {},
    loadWorkflowSnapshot: { result: asIs },
    getWorkflowRunById: { result: orNull(stamped) },
    listWorkflowRuns: { result: within('runs', each(stamped)) },
    updateWorkflowResults: { result: asIs },
    updateWorkflowState: { args: stateUpdate, result: orUndefined },
    deleteWorkflowRunById: {},
    tryAcquireWorkflowRunLock: { result: asIs },
    renewWorkflowRunLock: { result: asIs },
    getWorkflowRunLock: { result: orNull(lock) },
    listWorkflowRunLocks: { result: within('locks', each(lock)) },
    releaseWorkflowRunLock: { result: asIs },
};

const observability = {
    createSpan: {},
    batchCreateSpans: {},
    updateSpan: { args: spanUpdate },
    batchUpdateSpans: { args: spanUpdates },
    getSpan: { result: spanIn },
    getRootSpan: { result: spanIn },
    getTrace: { way: 'callCompact', result: asIs },
    getTraceLight: { way: 'callCompact', result: asIs },
    batchDeleteTraces: {},
    listTraces: { result: spansIn },
    getTracesPaginated: { result: spansIn },
};

const scores = {
    saveScore: { result: within('score', stamped) },
    getScoreById: { result: orNull(stamped) },
    listScores: { result: scoresIn },
    listScoresByScorerId: { result: scoresIn },
    listScoresByRunId: { result: scoresIn },
    listScoresByEntityId: { result: scoresIn },
    listScoresBySpan: { result: scoresIn },
};

// What stands on the store alone: no domain of core has it.
const store = {
    saveEval: {},
    getEvals: { result: evalsIn },
    listEvals: { result: evalsIn },
    getEvalsByAgentName: {
        args: (agentName, type) => (typeof agentName === 'string' ? { agentName, type } : agentName),
        result: each(created),
    },
    batchTraceInsert: {},
    getTraces: { result: each(created) },
    createTable: {},
    alterTable: {},
    hasColumn: {
        args: (table, column) => (typeof table === 'string' ? { tableName: table, column } : table),
        result: asIs,
    },
    insert: {},
    batchInsert: {},
    load: { result: asIs },
    clearTable: {},
    dropTable: {},
    createIndex: {},
    listIndexes: { result: asIs },
    describeIndex: { result: asIs },
    dropIndex: {},
};

module.exports = { memory, workflows, observability, scores, store };
