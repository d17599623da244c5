// nodemailer's client process: `node client.mjs JOB`, as benchmarks/client.py for the libraries in Python.

import { readFileSync, writeFileSync } from "node:fs";
import nodemailer from "nodemailer";

const job = JSON.parse(process.argv[2]);
const [username, password] = process.argv.slice(3);
const secure = job.security !== "plaintext";

const transport = nodemailer.createTransport({
    pool: true,
    maxConnections: 1,
    maxMessages: Infinity,
    host: "127.0.0.1",
    port: job.port,
    name: "localhost",
    secure: job.security === "tls",
    requireTLS: job.security === "starttls",
    ignoreTLS: !secure,
    ...(secure && { auth: { user: username, pass: password }, tls: { ca: readFileSync(job.ca_file) } }),
});

const seconds = () => performance.now() / 1000;

function* mails() {
    const end = seconds() + job.seconds;
    const attached = job.attachment && { attachments: [{ path: job.attachment, filename: "data.bin" }] };
    for (let number = 0; number !== job.messages && seconds() <= end; number++) {
        yield { ...mail(`${job.text}${number}`), ...attached };
    }
}

const mail = (text) => ({ from: job.sender, to: job.to, subject: job.subject, text });

// So many wait in the pool at a time: it never lacks the next one.
async function send(given) {
    const one = async () => {
        for (const each of given) await transport.sendMail(each);
    };
    await Promise.all(Array.from({ length: job.in_flight }, one));
}

const octets = (name) => 1024 * readFileSync("/proc/self/status", "utf8").match(`\n${name}:\\s*(\\d+) kB`)[1];

await send([mail(job.text)].values());
writeFileSync("/proc/self/clear_refs", "5");
const [memory, cpu, begin] = [octets("VmRSS"), process.cpuUsage(), seconds()];
await send(mails());
const taken = seconds() - begin;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ seconds: taken, cpu: (user + system) / 1e6, grown: octets("VmHWM") - memory }));
transport.close();
