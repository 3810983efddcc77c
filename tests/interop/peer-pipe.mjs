// The peer as a process: node peer-pipe.mjs FILE speaks the pipe protocol of our command.
import readline from 'node:readline';

import { Peer } from './peer.mjs';

// Standard output is for answers alone.
console.log = console.info = console.debug = console.error;

const peer = await Peer.open(process.argv[2]);

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
peer.close();
