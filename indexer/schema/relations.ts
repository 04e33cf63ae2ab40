import { relations } from "ponder";
import { auditor, auditorEvent, auditorRound, epoch, report, round } from "./audits.ts";
import {
  account,
  accountMove,
  collection,
  redemption,
  serviceDay,
  sessionKey,
  statementDay,
  tab,
} from "./cashier.ts";
import {
  announcement,
  challenge,
  label,
  service,
  serviceEvent,
  serviceKind,
  serviceStake,
} from "./services.ts";

// Each `many` of a parent needs the `one` of its child, from which the columns are known.

export const serviceRelations = relations(service, ({ one, many }) => ({
  kind: one(serviceKind, { fields: [service.classId], references: [serviceKind.classId] }),
  announcement: one(announcement, {
    fields: [service.number],
    references: [announcement.number],
  }),
  rounds: many(round),
  events: many(serviceEvent),
  stakes: many(serviceStake),
  challengesOpened: many(challenge),
  tabs: many(tab),
  days: many(serviceDay),
  redemptions: many(redemption),
  collections: many(collection),
}));

export const kindRelations = relations(serviceKind, ({ many }) => ({ services: many(service) }));

export const labelRelations = relations(label, ({ one }) => ({
  service: one(service, { fields: [label.number], references: [service.number] }),
}));

export const roundRelations = relations(round, ({ one }) => ({
  service: one(service, { fields: [round.number], references: [service.number] }),
  audited: one(epoch, { fields: [round.epoch], references: [epoch.epoch] }),
}));

export const serviceEventRelations = relations(serviceEvent, ({ one }) => ({
  service: one(service, { fields: [serviceEvent.number], references: [service.number] }),
}));

export const serviceStakeRelations = relations(serviceStake, ({ one }) => ({
  service: one(service, { fields: [serviceStake.number], references: [service.number] }),
}));

export const challengeRelations = relations(challenge, ({ one }) => ({
  service: one(service, { fields: [challenge.number], references: [service.number] }),
}));

export const epochRelations = relations(epoch, ({ many }) => ({
  rounds: many(round),
  reports: many(report),
  auditorRounds: many(auditorRound),
}));

export const auditorRelations = relations(auditor, ({ many }) => ({
  rounds: many(auditorRound),
  reports: many(report),
  events: many(auditorEvent),
}));

export const auditorRoundRelations = relations(auditorRound, ({ one }) => ({
  owner: one(auditor, { fields: [auditorRound.auditor], references: [auditor.auditor] }),
  audited: one(epoch, { fields: [auditorRound.epoch], references: [epoch.epoch] }),
}));

export const auditorEventRelations = relations(auditorEvent, ({ one }) => ({
  owner: one(auditor, { fields: [auditorEvent.auditor], references: [auditor.auditor] }),
}));

export const reportRelations = relations(report, ({ one }) => ({
  owner: one(auditor, { fields: [report.auditor], references: [auditor.auditor] }),
  audited: one(epoch, { fields: [report.epoch], references: [epoch.epoch] }),
}));

export const accountRelations = relations(account, ({ many }) => ({
  tabs: many(tab),
  moves: many(accountMove),
  redemptions: many(redemption),
  statement: many(statementDay),
  keys: many(sessionKey),
}));

export const accountMoveRelations = relations(accountMove, ({ one }) => ({
  account: one(account, { fields: [accountMove.payer], references: [account.payer] }),
}));

export const tabRelations = relations(tab, ({ one }) => ({
  account: one(account, { fields: [tab.payer], references: [account.payer] }),
  service: one(service, { fields: [tab.number], references: [service.number] }),
}));

export const redemptionRelations = relations(redemption, ({ one }) => ({
  account: one(account, { fields: [redemption.payer], references: [account.payer] }),
  service: one(service, { fields: [redemption.number], references: [service.number] }),
}));

export const statementDayRelations = relations(statementDay, ({ one }) => ({
  account: one(account, { fields: [statementDay.payer], references: [account.payer] }),
  service: one(service, { fields: [statementDay.number], references: [service.number] }),
}));

export const serviceDayRelations = relations(serviceDay, ({ one }) => ({
  service: one(service, { fields: [serviceDay.number], references: [service.number] }),
}));

export const collectionRelations = relations(collection, ({ one }) => ({
  service: one(service, { fields: [collection.number], references: [service.number] }),
}));

export const sessionKeyRelations = relations(sessionKey, ({ one }) => ({
  account: one(account, { fields: [sessionKey.payer], references: [account.payer] }),
}));
