// Where our answers differ from the peer's on purpose, one row for each: what is different and why (or, where the peer
// contradicts itself, what we have settled on). A row that levels nothing any more is out of date, which fails the test.
import assert from 'node:assert/strict';

import { assertEqual } from '../interop/support.mjs';

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const isDate = (value) => typeof value === 'string' && value.startsWith('<Date ');

// Columns that hold JSON of the user's own.
const JSON_MEMBERS = new Set([
    'metadata',
    'input',
    'output',
    'scorer',
    'entity',
    'additionalContext',
    'requestContext',
]);
for (const step of ['preprocess', 'extract', 'analyze']) {
    JSON_MEMBERS.add(`${step}StepResult`);
}

/** The value with what `change` makes of the members that it takes. */
function mapped(value, change, key) {
    const made = change(value, key);
    if (made !== undefined) {
        return made;
    }
    if (Array.isArray(value)) {
        return value.map((item) => mapped(item, change));
    }
    if (value && typeof value === 'object' && !(value instanceof Date)) {
        return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapped(item, change, name)]));
    }
    return value;
}

/** An answer with JSON in the form in which it is stored. */
function asStored(shown, side, isJson) {
    if (!shown.answer) {
        return shown;
    }
    const text = (value) => JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? String(item) : item));
    const stored = mapped(shown.raw, (value, key) =>
        isJson(key) && value !== undefined ? JSON.parse(text(value) ?? 'null') : undefined,
    );
    return { answer: side.names.shown(stored), raw: shown.raw };
}

const jsonAsStored =
    (isJson) =>
    ({ ours, theirs, sides }) => [asStored(ours, sides.ours, isJson), asStored(theirs, sides.theirs, isJson)];

const answered = ({ ours, theirs }) => ours.answer !== undefined && theirs.answer !== undefined;
const levelBoth = (change) => (call) => answered(call) && [change(call.ours), change(call.theirs)];
const onAnswer = (change) => levelBoth((side) => ({ answer: change(side.answer) }));

const byId = (list) => list.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** Records that follow one another with the same time, sorted by id. */
function tiesById(records, time) {
    const groups = [];
    for (const record of records) {
        if (groups.at(-1)?.[0][time] === record[time]) {
            groups.at(-1).push(record);
        } else {
            groups.push([record]);
        }
    }
    return groups.flatMap(byId);
}

const isNothing = (value) => isAbsent(value) || (typeof value === 'object' && !('page' in value));
/** What JSON says null for: an invalid date, too. */
const isNull = (value) => value === null || (value instanceof Date && Number.isNaN(value.getTime()));
const isAbsent = (value) => value === undefined || value === null;

/** The end of a comparison where what the answers say need not agree. */
const refusedAlike = [{ refused: true }, { refused: true }];
const isUsers = ({ category }) => category === 'USER';
/** Whether an error of the peer is its own, about the argument; and not what has come up from below. */
const knowsBetter = (refused) =>
    isUsers(refused) &&
    !/can only bind|be passed as argument|is not a function|properties of|Invalid time value/.test(refused.message);

/** Whether we refuse the argument that was spoilt, by an error of our own kind that names it. */
function refusesIt({ ours, spoilt }) {
    const { refused } = ours;
    const name = (spoilt.at ?? ['args']).filter((key) => !/^\d+$/.test(key)).at(-1);
    const isOurs = refused?.class === 'MastraError' && refused.id.startsWith('MASTRA_STORAGE_LIBSQL_');
    return isOurs && (!spoilt.at || !name || refused.message.includes(name));
}

