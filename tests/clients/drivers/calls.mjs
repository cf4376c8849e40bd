// The calls of the Python programs beside this file, by the OpenAI SDK for JavaScript.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createReadStream, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

// The SDK lies in a folder of its own, not above this file.
const found = createRequire(`${process.env.CLIENTS_NODE_FOLDER}/`).resolve("openai");
const { version } = JSON.parse(readFileSync(`${dirname(found)}/package.json`, "utf8"));
const { default: OpenAI, toFile } = await import(pathToFileURL(found));

const PROMPT = "a slow push in";
const SHORT = { model: "default", seconds: "1", fps: 12, size: "256x256" };
const UNKNOWN = `video_${"0".repeat(32)}`;
const FINAL = ["completed", "failed", "cancelled"];
const MOST_REQUESTS = 40;

const photo = () => createReadStream(process.env.CLIENTS_PHOTO);
const create = (client, more = {}) => client.videos.create({ prompt: PROMPT, input_reference: photo(), ...SHORT, ...more });

// This SDK has no call that polls.
async function ended(client, video) {
  while (!FINAL.includes(video.status)) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    video = await client.videos.retrieve(video.id);
  }
  return video;
}

async function refusal(kind, promise) {
  const error = await promise.then(
    () => assert.fail(`${kind.name} was expected`),
    (reason) => reason,
  );
  assert(error instanceof kind, String(error));
  assert(error.message && error.requestID);
  return error;
}

async function createInEveryWay(client) {
  const bytes = readFileSync(process.env.CLIENTS_PHOTO);
  const link = { image_url: `data:image/jpeg;base64,${bytes.toString("base64")}` };
  for (const input_reference of [photo(), await toFile(bytes, "photo.jpg"), new Blob([bytes]), link]) {
    const video = await create(client, { input_reference });
    assert.equal(video.object, "video");
    assert.ok(["queued", "in_progress"].includes(video.status));
    const done = await ended(client, video);
    assert.deepEqual([done.status, done.progress, done.size, done.prompt], ["completed", 100, "256x256", PROMPT]);
  }
}

async function listByPages(client) {
  const ids = async (query) => {
    const found = [];
    for await (const video of client.videos.list(query)) found.push(video.id);
    return found;
  };
  const all = await ids({ limit: 3 });
  assert.equal(all.length, 4);
  assert.deepEqual(await ids({ limit: 1, order: "asc" }), all.toReversed());
}

async function download(client) {
  const { id } = (await client.videos.list()).data[0];
  assert.equal((await client.videos.retrieve(id)).id, id);
  const content = async (query, options) => {
    const response = await client.videos.downloadContent(id, query, options);
    return [response, Buffer.from(await response.arrayBuffer())];
  };
  const [, whole] = await content();
  assert.equal(whole.toString("latin1", 4, 8), "ftyp");
  assert.equal((await content({ variant: "thumbnail" }))[1].toString("latin1", 8, 12), "WEBP");
  assert.equal((await content({ variant: "spritesheet" }))[1].toString("hex", 0, 3), "ffd8ff");
  const [answer, part] = await content({}, { headers: { Range: "bytes=100-299" } });
  assert.equal(answer.status, 206);
  assert.equal(answer.headers.get("content-range"), `bytes 100-299/${whole.length}`);
  assert.deepEqual(part, whole.subarray(100, 300));
}

async function failedAndCancelled(client) {
  const refused = createReadStream(process.env.CLIENTS_REFUSED_PHOTO);
  const failed = await ended(client, await create(client, { input_reference: refused }));
  assert.deepEqual([failed.status, failed.error.code], ["failed", "moderation_input"]);
  const long = await create(client, { seconds: "20", fps: 60 });
  await client.post(`/videos/${long.id}/cancel`);
  assert.equal((await ended(client, long)).status, "cancelled");
  for (const { id } of [failed, long]) {
    assert.equal((await refusal(OpenAI.ConflictError, client.videos.downloadContent(id))).code, "video_not_ready");
  }
}

async function remove(client) {
  for await (const { id } of client.videos.list()) {
    assert.deepEqual({ ...(await client.videos.delete(id)) }, { id, object: "video.deleted", deleted: true });
    await refusal(OpenAI.NotFoundError, client.videos.retrieve(id));
  }
  assert.equal((await client.videos.list()).data.length, 0);
}

