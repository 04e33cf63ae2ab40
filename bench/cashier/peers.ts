/** Figures that peers publish. */
export const peers = [
  {
    peer: "x402 batch-settlement",
    what: "a claim in a batch of ten",
    gas: "19,200",
    counted: "without calldata and the 21,000 of the transaction",
  },
  {
    peer: "x402 batch-settlement",
    what: "a claim alone",
    gas: "40,252",
    counted: "as published",
  },
  {
    peer: "x402 exact on Base",
    what: "a payment",
    gas: "61,000 to 90,000",
    counted: "whole transactions",
  },
  {
    peer: "The Graph Horizon",
    what: "939 vouchers in one transaction",
    gas: "not published",
    counted: "they could not be collected",
  },
  { peer: "Livepeer", what: "redeem a ticket", gas: "350,000", counted: "whole transaction" },
  { peer: "HOPR", what: "redeem a ticket", gas: "51,000", counted: "whole transaction" },
  {
    peer: "x402 batch-settlement",
    what: "verify a voucher: 0.39 ms",
    gas: "none",
    counted: "off chain, as published",
  },
] as const;
