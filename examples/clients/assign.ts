// Asks a server by types that openapi-typescript has made of its document.
//
//   curl -o openapi.json http://127.0.0.1:8000/openapi.json
//   npm init --yes && npm pkg set type=module
//   npm install openapi-fetch && npm install --save-dev openapi-typescript typescript@5
//   npx openapi-typescript openapi.json --output openapi.d.ts
//   npx tsc --strict --target es2022 --module nodenext assign.ts
//   node assign.js http://127.0.0.1:8000
//
// Where the server asks for a key, it is the second argument.
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";

declare const process: { argv: string[] };
const [, , baseUrl, key] = process.argv;
const headers: Record<string, string> = key ? { Authorization: `Bearer ${key}` } : {};
const client = createClient<paths, `application/${string}json`>({ baseUrl, headers });

const customer = { Total_Revolving_Bal: 0, Total_Trans_Amt: 1900, Total_Trans_Ct: 38 };
const { data, error } = await client.POST("/v1/assign", { body: customer });
if (!data) throw new Error(error.detail);
const risk: components["schemas"]["Churn"]["risk"] | undefined = data.churn?.risk;
console.log(`${data.cluster.id} ${data.cluster.name} (${risk}): ${data.reasons[0].sentence}`);

const path = { cluster_id: data.cluster.id };
const cluster = await client.GET("/v1/clusters/{cluster_id}", { params: { path } });
console.log(`${cluster.data?.customers} customers of training are in it`);

const wrong = { ...customer, Total_Trans_Ct: -1 };
const batch = await client.POST("/v1/assign/batch", {
  body: { customers: [customer, wrong, customer] },
});
console.log("assigned:", batch.data?.assigned.map((item) => item.index));
for (const item of batch.data?.rejected ?? [])
  for (const { field, expected } of item.errors)
    console.log(`customer ${item.index}: ${field}: expected ${expected}`);

const problem = await client.POST("/v1/assign", { body: wrong });
console.log(`${problem.error?.status} ${problem.error?.code}`);
