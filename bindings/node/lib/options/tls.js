'use strict';
// TLS settings of node-postgres in those of libpq, which takes certificates from files only.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');

const { shown } = require('./common.js');

const folders = new Set();
let cleansUp = false;

function remove(folder) {
    folders.delete(folder);
    fs.rmSync(folder, { recursive: true, force: true });
}

/** A file with the certificates, that lives until `release` is called or the process ends. */
function certificateFile(certificates) {
    if (!cleansUp) {
        process.once('exit', () => [...folders].forEach(remove));
        cleansUp = true;
    }
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mastra-store-'));
    folders.add(folder);
    const file = path.join(folder, 'ca.pem');
    fs.writeFileSync(file, certificates.join('\n'), { mode: 0o600 });
    return { file, release: () => remove(folder) };
}

/** What Node itself trusts. */
function trusted() {
    const extra = process.env.NODE_EXTRA_CA_CERTS;
    return extra ? [...tls.rootCertificates, fs.readFileSync(extra, 'utf8')] : tls.rootCertificates;
}

/**
 * libpq's parameters for `ssl`, and a function that gives back what they need. With verification the name of the host is
 * checked as well, as Node does.
 */
function tlsParameters(ssl, host, refuse) {
    if (ssl === false) {
        return { parameters: { sslmode: 'disable' } };
    }
    const options = ssl === true ? {} : ssl;
    if (options === null || typeof options !== 'object') {
        refuse('ssl', `must be true, false or an object, got ${shown(ssl)}`);
    }
    for (const [name, value] of Object.entries(options)) {
        if (value === undefined || name === 'rejectUnauthorized' || name === 'ca') {
            continue;
        }
        if (name === 'servername' && value === host) {
            continue;
        }
        refuse(
            `ssl.${name}`,
            'cannot be honoured: libpq takes it from files; name them in the connection string (sslcert, sslkey, sslrootcert)',
        );
    }
    if (options.rejectUnauthorized === false) {
        return { parameters: { sslmode: 'require' } };
    }
    const { file, release } = certificateFile(options.ca ? [options.ca].flat().map(String) : trusted());
    return { parameters: { sslmode: 'verify-full', sslrootcert: file }, release };
}

module.exports = { tlsParameters };
