// A receiver built on the standardwebhooks package. The secret is the first line of standard input; the port is the
// first line of standard output; each request is a line more: "accepted" or "refused", the id, and the bytes of the body.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

const input = createInterface({ input: process.stdin });
input.on("close", () => process.exit(0));
input.once("line", (secret) => {
  const webhook = new Webhook(secret);
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      let verdict = "accepted";
      try {
        webhook.verify(body.toString("utf8"), request.headers);
      } catch {
        verdict = "refused";
      }
      console.log(`${verdict} ${request.headers["webhook-id"]} ${body.length}`);
      response.writeHead(verdict === "accepted" ? 204 : 400).end();
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
});