const DIFFERENCES = [
    // Values.
    {
        name: 'the order of updated messages',
        why: 'every list of messages is in the order of time and saving; the peer lists them as its index on ids has them',
        ops: ['updateMessages'],
        level: onAnswer(byId),
    },
    {
        name: 'messages of several threads with equal times',
        why: 'they come in the order in which they were saved, on the peer by operation in one order or another',
        ops: ['listMessages'],
        level: onAnswer((answer) => ({ ...answer, messages: tiesById(answer.messages, 'createdAt') })),
    },
    {
        name: 'threads of equal times',
        why: 'they come in the order of their ids, so that no page repeats one; the peer leaves it open',
        ops: ['listThreads'],
        level: onAnswer((answer) => ({ ...answer, threads: tiesById(answer.threads, 'updatedAt') })),
    },
    {
        name: 'JSON in the answers of writes',
        why: 'the answer shows what is stored; the peer gives the very objects back, with functions, undefined and Dates',
        ops: ['saveScore', 'updateThread', 'updateResource', 'cloneThread', 'copyThread'],
        level: jsonAsStored((key) => JSON_MEMBERS.has(key)),
    },
    {
        name: 'results in the answer of updateWorkflowResults',
        why: 'likewise: the answer shows what is stored',
        ops: ['updateWorkflowResults'],
        level: jsonAsStored(() => true),
    },
    {
        name: 'members without a value in the answer of saveScore',
        why: 'the answer is the score as it will be read, which has no such members',
        ops: ['saveScore'],
        level: onAnswer(({ score }) => ({
            score: Object.fromEntries(
                Object.entries(score).filter(([, value]) => value !== null && value !== '<undefined undefined>'),
            ),
        })),
    },
    {
        name: 'a lone surrogate in a text, in the answer of the write',
        why: 'texts are stored as UTF-8, which has no such thing; the answer shows what is read, U+FFFD',
        ops: ['updateResource', 'saveScore'],
        level: onAnswer((answer) =>
            mapped(answer, (value) => (typeof value === 'string' ? value.toWellFormed() : undefined)),
        ),
    },
    {
        name: 'structuredOutput in the answer of saveScore',
        why: 'it is no column, and gone when the score is read',
        ops: ['saveScore'],
        level: onAnswer(({ score: { structuredOutput, ...score } }) => ({ score })),
    },
    {
        name: 'a resource that an update has made or found without metadata or working memory',
        why: 'a record that was read has all its members, null where there is nothing',
        ops: ['updateResource'],
        level: onAnswer(({ metadata, workingMemory, ...rest }) => ({
            ...rest,
            metadata: isAbsent(metadata) || same(metadata, {}) ? null : metadata,
            workingMemory: isAbsent(workingMemory) || workingMemory === '<undefined undefined>' ? null : workingMemory,
        })),
    },
    {
        name: 'metadata of a thread that is given to another resource, in the answer',
        why: 'they are what is stored; the peer shows the bytes of its binary form',
        ops: ['updateThreadResourceId'],
        level: onAnswer(({ metadata, ...rest }) => rest),
    },
    {
        name: 'times of scores that are read',
        why: 'they are Dates, as everywhere and as saveScore gives them; the peer gives texts',
        ops: ['getScoreById', 'listScoresByScorerId', 'listScoresByRunId', 'listScoresByEntityId', 'listScoresBySpan'],
        level: ({ ours, theirs }) =>
            ours.answer &&
            theirs.answer && [
                ours,
                {
                    answer: mapped(theirs.answer, (value, key) =>
                        /^(created|updated)At$/.test(key) && !isDate(value) ? `<Date ${value}>` : undefined,
                    ),
                },
            ],
    },
    {
        name: 'updatedAt after updateWorkflowState',
        why: 'the run has changed; the peer leaves the time as it was',
        ops: ['getWorkflowRunById', 'listWorkflowRuns'],
        level: onAnswer((answer) =>
            mapped(answer, (value, key) => (key === 'updatedAt' && isDate(value) ? '<some time>' : undefined)),
        ),
    },
    // Errors.
    {
        name: 'errors of updateWorkflowState and updateWorkflowResults',
        why: 'every error of a store is a MastraError with an id; the peer throws plain ones here, of the same text',
        ops: ['updateWorkflowState', 'updateWorkflowResults'],
        level: ({ ours, theirs }) =>
            theirs.refused?.class === 'Error' && ours.refused?.message === theirs.refused.message && refusedAlike,
    },
    {
        name: 'a wrong argument that both refuse',
        why: "the error is a MastraError, the user's, and names the argument; the peer passes on what JavaScript or the driver says",
        level: (call) =>
            call.spoilt && refusesIt(call) && call.theirs.refused && !knowsBetter(call.theirs.refused) && refusedAlike,
    },
    {
        name: 'a resource or metadata of the wrong kind',
        why: 'the error says of which kind it must be; the peer takes it for a missing one, or its elements for members',
        ops: ['listMessagesByResourceId', 'listThreads'],
        level: (call) =>
            call.spoilt && refusesIt(call) && call.theirs.refused && isUsers(call.theirs.refused) && refusedAlike,
    },
    {
        name: 'a wrong argument that only we refuse',
        why: 'a filter that is no value of its kind finds nothing or, worse, filters nothing; saying so is better than either',
        level: (call) =>
            call.spoilt &&
            refusesIt(call) &&
            'answer' in call.theirs &&
            (!isAbsent(call.spoilt.value) || /^(include|messageIds|traceIds|\d+)$/.test(call.spoilt.at[0])) &&
            refusedAlike,
    },
    {
        name: 'an argument that is missing',
        why: 'it is required, as the types say; the peer finds nothing, or all there is, or stores null, or does nothing',
        level: (call) =>
            call.spoilt &&
            refusesIt(call) &&
            'answer' in call.theirs &&
            /^[\w.[\]]+ is required$/.test(call.ours.refused.message) &&
            refusedAlike,
    },
    {
        name: 'a list of scores without pagination, or without a part of it',
        why: 'the first page, 100 on a page, is sensible, and the answer says so; the peer refuses, or says nothing',
        ops: ['listScoresByScorerId', 'listScoresByRunId', 'listScoresByEntityId', 'listScoresBySpan'],
        level: ({ ours, spoilt }) =>
            spoilt?.at?.[0] === 'pagination' && isNothing(spoilt.value) && 'answer' in ours && refusedAlike,
    },
    {
        name: 'a big integer or a Date where a text should be',
        why: 'it counts as the text that JSON makes of it; the peer takes it in some places',
        ops: ['listMessages'],
        level: ({ ours, theirs, spoilt: { value } = {} }) =>
            (typeof value === 'bigint' || value instanceof Date) && theirs.refused && 'answer' in ours && refusedAlike,
    },
    {
        name: 'null for an argument that may be left out',
        why: 'null and absent are one, in filters, too; the peer refuses it in some places and finds nothing in others',
        level: ({ ours, spoilt }) => spoilt && isNull(spoilt.value) && 'answer' in ours && refusedAlike,
    },
    {
        name: 'times of workflow runs in milliseconds',
        why: 'whole milliseconds are times in every operation; the peer insists on Dates here',
        ops: ['listWorkflowRuns', 'persistWorkflowSnapshot'],
        level: ({ ours, spoilt }) => typeof spoilt?.value === 'number' && 'answer' in ours && refusedAlike,
    },
    {
        name: 'getWorkflowRunById with an empty runId',
        why: 'an empty id is one that is not found, not the wish for any run',
        ops: ['getWorkflowRunById'],
        level: ({ ours, spoilt }) => spoilt?.value === '' && ours.answer === null && refusedAlike,
    },
    {
        name: 'getTrace with the bare id of a trace',
        why: 'the documentation of an adapter calls it so',
        ops: ['getTrace', 'getTraceLight'],
        level: ({ args, ours, theirs }) =>
            typeof args === 'string' && theirs.refused && 'answer' in ours && refusedAlike,
    },
    {
        name: 'the text of errors about scores',
        why: 'it names the member in a sentence; the peer gives the JSON of its schema library',
        ops: ['saveScore'],
        level: ({ ours, theirs, spoilt }) =>
            ours.refused && theirs.refused && (ours.refused.id === theirs.refused.id || !spoilt.at) && refusedAlike,
    },
    {
        name: 'structuredOutput of another kind than true and false',
        why: 'it is no column, so that nothing depends on it',
        ops: ['saveScore'],
        level: ({ ours, theirs, spoilt }) =>
            spoilt?.at?.[0] === 'structuredOutput' && 'answer' in ours && theirs.refused && refusedAlike,
    },
    {
        name: 'a wrong argument beside the id of a thread that does not exist',
        why: 'arguments are looked at before the database',
        ops: ['updateThread', 'cloneThread', 'copyThread', 'updateThreadResourceId'],
        level: (call) =>
            call.spoilt && refusesIt(call) && /not found$/.test(call.theirs.refused?.message) && refusedAlike,
    },
    {
        name: 'messages without a thread',
        why: 'the text is the same for the first of them and the others',
        ops: ['saveMessages'],
        level: ({ ours, theirs }) =>
            ours.refused?.message === 'Thread ID is required' &&
            theirs.refused?.message.startsWith('Expected to find a threadId') &&
            ours.refused.id === theirs.refused.id &&
            refusedAlike,
    },
    {
        name: 'columns without a value',
        why: 'titles are empty, times now, spans no events and messages without a resource where nothing is given; the peer refuses',
        ops: ['saveThread', 'saveMessages', 'saveResource', 'createSpan', 'batchCreateSpans'],
        level: ({ ours, theirs, spoilt }) =>
            spoilt &&
            /NOT NULL constraint failed|couldn't find one/.test(theirs.refused?.message) &&
            'answer' in ours &&
            refusedAlike,
    },
    {
        name: 'scores of an empty scorerId',
        why: 'an empty id is one that is not found, not the wish for everything',
        ops: ['listScoresByScorerId'],
        level: ({ ours, args }) => args?.scorerId === '' && 'answer' in ours && refusedAlike,
    },
    {
        name: 'filters and orders of listTraces that its schema refuses',
        why: 'unknown orders count as absent and unknown kinds find nothing, as in every other list',
        ops: ['listTraces'],
        level: ({ ours, theirs, spoilt }) =>
            spoilt && theirs.refused?.class === 'ZodError' && 'answer' in ours && refusedAlike,
    },
];

