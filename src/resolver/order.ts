/** A source of random numbers in [0, 1). */
export type Random = () => number;

/** An item that is drawn by weight. */
export interface Weighted {
  readonly weight: number;
}

/**
 * The index of one item, drawn by weight. Items of weight 0 are drawn only if all items have weight 0, then
 * each with equal probability.
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
  // Rounding may leave a rest: take the last possible item.
  if (total === 0) return items.length - 1;
  return items.findLastIndex(({ weight }) => weight > 0);
}

/** All items in an order drawn by weight: each place is drawn from the remaining items. */
export function drawOrder<T extends Weighted>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(drawPlace(left, random), 1));
  return order;
}

/** Items by priority, the lowest number first, and within a priority by {@link drawOrder}. */
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
 * A set of orders to use in turn, so that a lookup needs no draw. The first place is distributed by weight as
 * evenly as {@link ORDERS} allow: by systematic sampling from a random start, so that over several sets each
 * share is exact. The other places are drawn. Equal orders share one array.
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
