// Random operations on tables of DynamoDB, see operations.mjs.
import { items, openPeer, table, test } from './dynamodb.mjs';
import { byId, compareOperations } from './operations.mjs';

const SEEDS = [3, 40, 500];
const STEPS = 200;

// Where the adapter is another one than Mastra's others: it orders equal times by id, a message saved again is a new one,
// messages of a thread that is not there make a stub of it, and its update is refused in other words, lists of several
// threads find nothing, DynamoDB Local refuses the empty texts that it writes, contents that are no JSON are missing from
// its lists and those of older formats are merged otherwise, what a thread is saved without stays, no message is found by
// its metadata, a thread is found for another resource, windows reach into other resources, a resource's time of creation stays and the one given for its update
// is ignored, pages of nothing are counted, and some operations it does not have. dynamodb-differences.test.mjs has them one by one.
const habits = {
    distinctTimes: true,
    fixedTimes: true,
    threadsFirst: true,
    newMessages: true,
    newResources: true,
    ownThreads: true,
    oneThread: true,
    newContents: true,
    wholeThreads: true,
    filledPages: true,
    plainFilters: true,
    plainIncludes: true,
    nowResources: true,
    texts: ['hello', 'two\nlines', "it's", '🙂 ümläut', 'a "quote" \\ and %_', 'long '.repeat(40)],
    without: ['cloneThread', 'copyThread', 'listMessagesByResourceId', 'updateThreadResourceId'],
};

/** The items as they stand, without what is of now and what only one of the two writes. */
async function rows(place) {
    const all = (await items(place)).map((one) =>
        Object.fromEntries(
            Object.entries(one)
                .filter(([name]) => !name.startsWith('mastra_'))
                .filter(([name, value]) => name !== 'type' || !['v2', 'text'].includes(value.S))
                .map(([name, value]) => [name, value.S ?? value]),
        ),
    );
    const of = (entity) => all.filter(({ entity: own }) => own === entity);
    return { threads: of('thread'), messages: [...of('message'), ...of('resource')] };
}

const arrange = (messages) => messages.toSorted((a, b) => (a.pk < b.pk ? -1 : 1));
const open = async () => ({ ours: await table(), theirs: await table() });

// What the adapter hands out besides: the name of the entity, and of messages the time of their last write.
const bare = ({ entity, ...record }) => record;
const bareMessage = ({ entity, updatedAt, type, ...message }) =>
    ['v2', 'text', undefined].includes(type) ? message : { ...message, type };
const bareResource = ({ entity, workingMemory = null, metadata = null, ...resource }) => ({
    ...{ ...resource, workingMemory, metadata },
});

// It touches the threads of a call one after the other, where ours all have the same time.
function bareThreads({ threads, ...page }, { orderBy }) {
    const list = threads.map(bare);
    return { ...page, threads: orderBy?.field === 'updatedAt' ? byId(list) : list };
}

const level = {
    saveMessages: ({ messages }) => ({ messages: messages.map(bareMessage) }),
    updateMessages: (messages) => messages.map(bareMessage),
    listMessages: (list) => ({ ...list, messages: list.messages.map(bareMessage) }),
    listMessagesById: ({ messages }) => ({ messages: messages.map(bareMessage) }),
    listThreads: bareThreads,
    listThreadsByResourceId: bareThreads,
    getThreadById: (thread) => thread && bare(thread),
    saveThread: bare,
    updateThread: bare,
    getResourceById: (resource) => resource && bareResource(resource),
    saveResource: bareResource,
    updateResource: bareResource,
};

for (const seed of SEEDS) {
    test(`${STEPS} random operations answer alike, seed ${seed}`, (t) =>
        compareOperations(t, seed, STEPS, { open, rows, arrange, habits, level, openTheirs: openPeer }));
}
