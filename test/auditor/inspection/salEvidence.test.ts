import { expect } from "chai";
import { numberToHex, zeroHash } from "viem";
import { contactOverSal } from "../../../src/auditor/inspection/salContact.ts";
import { readAuditorHistory } from "../../../src/chain/views/auditorRounds.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { ReceiptSigner } from "../../../src/protocol/receipt.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { AuditedChain, FIRST, type Visit } from "../../support/auditedChain.ts";
import { rejection } from "../../support/rejection.ts";
import { ECHO, SalServiceRig } from "../../support/salServiceRig.ts";

describe("a receipt of the SAL as evidence on chain", () => {
  let chain: AuditedChain;
  let rig: SalServiceRig;
  let visit: Visit;
  let startsAt = 0;

  before(async () => {
    chain = await AuditedChain.start({ services: [1_000], auditors: [10_000] });
    const { chainId, contracts } = chain.deployment;
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    rig = new SalServiceRig({ domain, now: () => startsAt });
    const key = hexToBytes(chain.serviceKey(1).key);
    const endpoint = await rig.serve({ number: 1n, keys: [key] });
    visit = async (target) => {
      startsAt = target.startsAt;
      const contact = await contactOverSal(
        {
          serviceId: rootServiceId(target.number),
          key: chain.serviceKey(1).address,
          endpoints: [endpoint],
          port: ECHO,
          nonce: () => target.nonce,
        },
        rig.parts,
        { receipts: new ReceiptSigner(domain), now: () => target.startsAt },
        AbortSignal.timeout(60_000),
      );
      contact.close();
      return contact.receipt;
    };
  });
  after(async () => {
    rig.close();
    await chain.stop();
  });

  /** Plays a round of one auditor up to the epoch in which it may be claimed. */
  async function play(epoch: number, how: Visit): Promise<void> {
    await chain.enter(epoch);
    await chain.commit(epoch, 0, { 1: 3 }, how);
    await chain.enter(epoch + 1);
    await chain.reveal(epoch, 0);
    await chain.enter(epoch + 2);
  }

  it("is paid: it is bound to the connection's channel, which the evidence names", async () => {
    let channel: string = zeroHash;
    await play(FIRST, async (target) => {
      const receipt = await visit(target);
      ({ channel } = receipt);
      return receipt;
    });
    expect(channel)
      .to.match(/^0x[0-9a-f]{64}$/)
      .and.not.equal(zeroHash);
    await chain.claim(FIRST, 0);
    const first = (await rounds()).find(({ epoch }) => epoch === FIRST);
    expect(first).to.include({ claimed: 1, votes: 1, paidVotes: 1 });
    expect(first?.reward).to.be.greaterThan(0n);
  });

  it("is refused with another channel: the service signed for one connection only", async () => {
    const epoch = FIRST + 3;
    await play(epoch, async (target) => ({
      ...(await visit(target)),
      channel: numberToHex(1, { size: 32 }),
    }));
    await rejection("CALL_REVERTED", chain.claim(epoch, 0));
  });

  async function rounds() {
    const { auditors, client, deployment } = chain;
    const auditor = auditors[0]!.owner;
    const moment = await chain.moment();
    return (await readAuditorHistory(client, deployment, { auditor, moment, last: 20 })).rounds;
  }
});
