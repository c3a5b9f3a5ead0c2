// Reads and writes with types that were generated from openapi/codex.json: a filter, a partial answer, a bulk call.
import createClient from "openapi-fetch";
import type { paths } from "./codex.js";

const [baseUrl, token] = process.argv.slice(2);
if (!baseUrl || !token) throw new Error("usage: read.js URL TOKEN");
const codex = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

/** The body of an answer, or the reason why there is none. */
function body<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.status}: ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

const name = "Typed Client GmbH";
const rows = [{ name }, { name, compliance_level: "odd" }];
const written = body(await codex.POST("/api/companies/bulk", { body: rows, params: { query: { action: "create" } } }));
if (!("results" in written)) throw new Error("nothing was written");
const results: string = written.results.map((row) => row.status).join(", ");
if (results !== "created, failed") throw new Error(results);

const query = { name__startswith: "typed client", compliance_level__ne: "hipaa", limit: 5 };
const companies = body(await codex.GET("/api/companies", { params: { query } }));
const [first] = companies;
if (first?.name !== name) throw new Error(JSON.stringify(companies));

const chosen = { name__startswith: "typed", fields: "name,account_number" };
const parts = body(await codex.GET("/api/companies", { params: { query: chosen } }));
for (const part of parts) {
  const number: string | undefined = part.account_number;
  if (!number || Object.keys(part).length !== 2) throw new Error(JSON.stringify(part));
}
console.log(`${companies.length} company, ${parts.length} partial answer`);
