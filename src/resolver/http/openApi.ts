import * as z from "zod";
import { answerJsonSchema, problemJsonSchema } from "../answerSchema.ts";
import { httpProblems, type HttpProblemCode } from "./problem.ts";
import {
  batchResultSchema,
  batchSchema,
  MAX_WATCHED,
  nameSchema,
  watchEventSchema,
} from "./schemas.ts";

/** Converts a schema to JSON Schema 2020-12, which OpenAPI 3.1 uses, in the form on the wire. */
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

const lookupFailures: HttpProblemCode[] = [
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
  description: "Resolvers that forwarded the lookup, separated by commas; prevents circles.",
  schema: { type: "string", maxLength: 2048 },
};

const health = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), reason: z.string().optional() })),
});

/** The document that `GET /openapi.json` serves. */
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
        summary: "Looks up one service.",
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
            description: "The service's endpoints. Cache-Control follows the lease, at most 30 s.",
            headers: {
              ETag: {
                description: "Weak validator of the answer's meaning.",
                schema: { type: "string" },
              },
            },
            content: jsonOf("Answer"),
          },
          "304": { description: "The client's answer is still current." },
          ...failures(...lookupFailures),
        },
      },
    },
    "/v1/resolve": {
      post: {
        operationId: "resolveMany",
        summary: "Looks up several services; each counts against the rate like one request.",
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
          "Server-sent events: the current state of each name, then every change. Data is a WatchEvent.",
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
        summary: "Health of the resolver.",
        responses: {
          "200": { description: "All checks pass.", content: jsonOf("Health") },
          "503": { description: "A check fails.", content: jsonOf("Health") },
        },
      },
    },
    "/metrics": {
      get: {
        operationId: "metrics",
        summary: "Metrics in Prometheus' text format; for clients on the resolver's host only.",
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
