import { expect } from "chai";
import * as z from "zod";
import { resolveErrors } from "../../../src/resolver/answer.ts";
import { answerJsonSchema, problemJsonSchema } from "../../../src/resolver/answerSchema.ts";
import { httpProblems } from "../../../src/resolver/http/problem.ts";
import { answerOf } from "../../support/fakeResolver.ts";
import { HttpRig } from "../../support/httpRig.ts";

/** As much of OpenAPI 3.1 as the document uses, and nothing else. */
const schema = z.record(z.string(), z.unknown());
const content = z.record(z.string().regex(/^\w+\/[\w.+-]+$/), z.strictObject({ schema }));
const parameter = z.strictObject({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean(),
  description: z.string().optional(),
  explode: z.boolean().optional(),
  schema,
});
const response = z.strictObject({
  description: z.string().min(1),
  headers: z.record(z.string(), z.strictObject({ description: z.string(), schema })).optional(),
  content: content.optional(),
});
const operation = z.strictObject({
  operationId: z.string(),
  summary: z.string(),
  parameters: z.array(parameter).optional(),
  requestBody: z.strictObject({ required: z.boolean(), content }).optional(),
  responses: z.record(z.string().regex(/^[1-5]\d\d$/), response),
});
const documentSchema = z.strictObject({
  openapi: z.literal("3.1.0"),
  info: z.strictObject({
    title: z.string(),
    version: z.string(),
    description: z.string(),
    license: z.strictObject({ name: z.string(), identifier: z.string() }),
  }),
  paths: z.record(z.string().startsWith("/"), z.partialRecord(z.enum(["get", "post"]), operation)),
  components: z.strictObject({ schemas: z.record(z.string(), schema) }),
});

describe("GET /openapi.json", () => {
  const rig = new HttpRig();
  const read = async () => documentSchema.parse(await (await rig.request("/openapi.json")).json());
  const operationsOf = (document: z.infer<typeof documentSchema>) =>
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, found]) => ({ path, method, ...found })),
    );

  it("is an OpenAPI document of the routes that there are", async () => {
    const document = await read();
    const described = operationsOf(document).map(({ path, method }) => `${method} ${path}`);
    const served = rig.app.routes.map(
      ({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, "{$1}")}`,
    );
    expect(described.sort()).to.deep.equal(served.sort());
  });

  it("has the schemas that requests and answers are read by, and no reference to nowhere", async () => {
    const document = await read();
    const { schemas } = document.components;
    const json = (type: z.ZodType) => {
      const { $schema: _, ...rest } = z.toJSONSchema(type, { io: "input", unrepresentable: "any" });
      return rest;
    };
    expect(schemas.Answer).to.deep.equal(json(answerJsonSchema));
    expect(schemas.Problem).to.deep.equal(json(problemJsonSchema));
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)];
    expect(references.length).to.be.above(10);
    for (const [, target = ""] of references) {
      expect(schemas, target).to.have.property(target.replace("#/components/schemas/", ""));
    }
  });

  it("names each parameter of its path", async () => {
    for (const { path, parameters = [] } of operationsOf(await read())) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = parameters.filter((each) => each.in === "path").map(({ name }) => name);
      expect(declared, path).to.deep.equal(named);
    }
  });

  it("says every code that a lookup ends with, below its status", async () => {
    const found = operationsOf(await read()).find(({ operationId }) => operationId === "resolve");
    for (const code of Object.values(resolveErrors)) {
      const status = String(httpProblems[code]?.status);
      expect(found?.responses[status]?.description, code).to.contain(code);
    }
  });

  it("describes the actual responses", async () => {
    rig.resolver.set("weather.bloc.alt", answerOf(7n));
    const operations = operationsOf(await read());
    for (const [path, method, init] of [
      ["/v1/resolve/weather.bloc.alt", "get", {}],
      ["/v1/resolve/7", "get", {}],
      ["/v1/resolve", "post", { body: '{"names":["7"]}' }],
      ["/v1/resolve", "post", { body: "{" }],
      ["/v1/watch?name=7", "get", {}],
      ["/v1/watch", "get", {}],
      ["/healthz", "get", {}],
      ["/metrics", "get", {}],
    ] as const) {
      const answer = await rig.request(path, { method: method.toUpperCase(), ...init });
      const [plain = ""] = path.split("?");
      const route = operations.find(
        (each) =>
          each.method === method &&
          new RegExp(`^${each.path.replace(/\{\w+\}/, "[^/]+")}$`).test(plain),
      );
      const said = route?.responses[String(answer.status)];
      const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
      expect(said?.content, `${method} ${path} ${answer.status}`).to.have.property(type);
      await answer.body?.cancel();
    }
  });
});