const withoutEmptyInput = ({ input, ...score }) => (isAbsent(input) || input === '' ? score : { ...score, input });

const POSTGRES_ALONE = [
    {
        ...DIFFERENCES.find(({ name }) => name === 'threads of equal times'),
        // The server gives them in the order of our ids as often as not.
        byChance: true,
    },
    {
        name: 'messages of several threads with equal times, by resource as well',
        why: 'they come in the order in which they were saved; this peer lists them by id',
        ops: ['listMessages', 'listMessagesByResourceId'],
        level: onAnswer((answer) => ({ ...answer, messages: tiesById(answer.messages, 'createdAt') })),
    },
    {
        name: 'metadata in the answers of saveThread and saveResource',
        why: 'what was given comes back, as from LibSQLStore; this peer gives what JSON makes of it, and a member without a value',
        ops: ['saveThread', 'saveResource'],
        level: (call) =>
            jsonAsStored((key) => key === 'metadata')(call).map(({ answer, raw }) => {
                const { metadata, ...rest } = answer ?? {};
                return { answer: isAbsent(metadata) || metadata === '<undefined undefined>' ? rest : answer, raw };
            }),
    },
    {
        name: 'the type v2 in the answer of an update',
        why: 'it is the default, and no list shows it',
        ops: ['updateMessages'],
        level: onAnswer((messages) =>
            messages.map(({ type, ...rest }) => (isAbsent(type) || type === 'v2' ? rest : { ...rest, type })),
        ),
    },
    {
        name: 'whose mistake a message for a thread is that does not exist',
        why: 'an argument is wrong, not the database',
        ops: ['saveMessages'],
        level: ({ ours, theirs }) =>
            /^Thread .* not found$/s.test(ours.refused?.message) &&
            isUsers(ours.refused) &&
            theirs.refused && [ours, { refused: { ...theirs.refused, category: 'USER' } }],
    },
    {
        name: 'scores without input',
        why: 'what was not given is not read; the peer fills the column with an empty text',
        ops: ['getScoreById'],
        level: onAnswer((score) => score && withoutEmptyInput(score)),
    },
    {
        name: 'lists of scores without input',
        why: 'likewise',
        ops: ['listScoresByScorerId', 'listScoresByRunId', 'listScoresByEntityId', 'listScoresBySpan'],
        level: onAnswer(({ scores, ...rest }) => ({ ...rest, scores: scores.map(withoutEmptyInput) })),
    },
];

