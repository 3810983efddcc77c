// The benchmark's work done by Mastra's own adapter. Reads "workload count" lines, answers with the seconds each took.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(new URL('../tests/interop/package.json', import.meta.url));
const { LibSQLStore } = await import(pathToFileURL(require.resolve('@mastra/libsql')));

const BATCH = 100;
const SUBMITTED = 64;
const PAGE = 40;
const CONTENT_SIZE = 1024;

const store = new LibSQLStore({ id: 'bench', url: `file:${process.argv[2]}` });
const empty = JSON.stringify({ format: 2, parts: [{ type: 'text', text: '' }] }).length;
const content = { format: 2, parts: [{ type: 'text', text: 'x'.repeat(CONTENT_SIZE - empty) }] };
let memory;
let longThread;
let nextId = 0;
let time = 1767225600000;

function message(threadId) {
  return { id: `message-${nextId++}`, threadId, resourceId: 'user', role: 'user', createdAt: new Date(++time), content };
}

function save(threadId, count) {
  return memory.saveMessages({ messages: Array.from({ length: count }, () => message(threadId)) });
}

async function open(count) {
  await store.init();
  memory = await store.getStore('memory');
  const now = new Date(time);
  for (const id of ['short', 'long']) {
    const thread = { id, resourceId: 'user', title: 'A thread', metadata: { topic: 'weather' }, createdAt: now, updatedAt: now };
    await memory.saveThread({ thread });
  }
  longThread = count;
  for (let i = 0; i < count / BATCH; i++) await save('long', BATCH);
}

async function lastPage() {
  const page = await memory.listMessages({ threadId: 'long', page: longThread / PAGE - 1, perPage: PAGE });
  if (page.total !== longThread || page.messages.length !== PAGE) throw new Error('the last page is wrong');
}

async function getThread() {
  if (!(await memory.getThreadById({ threadId: 'short' }))) throw new Error('the thread is gone');
}

const steps = {
  save_one: () => save('short', 1),
  save_batch: () => save('short', BATCH),
  submit: () => Promise.all(Array.from({ length: SUBMITTED }, () => save('short', 1))),
  last_page: lastPage,
  get_thread: getThread,
};

async function run(name, count) {
  const begin = process.hrtime.bigint();
  if (name === 'open') await open(count);
  else for (let i = 0; i < count; i++) await steps[name]();
  return Number(process.hrtime.bigint() - begin) / 1e9;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, count] = line.split(' ');
  try {
    console.log(String(await run(name, Number(count))));
  } catch (error) {
    console.log(`failed: ${String(error.message).replaceAll('\n', ' ')}`);
  }
}
process.exit(0);