async function errors(client) {
  const stranger = client.withOptions({ apiKey: "i2v_nobody" });
  assert.equal((await refusal(OpenAI.AuthenticationError, stranger.videos.list())).code, "invalid_api_key");
  const wrong = await refusal(OpenAI.BadRequestError, create(client, { size: "7x7" }));
  assert.deepEqual([wrong.code, wrong.param], ["invalid_request", "size"]);
  assert.equal((await refusal(OpenAI.NotFoundError, client.videos.delete(UNKNOWN))).code, "not_found");

  const { token } = await client.post("/sessions", { body: { api_key: client.apiKey } });
  const person = client.withOptions({ apiKey: token });
  const { data } = await person.get("/consents");
  const { purpose, notice_version } = data.find((each) => each.purpose === "ai_processing");
  await person.post("/consents", { body: { purpose, notice_version, granted: false } });
  const denied = await refusal(OpenAI.PermissionDeniedError, create(client));
  assert.equal(denied.code, "consent_withdrawn");
  assert.equal(denied.error.notice.version, notice_version);
}

async function tooManyAndAgain(client) {
  const ask = async () => {
    for (let asked = 0; asked < MOST_REQUESTS; asked += 1) {
      await client.post("/api-keys", { body: { scopes: [] }, maxRetries: 0 }).catch((error) => {
        if (!(error instanceof OpenAI.BadRequestError)) throw error;
      });
    }
  };
  const limited = await refusal(OpenAI.RateLimitError, ask());
  assert(Number(limited.headers.get("retry-after-ms")) > 0);
  // By itself the SDK waits as long as it was told to, and gets through.
  await client.post("/api-keys", { body: { name: "again" }, maxRetries: 5 });
}

// Say that the service was away, wait until it is back, and leave the rest to the SDK: one video is made.
async function toldAndAgain(client) {
  const statuses = [];
  const watched = client.withOptions({
    fetch: async (...request) => {
      const response = await fetch(...request);
      if (!response.url.startsWith("http")) return response; // by a link of data the SDK learns what fetch can do
      statuses.push(response.status);
      if (response.status === 503) {
        assert(Number(response.headers.get("retry-after-ms")) > 0);
        console.log(503);
        await once(process.stdin, "data");
        process.stdin.pause();
      }
      return response;
    },
  });
  // A stream is gone once it was sent; bytes can be sent again.
  const input_reference = await toFile(readFileSync(process.env.CLIENTS_PHOTO), "photo.jpg");
  const { id } = await create(watched, { input_reference });
  assert.deepEqual(statuses, [503, 200]);
  assert.deepEqual((await client.videos.list()).data.map((video) => video.id), [id]);
}

async function webhook(client) {
  const received = [];
  const server = createServer(async (request, response) => {
    received.push([Buffer.concat(await request.toArray()).toString(), new Headers(request.headers)]);
    response.writeHead(204).end();
  });
  await new Promise((resolve) => server.listen(0, process.env.CLIENTS_RECEIVER, resolve));
  const url = `http://${process.env.CLIENTS_RECEIVER}:${server.address().port}/events`;
  const endpoint = await client.post("/webhook_endpoints", { body: { url, name: "mine" } });
  await client.post(`/webhook_endpoints/${endpoint.id}/test`);
  const [payload, headers] = received.shift();
  const event = await client.webhooks.unwrap(payload, headers, endpoint.signing_secret);
  assert.deepEqual([event.type, event.data.id], ["video.completed", endpoint.id]);
  const foreign = client.webhooks.unwrap(payload, headers, `whsec_${"A".repeat(44)}`);
  await assert.rejects(foreign, OpenAI.InvalidWebhookSignatureError);
  server.close();
}

async function byFileId(client) {
  const file = await client.files.create({ file: photo(), purpose: "vision" });
  assert.deepEqual([file.object, file.purpose, file.status], ["file", "vision", "processed"]);
  const video = await ended(client, await create(client, { input_reference: { file_id: file.id } }));
  assert.equal(video.status, "completed");
  assert((await client.files.delete(file.id)).deleted);
  await refusal(OpenAI.NotFoundError, client.files.retrieve(file.id));
}

async function remix(client) {
  const source = await ended(client, await create(client));
  const video = await ended(client, await client.videos.remix(source.id, { prompt: "pan left" }));
  assert.deepEqual([video.status, video.remixed_from_video_id], ["completed", source.id]);
}

const GROUPS = {
  keep: [createInEveryWay, listByPages, download, remove],
  end: [failedAndCancelled],
  refused: [errors, tooManyAndAgain],
  outage: [toldAndAgain],
  webhook: [webhook],
  reuse: [byFileId, remix],
};
const calls = GROUPS[process.argv[2]];
const client = new OpenAI();
for (const call of calls) await call(client);
console.log(JSON.stringify({ sdk: version, calls: calls.map(({ name }) => name) }));
