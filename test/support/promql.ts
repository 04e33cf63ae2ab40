import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

/** What a PromQL expression asks for. */
export interface Query {
  /** Places that the grammar does not take, as they stand there. */
  errors: string[];
  /** Each metric with the labels that its selector, and whatever groups it, names. */
  metrics: { name: string; labels: string[]; matchers: { label: string; value: string }[] }[];
}

/** Reads a PromQL expression with the grammar that Prometheus' own editor uses. */
export function parsePromql(expression: string): Query {
  // What is missing is an error of its own, which is found beside it.
  const text = (node: SyntaxNode | null) =>
    node === null ? "" : expression.slice(node.from, node.to);
  const errors: string[] = [];
  const metrics: Query["metrics"] = [];
  parser.parse(expression).iterate({
    enter: ({ node }) => {
      if (node.type.isError) errors.push(`${node.from}: ${expression.slice(node.from)}`);
      if (node.name !== "VectorSelector") return;
      const name = node.getChild("Identifier");
      const matchers = (
        node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? []
      ).map((matcher) => ({
        label: text(matcher.getChild("LabelName")),
        value: text(matcher.getChild("StringLiteral")).slice(1, -1),
      }));
      metrics.push({
        name: text(name),
        labels: [...matchers.map(({ label }) => label), ...groupings(node).map(text)],
        matchers,
      });
    },
  });
  return { errors, metrics };
}

/** Labels of the aggregations around a selector. */
function groupings(selector: SyntaxNode): SyntaxNode[] {
  const labels: SyntaxNode[] = [];
  for (let node = selector.parent; node !== null; node = node.parent) {
    if (node.name !== "AggregateExpr") continue;
    const list = node.getChild("AggregateModifier")?.getChild("GroupingLabels");
    labels.push(...(list?.getChildren("LabelName") ?? []));
  }
  return labels;
}
