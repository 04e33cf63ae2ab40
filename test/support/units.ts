import { expect } from "chai";

/** A line of a systemd unit. */
export interface Setting {
  section: string;
  key: string;
  value: string;
}

/** The settings of a unit in order; fails for a line that is none. */
export function parseUnit(text: string): Setting[] {
  let section = "";
  return text.split("\n").flatMap((line) => {
    const head = /^\[(\w+)\]$/.exec(line);
    if (head) section = head[1] ?? "";
    if (head || /^(#.*)?$/.test(line)) return [];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? expect.fail(`no setting: ${line}`);
    return [{ section, key: key ?? "", value: value ?? "" }];
  });
}
