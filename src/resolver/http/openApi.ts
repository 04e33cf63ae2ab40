import { z } from "zod";
import { answerJsonSchema, problemJsonSchema } from "../answerSchema.ts";
import { httpProblems, type HttpProblemCode } from "./problem.ts";
import {
  batchResultSchema,
  batchSchema,
  MAX_WATCHED,
  nameSchema,
  watchEventSchema,
} from "./schemas.ts";

/** The schemas as JSON Schema 2020-12, which is what OpenAPI 3.1 takes; as they are on the wire. */
function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
}

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const jsonOf = (name: string) => ({ "application/json": { schema: ref(name) } });

/** The responses of a route's errors, by status. */
function failures(...codes: HttpProblemCode[]): Record<string, unknown> {
  const statuses = [...new Set(codes.map((code) => httpProblems[code]?.status ?? 500))];
  return Object.fromEntries(
    statuses.sort().map((status) => {
      const same = codes.filter((code) => httpProblems[code]?.status === status);
      const description = same
        .map((code) => `${code}: ${httpProblems[code]?.title ?? ""}`)
        .join("; ");
      return [
        String(status),
        { description, content: { "application/problem+json": { schema: ref("Problem") } } },
      ];
    }),
  );
}

const lookUpFailures: HttpProblemCode[] = [
  "NAME_INVALID",
  "REQUEST_INVALID",
  "SERVICE_DROPPED",
  "SERVICE_UNKNOWN",
  "RECORD_MISSING",
  "SERVICE_INACTIVE",
  "DELEGATION_EXPIRED",
  "RATE_EXCEEDED",
  "RESOLVER_FAILED",
  "RECORD_STALE",
  "RESOLVER_UNREACHABLE",
  "RESOLVER_BUSY",
  "RESOLVER_LOOP",
];

const pathHeader = {
  name: "Resolver-Path",
  in: "header",
  required: false,
  description:
    "Resolvers that the look-up came through, with commas between them; guards against circles.",
  schema: { type: "string", maxLength: 2048 },
};

const health = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), reason: z.string().optional() })),
});

/** What `GET /openapi.json` answers. */
export const openApi = {
  openapi: "3.1.0",
  info: {
    title: "Blockcloud resolver",
    version: "1",
    description:
      "Says where services are. Every answer carries the signed record: check it against the service's key on chain.",
    license: { name: "MIT", identifier: "MIT" },
  },
  paths: {
    "/v1/resolve/{name}": {
      get: {
        operationId: "resolve",
        summary: "Where one service is.",
        parameters: [
          {
            name: "name",
            in: "path",
            required: true,
            description:
              "label.bloc.alt, sub.label.bloc.alt, <base32>.id.bloc.alt, or 0x and 64 hexadecimal digits.",
            schema: schemaOf(nameSchema),
          },
          pathHeader,
          {
            name: "If-None-Match",
            in: "header",
            required: false,
            description: "ETags of answers that the client has.",
            schema: { type: "string" },
          },
        ],
        responses: {
          "200": {
            description: "Where it is. Cache-Control follows the lease, 30 s at most.",
            headers: {
              ETag: { description: "Weak validator of what is said.", schema: { type: "string" } },
            },
            content: jsonOf("Answer"),
          },
          "304": { description: "As in the answer that the client has." },
          ...failures(...lookUpFailures),
        },
      },
    },
    "/v1/resolve": {
      post: {
        operationId: "resolveMany",
        summary: "Where several services are; each costs as much of the rate as one request.",
        parameters: [pathHeader],
        requestBody: { required: true, content: jsonOf("Batch") },
        responses: {
          "200": {
            description: "An answer or a problem for each name.",
            content: jsonOf("BatchResult"),
          },
          ...failures("REQUEST_INVALID", "BODY_TOO_LARGE", "RATE_EXCEEDED", "RESOLVER_FAILED"),
        },
      },
    },
    "/v1/watch": {
      get: {
        operationId: "watch",
        summary:
          "Server-sent events: how each name stands, then every change. Data is a WatchEvent.",
        parameters: [
          {
            name: "name",
            in: "query",
            required: true,
            explode: true,
            schema: {
              type: "array",
              items: schemaOf(nameSchema),
              minItems: 1,
              maxItems: MAX_WATCHED,
            },
          },
        ],
        responses: {
          "200": {
            description: "Events until either side ends.",
            content: { "text/event-stream": { schema: ref("WatchEvent") } },
          },
          ...failures("REQUEST_INVALID", "RATE_EXCEEDED", "WATCHES_EXCEEDED", "WATCHES_FULL"),
        },
      },
    },
    "/openapi.json": {
      get: {
        operationId: "openApi",
        summary: "This document.",
        responses: {
          "200": {
            description: "OpenAPI 3.1.",
            content: { "application/json": { schema: { type: "object" } } },
          },
          ...failures("RATE_EXCEEDED"),
        },
      },
    },
    "/healthz": {
      get: {
        operationId: "health",
        summary: "Whether the resolver is well.",
        responses: {
          "200": { description: "All is well.", content: jsonOf("Health") },
          "503": { description: "Something is not.", content: jsonOf("Health") },
        },
      },
    },
    "/metrics": {
      get: {
        operationId: "metrics",
        summary: "Prometheus' text format; for this host only.",
        responses: {
          "200": {
            description: "Metrics.",
            content: { "text/plain": { schema: { type: "string" } } },
          },
          ...failures("METRICS_REMOTE"),
        },
      },
    },
  },
  components: {
    schemas: {
      Answer: schemaOf(answerJsonSchema),
      Batch: schemaOf(batchSchema),
      BatchResult: schemaOf(batchResultSchema),
      WatchEvent: schemaOf(watchEventSchema),
      Problem: schemaOf(problemJsonSchema),
      Health: schemaOf(health),
    },
  },
};
