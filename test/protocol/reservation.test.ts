import { expect } from "chai";
import { TypedDataEncoder } from "ethers";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import {
  checkReservation,
  reservationDigest,
  signReservation,
  type Reservation,
} from "../../src/protocol/reservation.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { blockcloudDomain, typedData } from "../../src/protocol/typedData.ts";

const domain = blockcloudDomain(11_155_111n, "0x5FbDB2315678afecb367f032d93F642f64180aa3");
const KEY = Buffer.alloc(32, 7);
const NOW = 1_750_000_000_000;

const reservation: Reservation = {
  serviceId: rootServiceId(7n),
  relay: "relay.example:4180",
  instance: "0x0011223344556677",
  nonce: `0x${"22".repeat(32)}`,
  channel: `0x${"33".repeat(32)}`,
  issuedAt: BigInt(NOW),
};

describe("reservation", () => {
  it("has the digest that ethers computes", () => {
    const types = { Reservation: [...typedData.Reservation] };
    expect(bytesToHex(reservationDigest(reservation, domain))).to.equal(
      TypedDataEncoder.hash(domain, types, reservation),
    );
  });

  it("holds for the signed fields only", () => {
    const signature = signReservation(reservation, domain, KEY);
    const context = { domain, now: NOW, rootKey: addressOfKey(KEY) };
    expect(checkReservation(reservation, signature, "0x", context)).to.equal(undefined);
    for (const change of [
      { serviceId: rootServiceId(8n) },
      { relay: "relay.example:4181" },
      { instance: "0x0011223344556678" },
      { nonce: `0x${"23".repeat(32)}` },
      { channel: `0x${"34".repeat(32)}` },
      { issuedAt: BigInt(NOW + 1) },
    ] as const) {
      expect(() => checkReservation({ ...reservation, ...change }, signature, "0x", context))
        .to.throw(BlockcloudError)
        .with.property("code", "RESERVATION_SIGNER");
    }
    const other = { ...context, domain: { ...domain, chainId: 1n } };
    expect(() => checkReservation(reservation, signature, "0x", other))
      .to.throw(BlockcloudError)
      .with.property("code", "RESERVATION_SIGNER");
  });
});
