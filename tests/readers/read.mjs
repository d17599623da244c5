// A mail in base64 on each line of stdin; what postal-mime reads in it, as JSON, on a line of stdout.
import { createInterface } from "node:readline";
import PostalMime, { decodeWords } from "postal-mime";

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const mail = await PostalMime.parse(Buffer.from(line, "base64"), { attachmentEncoding: "base64" });
  // It leaves the encoded-words of the fields that it does not know.
  for (const field of mail.headers) field.value = decodeWords(field.value);
  process.stdout.write(JSON.stringify(mail) + "\n");
}
