// DynamoDB Local for the interop tests: the one that scripts/run-tests has started, or one of this process's own; and
// its tables, looked at behind the stores' backs.
import assert from 'node:assert/strict';
import { test as nodeTest } from 'node:test';

import { startServer } from './server.mjs';
import { openPeerProcess } from './support.mjs';

const facts = process.env.MASTRA_TEST_DYNAMODB ? process.env : (await startServer('dynamodb-server')).facts;
export const endpoint = facts.MASTRA_TEST_DYNAMODB;
export const available = Boolean(endpoint);

// Both kinds of stores look for credentials there.
for (const [name, value] of Object.entries(facts)) {
    process.env[name] = value;
}

/** A test that is skipped where there is no server. */
export function test(name, work) {
    nodeTest(name, available ? {} : { skip: 'there is no DynamoDB Local' }, work);
}

const SIGNATURE =
    'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0';

/** A request of our own, which DynamoDB Local takes with any signature. */
export async function request(place, operation, body) {
    const answer = await fetch(place.endpoint, {
        method: 'POST',
        headers: {
            'content-type': 'application/x-amz-json-1.0',
            'x-amz-target': `DynamoDB_20120810.${operation}`,
            'x-amz-date': '20260101T000000Z',
            authorization: SIGNATURE,
        },
        body: JSON.stringify({ TableName: place.table, ...body }),
    });
    const result = await answer.json();
    assert.equal(answer.status, 200, `${operation} ${JSON.stringify(body).slice(0, 300)}: ${JSON.stringify(result)}`);
    return result;
}

const keySchema = (prefix) => [
    { AttributeName: `${prefix}pk`, KeyType: 'HASH' },
    { AttributeName: `${prefix}sk`, KeyType: 'RANGE' },
];

let count = 0;

/** The place at another endpoint, which a proxy has. */
export function through(place, other) {
    const config = { ...place.config, endpoint: other };
    return { ...place, endpoint: other, config, store: `dynamodb://us-east-1/${place.table}?endpoint=${other}` };
}

/**
 * A table with pk, sk and the first of gsi1 to gsi7, in which there is nothing yet. `store` is its URL for our command,
 * `config` what the peer is told.
 */
export async function table({ indexes = 2, at = endpoint } = {}) {
    const config = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
    const place = through({ table: `interop_${process.pid}_${++count}`, config }, at);
    const names = ['', ...Array.from({ length: indexes }, (_, n) => `gsi${n + 1}`)];
    await request(place, 'CreateTable', {
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: names.flatMap((name) =>
            ['pk', 'sk'].map((end) => ({ AttributeName: name + end, AttributeType: 'S' })),
        ),
        KeySchema: keySchema(''),
        GlobalSecondaryIndexes: names.slice(1).map((name) => ({
            IndexName: name,
            KeySchema: keySchema(name),
            Projection: { ProjectionType: 'ALL' },
        })),
    });
    return place;
}

/**
 * The peer on a table, in a process of its own: two of its stores in one process write to the table of the last. Lists
 * come as they are stored.
 */
export function openPeer(t, place) {
    return openPeerProcess(t, place, { MASTRA_PEER_AS_STORED: 'yes', NODE_NO_WARNINGS: '1' });
}

/** A proxy before the server, see tests/support/dynamodb-proxy; `ask` gives it a line. */
export async function openProxy(t, seed = 1) {
    const { facts: told, ask, end } = await startServer('dynamodb-proxy', endpoint, String(seed));
    t.after(end);
    const proxy = { endpoint: told.MASTRA_TEST_DYNAMODB_PROXY, ask };
    proxy.tell = async (line) => assert.equal(await ask(line), 'ok');
    proxy.count = async () => JSON.parse(await ask('count'));
    return proxy;
}

/** All items as they stand, in the order of their keys. */
export async function items(place) {
    const found = [];
    let from;
    do {
        const page = await request(place, 'Scan', { ConsistentRead: true, ExclusiveStartKey: from });
        found.push(...page.Items);
        from = page.LastEvaluatedKey;
    } while (from);
    const key = ({ pk, sk }) => JSON.stringify([pk.S, sk.S]);
    return found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Puts whole items into the table. */
export async function put(place, ...whole) {
    for (let i = 0; i < whole.length; i += 25) {
        const batch = whole.slice(i, i + 25).map((one) => ({ PutRequest: { Item: one } }));
        const { UnprocessedItems } = await request(place, 'BatchWriteItem', {
            TableName: undefined,
            RequestItems: { [place.table]: batch },
        });
        assert.deepEqual(UnprocessedItems, {});
    }
}

/** Sets attributes of an item that is there. */
export async function set(place, [pk, sk], attributes) {
    const names = Object.keys(attributes);
    await request(place, 'UpdateItem', {
        Key: { pk: { S: pk }, sk: { S: sk } },
        UpdateExpression: `SET ${names.map((_, n) => `#a${n} = :v${n}`).join(', ')}`,
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: Object.fromEntries(names.map((name, n) => [`#a${n}`, name])),
        ExpressionAttributeValues: Object.fromEntries(names.map((name, n) => [`:v${n}`, attributes[name]])),
    });
}

/** One item, undefined when it is not there. */
export async function item(place, [pk, sk]) {
    const { Item } = await request(place, 'GetItem', { Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true });
    return Item;
}

export const threadKey = (id) => [`$mastra#entity_thread#id_${id}`, `$thread_1#id_${id}`];
export const messageKey = (id) => [`$mastra#entity_message#id_${id}`, '$message_1#entity_message'];
export const resourceKey = (id) => [`$mastra#entity_resource#id_${id}`, '$resource_1#entity_resource'];
export const runKey = (name, id) => [
    `$mastra#entity_workflow_snapshot#workflow_name_${name}`,
    `$workflow_snapshot_1#run_id_${id}`,
];
export const lockKey = (id) => [
    `$mastra#entity_workflow_run_owner#run_id_${id}`,
    '$workflow_run_owner_1#entity_workflow_run_owner',
];
