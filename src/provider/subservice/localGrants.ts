import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { deploymentTag, type Deployment } from "../../chain/deployment.ts";
import { parseServiceId } from "../../protocol/serviceId.ts";
import { ProviderStore } from "../store.ts";
import type { Grant } from "./grants.ts";
import { revokeSubService, type Granter } from "./subservices.ts";

/** The state folder of a provider and of the sub-services that this host runs itself. */
export interface LocalPlace {
  stateDir: string;
  deployment: Deployment;
}

/** A grant in the store of the sub-service's own agent. */
interface LocalGrant {
  file: string;
  grant: Grant;
}

/**
 * Lists the delegations of a service that a state folder knows: those in the service's own store, and those to
 * sub-services of this host, which are in their own stores.
 *
 * @param own The service's own store.
 */
export function allGrants(own: Granter["grants"], number: bigint, place: LocalPlace): Grant[] {
  const local = localGrants(number, place).map(({ grant }) => grant);
  // Where both stores know one, it was revoked: the sub-service's own one may have been granted again since.
  const known = new Set(local.map(({ serviceId }) => serviceId));
  const rest = own.list().filter(({ serviceId }) => !known.has(serviceId));
  return [...local, ...rest].sort((a, b) => b.issuedAt - a.issuedAt);
}

/**
 * Revokes a delegation wherever the state folder keeps it. One to a sub-service of this host is revoked in both stores:
 * the agent of the service and that of the sub-service publish the revocation, whichever runs.
 *
 * @param name Service ID or label.
 * @throws BlockcloudError `SUBSERVICE_UNKNOWN`.
 */
export function revokeAnywhere(granter: Granter, name: string, place: LocalPlace): Grant {
  const { grants, number } = granter;
  const wanted = name.toLowerCase();
  const own = grants.find(wanted);
  const local = localGrants(number, place).find(
    ({ grant: { serviceId, label } }) => serviceId === wanted || label === wanted,
  );
  const isOther =
    own?.revokedAt === undefined && own !== undefined && own.serviceId !== local?.grant.serviceId;
  if (local === undefined || isOther) return revokeSubService(granter, name);
  const { file, grant } = local;
  if (grant.revokedAt !== undefined) return grant;
  const { serviceId, label } = grant;
  // In the service's store the label may be that of another sub-service.
  const holder = label === undefined ? undefined : grants.find(label);
  const isTaken = holder !== undefined && holder.serviceId !== serviceId;
  grants.save({ ...grant, label: isTaken ? undefined : label }, []);
  revokeSubService(granter, serviceId);
  // The sub-service's own store is the last one: if the process ends before, the next run begins again.
  return inStore(file, (store) =>
    revokeSubService({ ...granter, grants: store.grants }, serviceId),
  );
}

function localGrants(number: bigint, { stateDir, deployment }: LocalPlace): LocalGrant[] {
  if (!existsSync(stateDir)) return [];
  const ending = `-${deploymentTag(deployment)}.sqlite`;
  return readdirSync(stateDir)
    .filter((name) => name.startsWith("subservice-") && name.endsWith(ending))
    .map((name) => path.join(stateDir, name))
    .flatMap((file) =>
      inStore(file, ({ grants }) => grants.list().map((grant) => ({ file, grant }))),
    )
    .filter(({ grant }) => parseServiceId(grant.serviceId).prefix === number);
}

function inStore<T>(file: string, use: (store: ProviderStore) => T): T {
  const store = new ProviderStore(file);
  try {
    return use(store);
  } finally {
    store.close();
  }
}
