// The peer as a process that speaks the pipe protocol of our command. Where its store lives is told by the environment,
// because a place may hold a password; and whether lists come as they are stored.
import readline from 'node:readline';

import { Peer } from './peer.mjs';

// Standard output is for answers alone.
console.log = console.info = console.debug = console.error;

const peer = await Peer.open(JSON.parse(process.env.MASTRA_PEER_PLACE));
peer.asStored = process.env.MASTRA_PEER_AS_STORED === 'yes';

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const { id, op, args } = JSON.parse(line);
    let answer;
    try {
        answer = { id, ok: true, result: await peer.call(op, args) };
    } catch (error) {
        answer = { id, ok: false, error: error.error };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await peer.close();
