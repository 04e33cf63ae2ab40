/** A source of random numbers from 0, below 1. */
export type Random = () => number;

/** What is chosen by weight. */
export interface Weighted {
  readonly weight: number;
}

/**
 * The place of one item, drawn by weight. Items of weight 0 are only drawn where all have it, and then each
 * is as likely.
 *
 * @returns -1 for no items.
 */
export function drawPlace(items: readonly Weighted[], random: Random): number {
  let total = 0;
  for (const { weight } of items) total += weight;
  let left = random() * (total === 0 ? items.length : total);
  for (let place = 0; place < items.length - 1; place += 1) {
    left -= total === 0 ? 1 : (items[place]?.weight ?? 0);
    if (left < 0) return place;
  }
  // Whatever rounding left: the last that could be meant.
  if (total === 0) return items.length - 1;
  return items.findLastIndex(({ weight }) => weight > 0);
}

/** All items in an order drawn by weight, each place from those that are left. */
export function drawOrder<T extends Weighted>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(drawPlace(left, random), 1));
  return order;
}

/** Items by priority, the lowest number first, each priority by {@link drawOrder}. */
export function drawPriorities<T extends Weighted & { readonly priority: number }>(
  items: readonly T[],
  random: Random,
): T[] {
  const groups = Map.groupBy(items, ({ priority }) => priority);
  return [...groups]
    .sort(([a], [b]) => a - b)
    .flatMap(([, group]) => (group.length === 1 ? group : drawOrder(group, random)));
}

/** Orders that {@link spreadOrders} makes. */
export const ORDERS = 16;

/**
 * A set of orders to go through in turn, so that a look-up costs no draw: the first place is shared out by
 * weight as evenly as {@link ORDERS} allow (systematic sampling from a random start, so that over several
 * sets each share is exact), the other places are drawn. Equal orders are one array.
 *
 * @param items In any order; the lowest priority number goes first.
 */
export function spreadOrders<T extends Weighted & { readonly priority: number }>(
  items: readonly T[],
  random: Random,
): T[][] {
  const least = Math.min(...items.map(({ priority }) => priority));
  const first = items.filter(({ priority }) => priority === least);
  const total = first.reduce((sum, { weight }) => sum + weight, 0);
  const shares = first.map(({ weight }) => (total === 0 ? 1 / first.length : weight / total));
  const start = random();
  const known = new Map<string, T[]>();
  const orders: T[][] = [];
  let [place, upTo] = [0, shares[0] ?? 1];
  for (let index = 0; index < ORDERS; index += 1) {
    while ((index + start) / ORDERS >= upTo && place < first.length - 1) {
      place += 1;
      upTo += shares[place] ?? 0;
    }
    const chosen = first[place];
    const rest = drawPriorities(
      items.filter((item) => item !== chosen),
      random,
    );
    const order = chosen === undefined ? rest : [chosen, ...rest];
    const key = order.map((item) => items.indexOf(item)).join();
    const same = known.get(key) ?? order;
    known.set(key, same);
    orders.push(same);
  }
  return shuffled(orders, random);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return drawOrder(
    items.map((item) => ({ item, weight: 1 })),
    random,
  ).map(({ item }) => item);
}
