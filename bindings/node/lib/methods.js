'use strict';
// The methods of the domains: which operation each calls, what becomes of its argument and of its result. Arguments go as they
// are unless `args` says otherwise; `result` is given the parsed result, without it the method returns nothing. A method that
// needs more stands in domains.js.

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

const spanUpdates = ({ records, ...rest }) => ({ ...rest, records: Array.isArray(records) ? records.map(spanUpdate) : records });

/** An undefined member of the state is taken away, as from an object that is written as JSON. */
function stateUpdate({ opts, ...rest }) {
    const unset = Object.keys(opts ?? {}).filter((name) => opts[name] === undefined && name !== 'expectedStatus');
    return unset.length > 0 ? { ...rest, opts, unset } : { ...rest, opts };
}

/** Metadata that is merged: an undefined member is emptied, as JSON would leave it out and the stored one stay. */
function emptied(metadata) {
    if (metadata === null || typeof metadata !== 'object' || !Object.values(metadata).includes(undefined)) {
        return metadata;
    }
    return Object.fromEntries(
        Object.entries(metadata).map(([key, value]) => [key, value === undefined ? null : value]),
    );
}

const metadataUpdate = ({ metadata, ...rest }) => ({ ...rest, metadata: emptied(metadata) });

function messageUpdate(message) {
    const content = message?.content;
    const metadata = emptied(content?.metadata);
    return metadata === content?.metadata ? message : { ...message, content: { ...content, metadata } };
}

const messageUpdates = ({ messages, ...rest }) => ({ ...rest, messages: messages?.map?.(messageUpdate) ?? messages });

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
    getTrace: { result: orNull(spansIn) },
    getTraceLight: { result: orNull(spansIn) },
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
