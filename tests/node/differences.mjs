// Where our answers differ from the peer's on purpose, one row for each: what is different and why (or, where the peer's
// own answers disagree, what we have settled on). A row that levels nothing any more is out of date, which fails the
// test.
import assert from 'node:assert/strict';

import { assertEqual } from '../interop/support.mjs';

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const isDate = (value) => typeof value === 'string' && value.startsWith('<Date ');

// Columns that hold JSON of the user's own.
const JSON_MEMBERS = new Set(['metadata', 'input', 'output', 'scorer', 'entity', 'additionalContext', 'requestContext']);
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
function asStored({ answer, raw }, side) {
    if (!answer) {
        return { answer };
    }
    const stored = mapped(raw, (value, key) =>
        JSON_MEMBERS.has(key) && value !== undefined ? JSON.parse(JSON.stringify(value) ?? 'null') : undefined,
    );
    return { answer: side.names.shown(stored), raw };
}

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

const members = (value) => Object.fromEntries(Object.entries(value).filter(([, item]) => item !== '<undefined undefined>'));
const isAbsent = (value) => value === undefined || value === null;

/** Both refuse; what they say need not agree. */
const refusedAlike = [{ refused: true }, { refused: true }];
const namesArgument = ({ refused }) => refused?.category === 'USER' && refused.class === 'MastraError';
const hasDocumentedId = ({ refused }) => /_(INVALID_\w+|NOT_FOUND)$/.test(refused?.id ?? '');

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
        ops: ['listMessages', 'listMessagesByResourceId', 'listMessagesById'],
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
        ops: ['saveScore', 'updateThread', 'cloneThread', 'copyThread'],
        level: ({ ours, theirs, sides }) => [asStored(ours, sides.ours), asStored(theirs, sides.theirs)],
    },
    {
        name: 'members that are undefined in the answer of saveScore',
        why: 'the answer is the score as it will be read, which has no such members',
        ops: ['saveScore'],
        level: onAnswer(({ score }) => ({ score: members(score) })),
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
                { answer: mapped(theirs.answer, (value, key) => (/^(created|updated)At$/.test(key) && !isDate(value) ? `<Date ${value}>` : undefined)) },
            ],
    },
    {
        name: 'updatedAt after updateWorkflowState',
        why: 'the run has changed; the peer leaves the time as it was',
        ops: ['getWorkflowRunById', 'listWorkflowRuns'],
        level: onAnswer((answer) => mapped(answer, (value, key) => (key === 'updatedAt' && isDate(value) ? '<some time>' : undefined))),
    },
    // Errors.
    {
        name: 'errors of updateWorkflowState and updateWorkflowResults',
        why: 'every error of a store is a MastraError with an id; the peer throws plain ones here, of the same text',
        ops: ['updateWorkflowState', 'updateWorkflowResults'],
        level: ({ ours, theirs }) =>
            theirs.refused?.class === 'Error' && [{ refused: ours.refused?.message }, { refused: theirs.refused.message }],
    },
    {
        name: 'an argument of the wrong kind, refused by both',
        why: 'the error is the user\'s and names the argument; the peer passes on what the driver or JavaScript says',
        level: ({ ours, theirs, spoilt }) =>
            spoilt && namesArgument(ours) && theirs.refused && theirs.refused.category !== 'USER' && refusedAlike,
    },
];

export class Differences {
    constructor() {
        this.rows = DIFFERENCES.map((row) => ({ ...row, seen: 0 }));
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
        if (process.env.COLLECT) {
            if (!same(bare(ours), bare(theirs))) process.stdout.write(`DIFF ${(call.spoilt?"SPOILT ":"")+call.about.slice(0,80)+" ... "+call.about.slice(-300)}\n  ours   ${JSON.stringify(bare(ours)).slice(0,4900)}\n  theirs ${JSON.stringify(bare(theirs)).slice(0,4900)}\n`);
            return;
        }
        assertEqual(bare(ours), bare(theirs), call.about);
    }

    /** Fails when a row has levelled nothing. */
    assertAllSeen() {
        assert.deepEqual(this.rows.filter(({ seen }) => seen === 0).map(({ name }) => name), []);
    }
}
