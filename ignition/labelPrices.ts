/** The parameters that price a label: of 1, 2, 3, 4, and of 5 or more bytes. */
export const labelPrices = [
  "labelPrice1",
  "labelPrice2",
  "labelPrice3",
  "labelPrice4",
  "labelPrice5",
] as const;
