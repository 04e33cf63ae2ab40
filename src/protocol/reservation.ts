import {
  getAddress,
  hashTypedData,
  isAddressEqual,
  zeroAddress,
  type Address,
  type Hex,
} from "viem";
import { bytesToHex, hexToBytes } from "./bytes.ts";
import { checkTimes } from "./checkRecord.ts";
import { readDelegation } from "./delegation.ts";
import { BlockcloudError } from "./errors.ts";
import { parseServiceId } from "./serviceId.ts";
import { recoverSigner, signDigest } from "./signature.ts";
import { typedData, type Domain } from "./typedData.ts";

/** How far a reservation's time of issue may be from the relay's clock, milliseconds. */
export const RESERVATION_SKEW_MS = 5 * 60_000;

/** A service's wish that a relay leads its clients to one of its instances. */
export interface Reservation {
  serviceId: Hex;
  /** `host:port` of the relay, as the provider dialled it. */
  relay: string;
  /** 8 bytes. */
  instance: Hex;
  /** The relay's, 32 bytes: each is used once. */
  nonce: Hex;
  /** Exporter of the connection to the relay, 32 bytes: no other connection can use the reservation. */
  channel: Hex;
  /** Unix milliseconds. */
  issuedAt: bigint;
}

/** What a reservation is checked against. */
export interface ReservationContext {
  domain: Domain;
  /** Unix milliseconds. */
  now: number;
  /** The newest key of the root service. */
  rootKey: Address;
}

/** Signs a reservation: 65 bytes. */
export function signReservation(reservation: Reservation, domain: Domain, key: Uint8Array): Hex {
  return bytesToHex(signDigest(reservationDigest(reservation, domain), key));
}

/** The EIP-712 digest of a reservation. */
export function reservationDigest(reservation: Reservation, domain: Domain): Uint8Array {
  return hexToBytes(
    hashTypedData({
      domain,
      types: { Reservation: typedData.Reservation },
      primaryType: "Reservation",
      message: { ...reservation },
    }),
  );
}

/**
 * Checks who signed a reservation: the root's newest key, or the key in a sub-service's ID with the root's delegation.
 *
 * @param delegation Of a sub-service; `0x` of a root service.
 * @returns Until when it holds, Unix milliseconds: the end of the delegation, or undefined.
 * @throws BlockcloudError `RESERVATION_SIGNER`, `RESERVATION_TIME`, `DELEGATION_MALFORMED`, `DELEGATION_EXPIRED`,
 *   `DELEGATION_AHEAD`, `DELEGATION_SIGNER`, `SERVICE_ID_INVALID`.
 */
export function checkReservation(
  reservation: Reservation,
  signature: Hex,
  delegation: Hex,
  { domain, now, rootKey }: ReservationContext,
): number | undefined {
  const { serviceId, issuedAt } = reservation;
  if (Math.abs(Number(issuedAt) - now) > RESERVATION_SKEW_MS) {
    throw new BlockcloudError("RESERVATION_TIME", `Issued at ${issuedAt} ms, far from now.`, {
      remedy: "Correct the clocks of provider and relay.",
    });
  }
  const { self } = parseServiceId(serviceId);
  const isRoot = isAddressEqual(self, zeroAddress);
  const signer = recoverSigner(reservationDigest(reservation, domain), hexToBytes(signature));
  const expected = isRoot ? getAddress(rootKey) : self;
  if (signer !== expected || (isRoot && delegation !== "0x")) {
    throw new BlockcloudError(
      "RESERVATION_SIGNER",
      `Signed by ${signer ?? "no key"}, not by ${expected}.`,
      { remedy: "Sign with the service's newest key on chain." },
    );
  }
  if (isRoot) return undefined;
  const read = readDelegation(serviceId, delegation, domain);
  checkTimes("DELEGATION", read.delegation, now);
  if (read.signer !== getAddress(rootKey)) {
    throw new BlockcloudError(
      "DELEGATION_SIGNER",
      `Delegated by ${read.signer}, not by ${rootKey}.`,
      { remedy: "The key of the root service must sign the delegation." },
    );
  }
  return Number(read.delegation.expiresAt);
}
