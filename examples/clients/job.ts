// Has a server score a file, by types that openapi-typescript has made; see assign.ts.
//
//   node job.js http://127.0.0.1:8000 customers.csv
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";

declare const process: { argv: string[] };
// @ts-ignore: the types of node are a package of their own
const { openAsBlob } = await import("node:fs");
const [, , baseUrl, file, key] = process.argv;
const headers: Record<string, string> = key ? { Authorization: `Bearer ${key}` } : {};
const client = createClient<paths, `application/${string}json`>({ baseUrl, headers });

const form = new FormData();
form.append("file", await openAsBlob(file), "customers.csv");
const made = await client.POST("/v1/jobs", {
  params: { header: { "Idempotency-Key": crypto.randomUUID() } },
  body: { file: "" },
  bodySerializer: () => form,
});
let job: components["schemas"]["JobAnswer"] | undefined = made.data;
if (!job) throw new Error(made.error?.detail);

const path = { id: job.id };
for (let asked = 0; job && !["succeeded", "failed"].includes(job.state) && asked < 300; asked++) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  job = (await client.GET("/v1/jobs/{id}", { params: { path } })).data;
}
if (!job?.counts) throw new Error(job?.problem?.detail ?? "no end in time");
console.log(`${job.counts.rows_assigned} of ${job.counts.rows_in} rows are assigned`);
for (const notice of job.notices) console.log(`${notice.level}: ${notice.heading}`);

const name = job.outputs.find((output) => output.role === "assigned")!.name;
const rows = await client.GET("/v1/jobs/{id}/outputs/{name}", {
  params: { path: { ...path, name } },
  parseAs: "text",
});
console.log(String(rows.data).split("\n")[0]);
await client.DELETE("/v1/jobs/{id}", { params: { path } });
