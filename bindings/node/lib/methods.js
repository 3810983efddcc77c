'use strict';
// The methods of the domains: which operation each calls, what becomes of its argument and of its result. Arguments go as they
// are unless `args` says otherwise; `result` is given the parsed result. A method that needs more stands in domains.js.

const { asIs, clone, created, each, lock, message, nothing, orNull, orUndefined, span, stamped, within } = require('./records.js');

const spanIn = orNull(within('span', span));
const spansIn = within('spans', each(span));
const scoresIn = within('scores', each(stamped));
const evalsIn = within('evals', each(created));

// An undefined column of an update is emptied, as null; one that cannot be empty stays.
const KEPT_COLUMNS = new Set(['name', 'spanType', 'isEvent', 'startedAt']);

function spanUpdate({ updates, ...record }) {
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

const spanUpdates = ({ records, ...rest }) => ({ ...rest, records: records?.map(spanUpdate) });

const memory = {
    createThread: { result: stamped },
    getThreadById: { result: orNull(stamped) },
    updateThread: { result: stamped },
    deleteThread: { result: nothing },
    listThreadsByResourceId: { result: within('threads', each(stamped)) },
    updateThreadResourceId: { result: stamped },
    updateMessages: { result: each(message) },
    copyThread: { result: clone },
    updateResource: { result: stamped },
    getResourceById: { result: orNull(stamped) },
    listResources: { result: within('resources', each(stamped)) },
};

const workflows = {
    persistWorkflowSnapshot: { result: nothing },
    loadWorkflowSnapshot: { result: asIs },
    getWorkflowRunById: { result: orNull(stamped) },
    listWorkflowRuns: { result: within('runs', each(stamped)) },
    updateWorkflowResults: { result: asIs },
    updateWorkflowState: { result: orUndefined },
    deleteWorkflowRunById: { result: nothing },
    tryAcquireWorkflowRunLock: { result: asIs },
    renewWorkflowRunLock: { result: asIs },
    getWorkflowRunLock: { result: orNull(lock) },
    listWorkflowRunLocks: { result: within('locks', each(lock)) },
    releaseWorkflowRunLock: { result: asIs },
};

const observability = {
    createSpan: { result: nothing },
    batchCreateSpans: { result: nothing },
    updateSpan: { args: spanUpdate, result: nothing },
    batchUpdateSpans: { args: spanUpdates, result: nothing },
    getSpan: { result: spanIn },
    getRootSpan: { result: spanIn },
    getTrace: { result: orNull(spansIn) },
    getTraceLight: { result: orNull(spansIn) },
    batchDeleteTraces: { result: nothing },
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
    saveEval: { result: nothing },
    getEvals: { result: evalsIn },
    listEvals: { result: evalsIn },
    getEvalsByAgentName: { args: (agentName, type) => (typeof agentName === 'string' ? { agentName, type } : agentName), result: each(created) },
    batchTraceInsert: { result: nothing },
    getTraces: { result: each(created) },
    createTable: { result: nothing },
    alterTable: { result: nothing },
    hasColumn: { args: (table, column) => (typeof table === 'string' ? { tableName: table, column } : table), result: asIs },
    insert: { result: nothing },
    batchInsert: { result: nothing },
    load: { result: asIs },
    clearTable: { result: nothing },
    dropTable: { result: nothing },
    createIndex: { result: nothing },
    listIndexes: { result: asIs },
    describeIndex: { result: asIs },
    dropIndex: { result: nothing },
};

module.exports = { memory, workflows, observability, scores, store };
