import { useEffect, useRef } from "react";
import "../language.ts";
import uPlot from "uplot";
import { count } from "../format.ts";
import "uplot/dist/uPlot.min.css";

/** A line or a row of bars of a chart. */
export interface Series {
  readonly name: string;
  /** Name of a colour of the theme, without the two dashes. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly isBar?: boolean;
}

/** A chart over epochs. The same figures are in a table near it; this is their picture. */
export function Chart(props: {
  label: string;
  x: readonly number[];
  series: readonly Series[];
  height?: number;
  range?: readonly [number, number];
  /** Text of a value on the left axis. */
  format?: (value: number) => string;
  /** The only values with a line on the left axis. */
  ticks?: readonly number[];
}) {
  const { label, height = 160 } = props;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const draw = () => new uPlot(optionsOf(props, element, height), dataOf(props), element);
    let plot = draw();
    const again = () => {
      plot.destroy();
      plot = draw();
    };
    const size = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height });
    });
    size.observe(element);
    // The colours are the theme's.
    const theme = new MutationObserver(again);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", again);
    return () => {
      scheme.removeEventListener("change", again);
      theme.disconnect();
      size.disconnect();
      plot.destroy();
    };
  }, [props, height]);
  return (
    <figure className="chart">
      <div ref={box} role="img" aria-label={label} />
      <figcaption>
        {props.series.map(({ name, colour, isBar }) => (
          <span key={name} className={`key key-${colour}${isBar === true ? " key-bar" : ""}`}>
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** Thousands apart; a part of a unit as it is. */
function plain(value: number): string {
  return Number.isInteger(value) ? count(value) : String(value);
}

type ChartProps = Parameters<typeof Chart>[0];

function dataOf({ x, series }: ChartProps): uPlot.AlignedData {
  return [[...x], ...series.map(({ values }) => [...values])];
}

/** A colour of the theme as a canvas knows it: a custom property is not computed until something uses it. */
function colourIn(element: HTMLElement, name: string): string {
  element.style.color = `var(--${name})`;
  const { color } = getComputedStyle(element);
  element.style.color = "";
  return color;
}

const FROM_ZERO = { pad: 0, soft: 0, mode: 1 } as const;
const SOME_ROOM = { pad: 0.1, soft: 0, mode: 2 } as const;

function optionsOf(props: ChartProps, element: HTMLElement, height: number): uPlot.Options {
  const colour = (name: string) => colourIn(element, name);
  const { format = plain, range, ticks, series } = props;
  const hasBars = series.some(({ isBar }) => isBar === true);
  const axis = {
    stroke: colour("muted"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  const bars = uPlot.paths.bars?.({ size: [0.7, 28], align: 0 });
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: {
      x: {
        time: false,
        // A bar has half of its width on each side.
        ...(hasBars && { range: (_: uPlot, low: number, high: number) => [low - 0.6, high + 0.6] }),
      },
      // Amounts begin at zero, so that a line that is twice as high is twice as much.
      y: range ? { range: [range[0], range[1]] } : { range: { min: FROM_ZERO, max: SOME_ROOM } },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        values: (_, values) =>
          values.map((value) => (Number.isInteger(value) ? String(value) : "")),
      },
      {
        ...axis,
        size: 84,
        values: (_, values) => values.map(format),
        ...(ticks && { splits: () => [...ticks] }),
      },
    ],
    series: [
      {},
      ...series.map(({ name, colour: shade, isBar = false }) => ({
        label: name,
        stroke: colour(shade),
        width: 2,
        points: { show: false },
        spanGaps: false,
        ...(isBar &&
          bars !== undefined && {
            paths: bars,
            width: 0,
            fill: colour(shade),
            fillTo: range?.[0] ?? 0,
          }),
      })),
    ],
  };
}