// What sound arguments show of this peer as well.
const SHARED = [
    'the order of updated messages',
    'JSON in the answers of writes',
    'a lone surrogate in a text, in the answer of the write',
    'structuredOutput in the answer of saveScore',
    'a resource that an update has made or found without metadata or working memory',
];

/** On PostgreSQL, beside @mastra/pg. */
export const POSTGRES = [...DIFFERENCES.filter(({ name }) => SHARED.includes(name)), ...POSTGRES_ALONE];

export class Differences {
    constructor(rows = DIFFERENCES) {
        this.rows = rows.map((row) => ({ ...row, seen: 0 }));
    }

    /** Fails unless the answers are equal, or are once what differs by the rows of the table is levelled. */
    compare(call) {
        const bare = ({ answer, refused }) => (refused === undefined ? { answer } : { refused });
        let { ours, theirs } = call;
        for (const row of this.rows) {
            if (same(bare(ours), bare(theirs))) {
                return;
            }
            const levelled = !row.ops || row.ops.includes(call.op) ? row.level({ ...call, ours, theirs }) : undefined;
            if (levelled && !same(levelled.map(bare), [bare(ours), bare(theirs)])) {
                row.seen++;
                [ours, theirs] = levelled;
            }
        }
        assertEqual(bare(ours), bare(theirs), call.about);
    }

    /** Fails when a row has levelled nothing, unless it is chance whether there is something. */
    assertAllSeen() {
        assert.deepEqual(this.rows.filter(({ seen, byChance }) => seen === 0 && !byChance).map(({ name }) => name), []);
    }
}
