// node serve.js PORT PEM_FILE: the npm package smtp-server on loopback. One JSON line on stdout for each mail it
// accepts; ends when stdin is closed. It takes no recipient nobody* and no sender refused@*.
import { once } from 'node:events';
import { readFileSync, writeSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

const [port, pemFile] = process.argv.slice(2);
const pem = readFileSync(pemFile);

function refuse(code, text) {
    return Object.assign(new Error(text), { responseCode: code });
}

async function accept(stream, session) {
    const { mailFrom, rcptTo } = session.envelope;
    const content = await buffer(stream);
    const mail = {
        sender: mailFrom.address,
        recipients: rcptTo.map(({ address }) => address),
        content: content.toString('base64')
    };
    writeSync(1, `${JSON.stringify(mail)}\n`);
    return '2.0.0 Accepted';
}

const server = new SMTPServer({
    key: pem,
    cert: pem,
    name: 'mail.example.com',
    size: 104857600,
    authOptional: true,
    disableReverseLookup: true,
    onMailFrom({ address }, session, callback) {
        callback(address.startsWith('refused@') ? refuse(550, '5.7.1 Not from you') : null);
    },
    onRcptTo({ address }, session, callback) {
        callback(address.startsWith('nobody') ? refuse(550, '5.1.1 No such mailbox') : null);
    },
    onData(stream, session, callback) {
        accept(stream, session).then(text => callback(null, text), callback);
    }
});

server.on('error', error => console.error(error.message));
server.listen(Number(port), '127.0.0.1');
process.stdin.resume();
await once(process.stdin, 'end');
process.exit();
